import { defineNode } from '../shared/define-node.js'
import { FieldError } from '../shared/errors.js'
import type { FlowNode, Output } from '../shared/flow-node.js'
import type { Message, RED } from '../shared/red.js'
import { number, oneOf } from '../shared/settings.js'
import { dialTarget } from '../shared/targets.js'
import { callIdOf } from '../shared/typed-input.js'
import { type Config, defaults } from './config.js'
import { migrations } from './migrations.js'

/**
 * Transfers the other side of a call to a target, or to the other side of another call; or decides about the transfer that the other side
 * asks for (RFC 3515, 3891, 5589).
 *
 * Output 1, transferred: the incoming message; both calls of this side have ended as `transferred`. After `accept` and `decline`: at once.
 * Output 2, not transferred: the incoming message; `payload` is the SIP status. The call goes on.
 * Done at the same moment.
 * Errors: NO_CALL, CALL_ENDED (before the result), WRONG_STATE (not answered; another transfer runs; nothing to decide), BAD_TARGET,
 * TARGET_BLOCKED.
 */
export default function sipTransfer(RED: RED): void {
  defineNode<Config>(RED, {
    type: 'sip-transfer',
    defaults,
    migrations,
    working: 'transferring',
    open({ config }) {
      oneOf('action', config.action, ['blind', 'attended', 'accept', 'decline'])
      limitOf(config)
    },
    input,
  })
}

async function input(node: FlowNode<Config>, message: Message): Promise<Output> {
  const { config } = node
  const callId = await node.callId(config, message)
  if (config.action === 'accept' || config.action === 'decline') {
    await node.engine(config.action === 'accept' ? 'acceptTransfer' : 'denyTransfer', { callId })
    const topic = config.action === 'accept' ? 'call.transfer-accepted' : 'call.transfer-declined'
    return { port: 1, message: node.continue(message, callId, topic) }
  }
  const to =
    config.action === 'attended'
      ? { toCallId: await otherCall(node, message) }
      : { target: await target(node, message) }
  const { outcome, status } = await node.engine('transfer', { callId, ...to, limitMs: limitOf(config) })
  if (outcome === 'transferred') return { port: 1, message: node.continue(message, callId, 'call.transferred') }
  return { port: 2, message: node.continue(message, callId, 'call.transfer-failed', { payload: status }) }
}

async function target(node: FlowNode<Config>, message: Message): Promise<string> {
  const { target: setting, targetType } = node.config
  const found = dialTarget('target', await node.evaluate(setting, targetType, message))
  if (found === '') throw new FieldError('BAD_TARGET', 'target', 'there is no number or address to transfer to')
  return found
}

async function otherCall(node: FlowNode<Config>, message: Message): Promise<string> {
  const { toCall, toCallType } = node.config
  const value = await node.evaluate(toCall, toCallType, message)
  return callIdOf(value, toCallType === 'msg' ? `msg.${toCall}` : toCall)
}

const limitOf = ({ limit }: Config): number => number('limit', limit, { min: 5, max: 600 }) * 1000
