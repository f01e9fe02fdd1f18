import { defineNode } from '../shared/define-node.js'
import { FieldError } from '../shared/errors.js'
import type { FlowNode, Output } from '../shared/flow-node.js'
import type { Message, RED } from '../shared/red.js'
import { number, oneOf } from '../shared/settings.js'
import { dialTarget } from '../shared/targets.js'
import { headersOf, line, plainObject } from '../shared/typed-input.js'
import { type Config, defaults } from './config.js'
import { migrations } from './migrations.js'

/**
 * Decides about an inbound call: answers it, lets it ring, opens early media, rejects or redirects it.
 *
 * Output 1: the incoming message, when the action is done; `topic` is `call.answered`, `call.ringing`, `call.early`, `call.rejected` or
 * `call.redirected`. After `early`, play, gather and record work. The call is neither answered nor billed yet, and still needs a decision.
 * Done when the call is answered (200 sent), rings, has early media, or was refused.
 * Errors: NO_CALL, CALL_ENDED (the caller gave up first), WRONG_STATE (answered already), BAD_HEADER, BAD_TARGET, NO_COMMON_CODEC.
 */
export default function sipAnswer(RED: RED): void {
  defineNode<Config>(RED, {
    type: 'sip-answer',
    defaults,
    migrations,
    working: 'answering',
    open(node) {
      const action = oneOf('action', node.config.action, ['answer', 'ring', 'early', 'reject', 'redirect'])
      if (action === 'reject') rejectStatus(node.config)
    },
    input,
  })
}

type Step = (node: FlowNode<Config>, message: Message, callId: string) => Promise<string>

/** Each action returns the topic of the message that leaves. */
const STEPS: Record<Config['action'], Step> = {
  async answer(node, message, callId) {
    await node.engine('answer', { callId, headers: await headers(node, message) })
    return 'call.answered'
  },
  async ring(node, _message, callId) {
    await node.engine('ring', { callId })
    return 'call.ringing'
  },
  async early(node, message, callId) {
    await node.engine('early', { callId, headers: await headers(node, message) })
    return 'call.early'
  },
  async reject(node, message, callId) {
    const status = rejectStatus(node.config)
    await node.engine('reject', {
      callId,
      status,
      headers: await headers(node, message),
      ...(await reason(node, message)),
    })
    return 'call.rejected'
  },
  async redirect(node, message, callId) {
    await node.engine('redirect', { callId, targets: await targets(node, message), ...(await reason(node, message)) })
    return 'call.redirected'
  },
}

async function input(node: FlowNode<Config>, message: Message): Promise<Output> {
  const callId = await node.callId(node.config, message)
  await setTags(node, message, callId)
  const topic = await STEPS[node.config.action](node, message, callId)
  return { port: 1, message: node.continue(message, callId, topic) }
}

/** Tags are local data, so an inbound call arrives without them and gets them here. */
async function setTags(node: FlowNode<Config>, message: Message, callId: string): Promise<void> {
  const tags = plainObject('tags', await node.evaluate(node.config.tags, node.config.tagsType, message))
  if (Object.keys(tags).length > 0) await node.engine('setTags', { callId, tags })
}

const headers = async (node: FlowNode<Config>, message: Message): Promise<Record<string, string>> =>
  headersOf(await node.evaluate(node.config.headers, node.config.headersType, message))

async function reason(node: FlowNode<Config>, message: Message): Promise<{ reason?: string }> {
  const words = line('reason', await node.evaluate(node.config.reason, node.config.reasonType, message))
  return words === '' ? {} : { reason: words }
}

async function targets(node: FlowNode<Config>, message: Message): Promise<string[]> {
  const value = await node.evaluate(node.config.target, node.config.targetType, message)
  const all = (Array.isArray(value) ? value : [value])
    .map((one) => dialTarget('target', one))
    .filter((target) => target !== '')
  if (all.length === 0) throw new FieldError('BAD_TARGET', 'target', 'there is no number or address to redirect to')
  return all
}

const rejectStatus = (config: Config): number =>
  number('rejectStatus', config.rejectStatus, { min: 400, max: 699, integer: true })
