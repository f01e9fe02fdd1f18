/**
 * The status under a node: a dot or ring and fewer than 20 characters. Grey ring idle, yellow ring trying, blue dot in
 * progress, green dot registered or in a call, red ring failed.
 *
 * The runtime sends English words, some with a detail (`ended 1:23`). The editor translates them to the language of the
 * browser (`nodes/shared/editor/statuses.ts`). All nodes share the words in `nodes/shared/locales/<lang>/common.json`, under
 * `status`, with the keys of `STATUS_TEXT` and `ERROR_TEXT`.
 */
import type { CallEnd, CallEvent, CallState } from '../../src/call/call-event.js'
import type { RegistrationState } from '../../src/engine/protocol.js'
import { type ErrorCode, settingOf, TelephonyError } from './errors.js'
import type { StatusDot } from './red.js'

/** The English words, the same as in the English catalogue. */
export const STATUS_TEXT = {
  ready: 'ready',
  listening: 'listening',
  starting: 'starting',
  notRegistered: 'not registered',
  registering: 'registering',
  registered: 'registered',
  unregistering: 'unregistering',
  failed: 'failed',
  notAllowed: 'not allowed',
  portInUse: 'port in use',
  accountDeleted: 'account deleted',
  engineFailed: 'engine restarting',
  dialling: 'dialling',
  trying: 'trying',
  ringing: 'ringing',
  early: 'early media',
  inCall: 'in call',
  held: 'on hold',
  ended: 'ended',
  busy: 'busy',
  noAnswer: 'no answer',
  rejected: 'rejected',
  cancelled: 'cancelled',
  completedElsewhere: 'answered elsewhere',
  mediaTimeout: 'media timeout',
  sessionExpired: 'session expired',
  abandoned: 'abandoned',
  interrupted: 'interrupted',
  up: 'reachable',
  down: 'unreachable',
  subscribed: 'subscribed',
  transferred: 'transferred',
  transferring: 'transferring',
  answering: 'answering',
  playing: 'playing',
  gathering: 'awaiting keys',
  waiting: 'waiting',
  sending: 'sending',
  recording: 'recording',
  hangingUp: 'hanging up',
} as const

export const ERROR_TEXT: Record<ErrorCode, string> = {
  BAD_CONFIG: 'bad settings',
  BAD_TARGET: 'bad target',
  BAD_HEADER: 'bad header',
  BAD_ARGUMENT: 'bad input',
  NO_ACCOUNT: 'no account',
  NO_CALL: 'no call',
  CALL_ENDED: 'call ended',
  WRONG_STATE: 'wrong state',
  CALL_LIMIT: 'too many calls',
  CALL_RATE: 'too many per minute',
  TARGET_BLOCKED: 'target blocked',
  NO_COMMON_CODEC: 'no common codec',
  BAD_SDP: 'bad SDP',
  PARSE: 'not understood',
  TRANSPORT: 'network error',
  TIMEOUT: 'no response',
  AUTH_FAILED: 'wrong password',
  REFUSED: 'refused',
  NO_PORTS: 'no free ports',
  FILE_NOT_FOUND: 'file not found',
  FILE_OUTSIDE_ROOT: 'file not allowed',
  BAD_AUDIO: 'bad audio file',
  MEDIA_WORKER_DIED: 'media failed',
  ENGINE_DIED: 'engine failed',
  CLOSED: 'closed',
  INTERNAL: 'internal error',
}

export type StatusKey = keyof typeof STATUS_TEXT

type Look = readonly [NonNullable<StatusDot['fill']>, NonNullable<StatusDot['shape']>]

const IDLE: Look = ['grey', 'ring']
const TRYING: Look = ['yellow', 'ring']
const WORKING: Look = ['blue', 'dot']
const GOOD: Look = ['green', 'dot']
const FAILED: Look = ['red', 'ring']

const LOOKS: Record<StatusKey, Look> = {
  ready: IDLE,
  listening: IDLE,
  starting: TRYING,
  notRegistered: IDLE,
  registering: TRYING,
  registered: GOOD,
  unregistering: TRYING,
  failed: FAILED,
  notAllowed: FAILED,
  portInUse: FAILED,
  accountDeleted: FAILED,
  engineFailed: FAILED,
  dialling: TRYING,
  trying: TRYING,
  ringing: TRYING,
  early: TRYING,
  inCall: GOOD,
  held: GOOD,
  ended: IDLE,
  busy: IDLE,
  noAnswer: IDLE,
  rejected: IDLE,
  cancelled: IDLE,
  completedElsewhere: IDLE,
  mediaTimeout: FAILED,
  sessionExpired: FAILED,
  abandoned: FAILED,
  interrupted: FAILED,
  transferred: IDLE,
  up: GOOD,
  down: FAILED,
  subscribed: GOOD,
  transferring: WORKING,
  answering: WORKING,
  playing: WORKING,
  gathering: WORKING,
  waiting: WORKING,
  sending: WORKING,
  recording: WORKING,
  hangingUp: WORKING,
}

