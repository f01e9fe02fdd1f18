import type { WaitFor } from '../../src/engine/protocol.js'
import { defineNode } from '../shared/define-node.js'
import type { FlowNode, Output } from '../shared/flow-node.js'
import type { Message, RED } from '../shared/red.js'
import { keys, oneOf, secondsAsMs } from '../shared/settings.js'
import { type Config, defaults } from './config.js'
import { migrations } from './migrations.js'

/**
 * Waits for one thing in a call: a digit, the answer, silence of the other side, the end of the own sound, or the end of the call.
 *
 * Output 1, happened: the incoming message; `payload` is the digit if the node waits for one, and is not changed otherwise.
 * Output 2, time is up: the incoming message.
 * Output 3, call ended or failed: the incoming message; the call has ended before, or the wait could not start, with `error.code` and
 * `error.message`. Catch nodes get the error as well. The end of the call leaves by output 1 if the node waits for it.
 * `topic` is `call.wait-ended` at each output. Digits that no gather or wait has taken before count.
 * Errors: NO_CALL, WRONG_STATE.
 */
export default function sipWait(RED: RED): void {
  defineNode<Config>(RED, {
    type: 'sip-wait',
    defaults,
    migrations,
    working: 'waiting',
    open(node) {
      rulesOf(node.config)
    },
    failed: { port: 3, event: 'call.wait-ended', result: () => ({}) },
    input,
  })
}

const PORTS = { happened: 1, timeout: 2, 'call-ended': 3 } as const

async function input(node: FlowNode<Config>, message: Message): Promise<Output> {
  const callId = await node.callId(node.config, message)
  const { outcome, digit } = await node.engine('wait', { callId, ...rulesOf(node.config) })
  const result = node.continue(message, callId, 'call.wait-ended', digit === '' ? {} : { payload: digit })
  return { port: PORTS[outcome], message: result }
}

function rulesOf(config: Config): { what: WaitFor; limitMs: number } {
  const kind = oneOf('waitFor', config.waitFor, ['digit', 'answer', 'silence', 'mediaEnd', 'end'])
  return { what: whatOf(kind, config), limitMs: secondsAsMs('limit', config.limit, { min: 0.1, max: 86_400 }) }
}

function whatOf(kind: Config['waitFor'], config: Config): WaitFor {
  switch (kind) {
    case 'digit':
      return { kind, accept: keys('accept', config.accept) }
    case 'silence':
      return { kind, quietMs: secondsAsMs('quiet', config.quiet, { min: 0.1, max: 600 }) }
    case 'mediaEnd':
      return { kind: 'media-end' }
    default:
      return { kind }
  }
}
