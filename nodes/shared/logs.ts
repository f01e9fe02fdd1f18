/** Writes messages of the engine and the accounts as sentences into Node-RED's log. */
import type { EngineEvents } from '../../src/engine/protocol.js'
import type { RED } from './red.js'
import type { AccountState } from './status.js'

export type Level = 'error' | 'warn' | 'info' | 'debug'

export function writeLog(RED: RED, level: string, text: string): void {
  const line = `[ringflow] ${text}`
  if (level === 'error' || level === 'fatal') RED.log.error(line)
  else if (level === 'warn') RED.log.warn(line)
  else if (level === 'info') RED.log.info(line)
  else RED.log.debug(line)
}

/** Converts a JSON log line of the engine to a sentence for Node-RED's log. */
export function sentenceOf(line: string, nameOf: (accountId: string) => string | undefined): string {
  const fields = fieldsOf(line)
  if (!fields) return line.trimEnd()
  const { msg, err, accountId, level: _level, time: _time, ...rest } = fields
  const name = typeof accountId === 'string' ? (nameOf(accountId) ?? accountId) : undefined
  const reason = (err as { message?: unknown } | undefined)?.message
  const details = Object.entries(rest).map(([key, value]) => `${key} ${plain(value)}`)
  return [
    name === undefined ? '' : `Account ${name}: `,
    msg ?? '',
    reason === undefined ? '' : `: ${reason}`,
    details.length === 0 ? '' : ` (${details.join(', ')})`,
  ].join('')
}

/** A SIP message. Its lines are indented, so that a peer cannot write lines that look like others of the log. */
export const traceSentence = ({ direction, remote, text }: EngineEvents['trace']): string =>
  [`SIP ${direction === 'in' ? 'from' : 'to'} ${remote}:`, ...text.trimEnd().split(/\r?\n|\r/)].join('\n  ')

function fieldsOf(line: string): Record<string, unknown> | undefined {
  try {
    const fields: unknown = JSON.parse(line)
    return typeof fields === 'object' && fields !== null ? (fields as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

const plain = (value: unknown): string => (typeof value === 'object' ? JSON.stringify(value) : String(value))

/** Logs each trouble of an account once, and its end. An attempt that fails for the same reason is not logged again. */
export class AccountTroubles {
  readonly #logged = new Map<string, string>()
  readonly #log: (level: Level, text: string) => void
  readonly #now: () => number

  constructor(deps: { log: (level: Level, text: string) => void; now: () => number }) {
    this.#log = deps.log
    this.#now = deps.now
  }

  changed(accountId: string, name: string, state: AccountState): void {
    const before = this.#logged.get(accountId)
    if (state.state === 'failed') {
      const trouble = failureText(state)
      if (trouble === before) return
      this.#logged.set(accountId, trouble)
      this.#log('warn', `Account ${name}: ${trouble}${this.#nextTry(state.retryAt)}`)
    } else if (before !== undefined && (state.state === 'registered' || state.state === 'idle')) {
      this.#logged.delete(accountId)
      this.#log('info', `Account ${name}: ${state.state === 'registered' ? 'registered' : 'works'} again`)
    }
  }

  clear(): void {
    this.#logged.clear()
  }

  #nextTry(retryAt: string | null): string {
    if (retryAt === null) return ''
    const seconds = Math.max(0, Math.round((Date.parse(retryAt) - this.#now()) / 1000))
    return `; next try in ${seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`}`
  }
}

interface Failure {
  /** 0: no status. */
  status: number
  reason: string
  local?: boolean
}

/** Why a registration or a call failed, as the end of a sentence. `local`: the server did not send the status. */
export function failureText({ status, reason, local }: Failure): string {
  if (status === 0) return reason
  const answer = `${status} ${reason}`.trim()
  if (local) return status === 408 ? 'the server does not answer' : reason
  if (status === 401 || status === 407) return `the server does not accept the user or the password (${answer})`
  if (status === 403) return `the server does not allow it (${answer})`
  return `the server answers ${answer}`
}
