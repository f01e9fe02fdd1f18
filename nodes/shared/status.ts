/**
 * What stands under a node: a dot or ring and fewer than 20 characters. Grey ring idle, yellow ring trying, blue dot in
 * progress, green dot registered or in a call, red ring failed.
 *
 * The words are translated by Node-RED's runtime. They live once, for all nodes, in `nodes/shared/locales/<lang>/common.json`,
 * under `status`, with the keys of `STATUS_TEXT` and `ERROR_TEXT`.
 */
import type { CallEnd, CallEvent, CallState } from '../../src/call/call-event.js'
import type { RegistrationState } from '../../src/engine/protocol.js'
import { type ErrorCode, TelephonyError } from './errors.js'
import type { RED, StatusDot } from './red.js'

/** English, also what is shown where a catalogue lacks the key. */
export const STATUS_TEXT = {
  idle: 'idle',
  listening: 'listening',
  starting: 'starting',
  notRegistered: 'not registered',
  registering: 'registering',
  registered: 'registered',
  unregistering: 'unregistering',
  failed: 'failed',
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
  interrupted: 'interrupted',
  answering: 'answering',
  playing: 'playing',
  gathering: 'awaiting keys',
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
  TIMEOUT: 'timeout',
  AUTH_FAILED: 'wrong password',
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

type Look = readonly [StatusDot['fill'], StatusDot['shape']]

const IDLE: Look = ['grey', 'ring']
const TRYING: Look = ['yellow', 'ring']
const WORKING: Look = ['blue', 'dot']
const GOOD: Look = ['green', 'dot']
const FAILED: Look = ['red', 'ring']

const LOOKS: Record<StatusKey, Look> = {
  idle: IDLE,
  listening: IDLE,
  starting: TRYING,
  notRegistered: IDLE,
  registering: TRYING,
  registered: GOOD,
  unregistering: TRYING,
  failed: FAILED,
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
  interrupted: FAILED,
  answering: WORKING,
  playing: WORKING,
  gathering: WORKING,
  sending: WORKING,
  recording: WORKING,
  hangingUp: WORKING,
}

/** What to show, before translation; null clears it. */
export type Status = { key: StatusKey; detail?: string } | { error: ErrorCode } | null

/** Everything that an account can be in, as its nodes show it. */
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
  interrupted: 'interrupted',
}

const IN_STATE: Record<CallState, StatusKey> = {
  trying: 'trying',
  ringing: 'ringing',
  early: 'early',
  answered: 'inCall',
  held: 'held',
  ended: 'idle',
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
      return endStatus(event.end)
    default:
      return event.call.state === 'answered' ? { key: 'inCall' } : null
  }
}

function endStatus({ by, cause, sipCode }: CallEnd): Status {
  return cause === 'failed' && sipCode !== null ? failure(sipCode, by === 'error') : { key: ENDED[cause] }
}

/** `local`: nobody said 408 or 503; it is what the lack of an answer counts as (RFC 3261 8.1.3.1). 0: there was no socket. */
function failure(status: number, local: boolean): Status {
  if (local && status === 408) return { error: 'TIMEOUT' }
  if (status === 0 || (local && status === 503)) return { error: 'TRANSPORT' }
  return { key: 'failed', detail: String(status) }
}

export function accountStatus(account: AccountState): Status {
  switch (account.state) {
    case 'broken':
      return { error: account.error.code }
    case 'idle':
      return { key: 'notRegistered' }
    case 'failed':
      return failure(account.status, account.local ?? false)
    default:
      return { key: account.state }
  }
}

export const errorStatus = (thrown: unknown): Status => ({ error: TelephonyError.from(thrown).code })

/** Node-RED's editor takes a text with `:` for a catalogue key, so none has one. */
export function statusDot(RED: RED, status: Status): StatusDot {
  if (status === null) return {}
  if ('error' in status) {
    return { fill: 'red', shape: 'ring', text: translate(RED, `error.${status.error}`, ERROR_TEXT[status.error]) }
  }
  const [fill, shape] = LOOKS[status.key]
  const word = translate(RED, status.key, STATUS_TEXT[status.key])
  const text = status.detail === undefined ? word : `${word} ${status.detail}`
  return { ...(fill && { fill }), ...(shape && { shape }), text }
}

/** Statuses change with every call, the language of a running Node-RED does not: each is looked up once. */
const translated = new WeakMap<RED, Map<string, string>>()

function translate(RED: RED, key: string, english: string): string {
  const known = translated.get(RED) ?? new Map<string, string>()
  translated.set(RED, known)
  const before = known.get(key)
  if (before !== undefined) return before
  const path = `status.${key}`
  const word = RED._(path, { defaultValue: english })
  // Nothing was found: that is not kept.
  if (word === '' || word === path) return english
  known.set(key, word)
  return word
}
