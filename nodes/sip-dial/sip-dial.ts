import type { CallEnd } from '../../src/call/call-event.js'
import type { DialCommand, DiversionReason } from '../../src/engine/protocol.js'
import { defineNode } from '../shared/define-node.js'
import { newId, TelephonyError } from '../shared/errors.js'
import type { FlowNode, Output } from '../shared/flow-node.js'
import { failureText } from '../shared/logs.js'
import { callMessage } from '../shared/message.js'
import { isWired, type Message, type RED } from '../shared/red.js'
import { flag, secondsAsMs } from '../shared/settings.js'
import { callStatus, stateStatus } from '../shared/status.js'
import { dialTarget } from '../shared/targets.js'
import { telephony } from '../shared/telephony.js'
import { headersOf, line, plainObject } from '../shared/typed-input.js'
import { type Config, defaults } from './config.js'
import { confirmOf, strategyOf, targetsOf, withGroup } from './group.js'
import { migrations } from './migrations.js'

/**
 * Places a call, or calls several targets of which the first that answers wins.
 *
 * Input: the target (`1002`, `alice@host`, `sip:…`, `tel:…`), by default `payload`; caller name, caller ID, headers and tags as set.
 * With a list of targets, `group` in the message tells how each call went.
 * Output 1, answered: the incoming message with its properties and `call`; `topic` is `call.answered`.
 * Output 2, not answered: the incoming message; `payload` is the cause (`busy`, `no-answer`, `rejected`, `cancelled`,
 * `completed-elsewhere`, `failed`), more in `call.end`. Busy and no answer are outcomes, not errors.
 * Output 3, progress and end: a new message per event except the answer: `call.trying`, `call.ringing`, `call.early`, `call.media`,
 * `call.media-trouble`, `call.digit` (`payload` is the digit), `call.held`, `call.resumed`, `call.transfer-…`, `call.transferred`, `call.replaced`, `call.idle`,
 * `call.play-ended`, `call.record-ended`, `call.ended`
 * (`payload` is the cause). Every call ends here exactly once, answered or not.
 * Done when the call is answered or ends without an answer, i.e. when output 1 or 2 sends, not at the end of the conversation.
 * If output 2 is not wired, the node warns of a failed call in the debug sidebar and the log.
 * Errors: BAD_TARGET, BAD_HEADER, BAD_ARGUMENT, NO_ACCOUNT, CALL_LIMIT, CALL_RATE, TARGET_BLOCKED, NO_PORTS, TRANSPORT.
 * Status: what the latest call is doing.
 */
export default function sipDial(RED: RED): void {
  defineNode<Config>(RED, {
    type: 'sip-dial',
    defaults,
    migrations,
    open(node) {
      node.account()
      ringTimeout(node.config)
      strategyOf(node.config)
      confirmOf(node.config)
      const call = telephony.calls.liveCallOf(node.id)
      if (call) node.show(stateStatus(call.state))
    },
    input,
    onCall(node, event) {
      // The end of one call of a group does not hide another that goes on.
      const other = event.type === 'call.ended' && event.call.group ? telephony.calls.liveCallOf(node.id) : undefined
      const status = other ? stateStatus(other.state) : callStatus(event)
      if (status) node.show(status, event.type === 'call.ended' && !other)
      if (event.type !== 'call.answered') node.send(3, callMessage(event))
    },
  })
}

async function input(node: FlowNode<Config>, message: Message): Promise<Output> {
  const { config } = node
  const targets = targetsOf(await node.evaluate(config.target, config.targetType, message))
  const confirm = confirmOf(config)
  const [first] = targets
  if (!first) throw noTarget(config)
  const common = await commandOf(node, message)
  await telephony.accounts.ready(node.accountId)
  node.show({ key: 'dialling' })
  if (confirm || targets.length > 1 || Object.keys(first).length > 1) {
    const strategy = strategyOf(config)
    const result = await node.engine('dialGroup', { ...common, targets, strategy, ...(confirm && { confirm }) })
    if (result.end) warnOfFailure(node, `${targets.length} targets`, result.end)
    return { port: result.callId === null ? 2 : 1, message: withGroup(node, message, result) }
  }
  const event = await placeCall(node, { ...common, target: first.target, callId: newId() })
  if (event.type === 'call.answered') return { port: 1, message: node.continueWith(message, event) }
  warnOfFailure(node, event.call.to.user || event.call.to.uri, event.end)
  return { port: 2, message: node.continueWith(message, event, event.end.cause) }
}

/** Without a wire at output 2 nothing else would say why. */
function warnOfFailure({ id, node }: FlowNode<Config>, called: string, end: CallEnd): void {
  // A deploy may have replaced the node during the call.
  const now = telephony.live.get(id)?.node ?? node
  const isFailure = end.by === 'error' || end.cause === 'failed'
  if (!isFailure || isWired(now, 2)) return
  const why = failureText({ status: end.sipCode ?? 0, reason: end.reason, local: end.by === 'error' })
  now.warn(`The call to ${called} failed: ${why}`)
}

async function placeCall(node: FlowNode<Config>, command: DialCommand & { callId: string }) {
  const outcome = telephony.calls.outcome(command.callId)
  // A rejection is handled where the outcome is awaited below; this avoids an unhandled rejection until then.
  outcome.catch(() => undefined)
  try {
    await node.engine('dial', command)
  } catch (error) {
    telephony.calls.forgetOutcome(command.callId)
    throw error
  }
  return outcome
}

/** All but the targets. */
async function commandOf(node: FlowNode<Config>, message: Message): Promise<Omit<DialCommand, 'target'>> {
  const { config } = node
  const callerName = line('callerName', await node.evaluate(config.callerName, config.callerNameType, message))
  const callerId = dialTarget('callerId', await node.evaluate(config.callerId, config.callerIdType, message))
  const diverted = divertedOf(await node.evaluate(config.diverted, config.divertedType, message))
  const headers = headersOf(await node.evaluate(config.headers, config.headersType, message))
  const tags = plainObject('tags', await node.evaluate(config.tags, config.tagsType, message))
  const ringTimeoutMs = ringTimeout(config)
  return {
    accountId: node.accountId,
    owner: node.id,
    headers,
    tags,
    ...(callerName !== '' && { callerName }),
    ...(callerId !== '' && { callerId }),
    ...(flag(config.hideCallerId) && { hideCallerId: true }),
    ...(flag(config.autoAnswer) && { autoAnswer: true }),
    ...(diverted.length > 0 && { diverted }),
    ...(ringTimeoutMs > 0 && { ringTimeoutMs }),
  }
}

function noTarget({ target, targetType }: Config): TelephonyError {
  const where = targetType === 'msg' ? `msg.${target}` : `${targetType} ${target}`
  return new TelephonyError('BAD_TARGET', `${where} does not hold a number or an address to call`)
}

/** A target, or a list of targets and of objects with a reason; the engine checks the reasons. */
function divertedOf(value: unknown): NonNullable<DialCommand['diverted']> {
  return (Array.isArray(value) ? value : [value]).flatMap((each: unknown) => {
    const { target, reason } = isRecord(each) ? each : { target: each, reason: undefined }
    const called = dialTarget('diverted', target)
    const why = line('diverted', reason)
    return called === '' ? [] : { target: called, ...(why !== '' && { reason: why as DiversionReason }) }
  })
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

/** 0 stands for the account's setting. */
const ringTimeout = (config: Config): number =>
  secondsAsMs('ringTimeout', config.ringTimeout, { empty: 0, min: 1, max: 600 })