/** The status before translation. Null if nothing is in progress: the node then shows its account's state. */
export type Status = { key: StatusKey; detail?: string } | { error: ErrorCode; setting?: string | undefined } | null

/** The state of an account, as its nodes show it. */
export type AccountState = RegistrationState | { state: 'starting' } | { state: 'broken'; error: TelephonyError }

const ENDED: Record<CallEnd['cause'], StatusKey> = {
  normal: 'ended',
  busy: 'busy',
  'no-answer': 'noAnswer',
  rejected: 'rejected',
  cancelled: 'cancelled',
  'completed-elsewhere': 'completedElsewhere',
  failed: 'failed',
  'media-timeout': 'mediaTimeout',
  'session-expired': 'sessionExpired',
  abandoned: 'abandoned',
  interrupted: 'interrupted',
  transferred: 'transferred',
}

const IN_STATE: Record<CallState, StatusKey> = {
  trying: 'trying',
  ringing: 'ringing',
  early: 'early',
  answered: 'inCall',
  held: 'held',
  ended: 'ended',
}

export const stateStatus = (state: CallState): Status => ({ key: IN_STATE[state] })

export function callStatus(event: CallEvent): Status {
  switch (event.type) {
    case 'call.trying':
      return { key: 'trying' }
    case 'call.incoming':
    case 'call.ringing':
      return { key: 'ringing' }
    case 'call.early':
      return { key: 'early' }
    case 'call.held':
      return { key: 'held' }
    case 'call.ended':
      return endStatus(event)
    default:
      return event.call.state === 'answered' ? { key: 'inCall' } : null
  }
}

/** A reachable peer answers our CANCEL with 487. If it sent nothing at all, the server is missing, not the person. */
function endStatus({ end, call }: CallEvent & { type: 'call.ended' }): Status {
  const { by, cause, sipCode } = end
  if (cause === 'normal') return { key: 'ended', detail: duration(call.durationMs) }
  if (cause === 'no-answer' && by !== 'remote' && (sipCode === null || sipCode === 408)) return { error: 'TIMEOUT' }
  if (sipCode !== null && (cause === 'failed' || isRefusal(sipCode))) return failure(sipCode, by === 'error')
  return { key: ENDED[cause] }
}

/** `1:23`, `1:02:03`. */
function duration(ms: number): string {
  const seconds = Math.round(ms / 1000)
  const two = (value: number) => String(value).padStart(2, '0')
  const [h, min, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
  return h > 0 ? `${h}:${two(min)}:${two(s)}` : `${min}:${two(s)}`
}

/** The server refuses the account; it is not the called person who rejects the call. */
const isRefusal = (status: number): boolean => [401, 403, 407].includes(status)

/**
 * `local`: the peer did not send this status; 408 or 503 stand for a missing answer (RFC 3261 8.1.3.1). 0: there was no socket.
 */
function failure(status: number, local: boolean): Status {
  if (local && status === 408) return { error: 'TIMEOUT' }
  if (status === 0 || (local && status === 503)) return { error: 'TRANSPORT' }
  if (status === 401 || status === 407) return { error: 'AUTH_FAILED' }
  if (status === 403) return { key: 'notAllowed' }
  return { key: 'failed', detail: String(status) }
}

/** `idle`: the status for an account that does not register. */
export function accountStatus(account: AccountState, idle: StatusKey = 'notRegistered'): Status {
  switch (account.state) {
    case 'broken':
      return { error: account.error.code }
    case 'idle':
      return { key: idle }
    case 'failed':
      if (account.portInUse !== undefined) return { key: 'portInUse', detail: String(account.portInUse) }
      return failure(account.status, account.local ?? false)
    default:
      return { key: account.state }
  }
}

/** Whether a failure of a call or an input can be mistaken for the state of the account, because it has the same words. */
export const isLikeAccount = (status: Status): boolean =>
  status !== null && ('error' in status || status.key === 'failed' || status.key === 'notAllowed')

export const errorStatus = (thrown: unknown): Status => ({
  error: TelephonyError.from(thrown).code,
  setting: settingOf(thrown),
})

export function statusDot(status: Status): StatusDot {
  if (status === null) return {}
  if ('error' in status) {
    const setting = status.setting === undefined ? '' : `: ${status.setting}`
    return { fill: 'red', shape: 'ring', text: `${ERROR_TEXT[status.error]}${setting}` }
  }
  const [fill, shape] = LOOKS[status.key]
  const text = STATUS_TEXT[status.key]
  return { fill, shape, text: status.detail === undefined ? text : `${text} ${status.detail}` }
}
