import type { DtmfMode } from '../../src/engine/protocol.js'
import { defineNode } from '../shared/define-node.js'
import { FieldError, TelephonyError } from '../shared/errors.js'
import type { FlowNode, Output } from '../shared/flow-node.js'
import type { Message, RED } from '../shared/red.js'
import { number, oneOf, text } from '../shared/settings.js'
import { type Config, defaults } from './config.js'
import { migrations } from './migrations.js'

/**
 * Sends digits to the other side (RFC 4733, or INFO).
 *
 * Input: the digits `0-9 * # A-D`, by default `payload`; `,` is a pause of half a second.
 * Output 1, sent: the incoming message, when the last digit was sent. Done at the same moment.
 * Errors: BAD_ARGUMENT, NO_CALL, CALL_ENDED (also when the call ends before all were sent), WRONG_STATE, REFUSED.
 */
export default function sipDtmf(RED: RED): void {
  defineNode<Config>(RED, {
    type: 'sip-dtmf',
    defaults,
    migrations,
    working: 'sending',
    open: ({ config }) => void [timesOf(config), modeOf(config)],
    input,
  })
}

async function input(node: FlowNode<Config>, message: Message): Promise<Output> {
  const { config } = node
  const callId = await node.callId(config, message)
  const digits = digitsOf(await node.evaluate(config.digits, config.digitsType, message))
  const sent = await node.engine('sendDigits', { callId, digits, ...timesOf(config), ...modeOf(config) })
  if (sent === 'hangup') throw new TelephonyError('CALL_ENDED', 'the call ended before all digits were sent')
  return { port: 1, message: node.continue(message, callId, 'call.digits-sent') }
}

function digitsOf(value: unknown): string {
  const digits = typeof value === 'string' || typeof value === 'number' ? text(value).toUpperCase() : ''
  if (/^[0-9A-D*#,]+$/.test(digits)) return digits
  throw new FieldError(
    'BAD_ARGUMENT',
    'digits',
    `${JSON.stringify(value)} cannot be sent. Use 0-9 * # A-D, and a comma for a pause`,
  )
}

function modeOf({ mode }: Config): { mode?: DtmfMode } {
  return mode === '' ? {} : { mode: oneOf('mode', mode, ['auto', 'rfc4733', 'info']) }
}

function timesOf(config: Config): { toneMs?: number; gapMs?: number } {
  const toneMs = number('tone', config.tone, { empty: 0, min: 40, max: 5_000, integer: true })
  const gapMs = number('gap', config.gap, { empty: 0, min: 20, max: 5_000, integer: true })
  return { ...(toneMs > 0 && { toneMs }), ...(gapMs > 0 && { gapMs }) }
}
