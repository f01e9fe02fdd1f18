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

/** The settings of the account that concern a call which is placed. */
export function callSettingsFrom(options: Options): Pick<AccountConfig, 'callerIdBy' | 'dtmfMode'> {
  const callerIdBy = options.oneOf('caller-id-by', ['from', 'pai', 'ppi'] as const)
  const dtmfMode = options.oneOf('dtmf-mode', ['auto', 'rfc4733', 'info'] as const)
  return { ...(callerIdBy && { callerIdBy }), ...(dtmfMode && { dtmfMode }) }
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
