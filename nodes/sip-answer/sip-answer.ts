import { defineNode } from '../shared/define-node.js'
import type { FlowNode, Output } from '../shared/flow-node.js'
import type { Message, RED } from '../shared/red.js'
import { number, oneOf, text } from '../shared/settings.js'
import { headersOf } from '../shared/typed-input.js'
import { type Config, defaults } from './config.js'
import { migrations } from './migrations.js'

/**
 * Decides about an inbound call: answers it, lets it ring, or rejects it.
 *
 * Output 1: the incoming message, when it is done; `topic` is `call.answered`, `call.ringing` or `call.rejected`.
 * Done when the call is answered (200 sent), rings, or has been refused.
 * Errors: NO_CALL, CALL_ENDED (the caller gave up first), WRONG_STATE (answered already), BAD_HEADER, NO_COMMON_CODEC.
 */
export default function sipAnswer(RED: RED): void {
  defineNode<Config>(RED, {
    type: 'sip-answer',
    defaults,
    migrations,
    working: 'answering',
    open(node) {
      const action = oneOf('action', node.config.action, ['answer', 'ring', 'reject'])
      if (action === 'reject') rejectStatus(node.config)
    },
    input,
  })
}

async function input(node: FlowNode<Config>, message: Message): Promise<Output> {
  const { config } = node
  const callId = await node.callId(config, message)
  if (config.action === 'ring') {
    await node.engine('ring', { callId })
    return { port: 1, message: node.continue(message, callId, 'call.ringing') }
  }
  if (config.action === 'reject') {
    const reason = text(config.reason)
    await node.engine('reject', { callId, status: rejectStatus(config), ...(reason !== '' && { reason }) })
    return { port: 1, message: node.continue(message, callId, 'call.rejected') }
  }
  const headers = headersOf(await node.evaluate(config.headers, config.headersType, message))
  await node.engine('answer', { callId, headers })
  return { port: 1, message: node.continue(message, callId, 'call.answered') }
}

const rejectStatus = (config: Config): number =>
  number('rejectStatus', config.rejectStatus, { min: 300, max: 699, integer: true })
