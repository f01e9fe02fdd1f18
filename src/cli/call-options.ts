/** The options that describe a call which is placed. */
import type { AccountConfig, DialCommand } from '../engine/protocol.js'
import { type Options, UsageError } from './options.js'

type CallOptions = Pick<DialCommand, 'callerId' | 'hideCallerId' | 'autoAnswer' | 'headers'>

export function callOptionsFrom(options: Options): CallOptions {
  const callerId = options.text('caller-id')
  const headers = headersFrom(options.text('header'))
  return {
    ...(callerId !== undefined && { callerId }),
    ...(options.flag('hide-caller-id') && { hideCallerId: true }),
    ...(options.flag('auto-answer') && { autoAnswer: true }),
    ...(headers && { headers }),
  }
}

type CallSettings = Pick<
  AccountConfig,
  'callerIdBy' | 'dtmfMode' | 'reliableProvisional' | 'sessionExpiresSec' | 'delayedOffer'
>

/** The settings of the account that concern a call which is placed. */
export function callSettingsFrom(options: Options): CallSettings {
  const callerIdBy = options.oneOf('caller-id-by', ['from', 'pai', 'ppi'] as const)
  const dtmfMode = options.oneOf('dtmf-mode', ['auto', 'rfc4733', 'info'] as const)
  const reliableProvisional = options.oneOf('reliable-provisional', ['off', 'supported', 'required'] as const)
  const sessionExpiresSec = options.integer('session-expires', 0, 86_400)
  if (sessionExpiresSec !== undefined && sessionExpiresSec > 0 && sessionExpiresSec < 90)
    throw new UsageError(`--session-expires ${sessionExpiresSec} is not valid. Use 90 to 86400, or 0 for none`)
  return {
    ...(callerIdBy && { callerIdBy }),
    ...(dtmfMode && { dtmfMode }),
    ...(reliableProvisional && { reliableProvisional }),
    ...(sessionExpiresSec !== undefined && { sessionExpiresSec }),
    ...(options.flag('delayed-offer') && { delayedOffer: true }),
  }
}

function headersFrom(text: string | undefined): Record<string, string> | undefined {
  if (text === undefined) return undefined
  return Object.fromEntries(
    text.split('\n').map((line) => {
      const [, name, value] = /^([^:\s]+)\s*:\s*(.*)$/.exec(line) ?? []
      if (name === undefined || value === undefined)
        throw new UsageError(
          `--header ${JSON.stringify(line)} is not valid. Write it as name: text, like "X-Ticket: 7"`,
        )
      return [name, value]
    }),
  )
}
