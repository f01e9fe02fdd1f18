/** How a caller wants the called telephone to ring, or to answer by itself (intercom). */
import { splitList } from '../sip/message/list.js'
import type { HeaderField, SipMessage } from '../sip/types.js'

export interface CallAlert {
  /** Alert-Info (RFC 3261 20.4): names a ring; '' without one. */
  info: string
  /** The caller asks for an automatic answer. */
  autoAnswer: boolean
}

const MAX_TEXT = 256
/** No caller waits longer for an automatic answer. */
const MAX_DELAY_SEC = 60
/** Spellings of telephones in Alert-Info: `info=alert-autoanswer`, `Ring Answer`, `Auto Answer`, `intercom`. */
const AUTO_ALERT = /alert-autoanswer|\b(?:ring|auto)[ -]?answer\b|\bintercom\b/i

/** Null if the message asks for nothing. `delayMs`: the wait before an automatic answer. */
export function alertOf(message: SipMessage): { alert: CallAlert; delayMs: number } | null {
  const info = message.header('Alert-Info')
  const delaySec = answerAfter(message)
  const isAuto =
    delaySec !== undefined ||
    isAutoMode(message.header('Answer-Mode')) ||
    isAutoMode(message.header('Priv-Answer-Mode')) ||
    (info !== undefined && AUTO_ALERT.test(info))
  if (info === undefined && !isAuto) return null
  return {
    alert: { info: (info ?? '').slice(0, MAX_TEXT), autoAnswer: isAuto },
    delayMs: Math.min(delaySec ?? 0, MAX_DELAY_SEC) * 1000,
  }
}

/** `Call-Info: <uri>;answer-after=0`. Not in any RFC, but most telephones know it. */
function answerAfter(message: SipMessage): number | undefined {
  if (message.header('Call-Info') === undefined) return undefined
  for (const value of message.headers('Call-Info').flatMap(splitList)) {
    const seconds = /;\s*answer-after\s*=\s*"?(\d{1,5})"?\s*(?:;|$)/i.exec(value)?.[1]
    if (seconds !== undefined) return Number(seconds)
  }
  return undefined
}

/** RFC 5373 4.1: `Auto`, perhaps with `;require`. */
const isAutoMode = (value: string | undefined): boolean => value !== undefined && /^\s*auto\s*(?:;|$)/i.test(value)

/** `;require` (RFC 5373): the caller accepts nothing but an automatic answer. */
export const requiresAutoAnswer = (message: SipMessage): boolean =>
  isRequiredAuto(message.header('Answer-Mode')) || isRequiredAuto(message.header('Priv-Answer-Mode'))

const isRequiredAuto = (value: string | undefined): boolean =>
  value !== undefined && isAutoMode(value) && /;\s*require\s*(?:;|$)/i.test(value)

/** Asks the called telephone to answer at once, in the ways that telephones know. */
export const AUTO_ANSWER_HEADERS: readonly HeaderField[] = [
  ['Call-Info', '<sip:auto-answer.invalid>;answer-after=0'],
  ['Alert-Info', '<http://auto-answer.invalid>;info=alert-autoanswer;delay=0'],
  ['Answer-Mode', 'Auto'],
]
