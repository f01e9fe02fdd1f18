/** RFC 3326: why a request ends a call. */
import { splitList } from '../sip/message/list.js'
import { parseParams, unquote } from '../sip/uri/params.js'

/** One reason of the peer, `Q.850;cause=16;text="Normal call clearing"`. */
export interface EndReason {
  protocol: string
  /** Null if the reason has none. */
  cause: number | null
  text: string
}

const MAX_TEXT = 128

/** With this Reason telephones do not list a missed call (RFC 3326 2). */
export const COMPLETED_ELSEWHERE = 'SIP;cause=200;text="Call completed elsewhere"'

/**
 * True if another telephone took the call: `SIP;cause=200` (RFC 3326 2), or ISDN's 26, "non-selected user clearing" (Q.850), which
 * gateways send instead.
 */
export const isCompletedElsewhere = (reasons: readonly string[]): boolean => reasons.some(saysElsewhere)

/** All reasons as one text for events; undefined without reasons. */
export const reasonText = (reasons: readonly string[]): string | undefined => {
  // The text may be truncated, so the decisive reason comes first.
  const sorted = [...reasons].sort((a, b) => Number(saysElsewhere(b)) - Number(saysElsewhere(a)))
  return sorted.length === 0 ? undefined : sorted.join(', ').slice(0, MAX_TEXT)
}

function saysElsewhere(reason: string): boolean {
  const semicolon = reason.indexOf(';')
  if (semicolon < 0) return false
  const protocol = reason.slice(0, semicolon).trim().toUpperCase()
  const cause = parseParams(reason.slice(semicolon))?.get('cause')
  return (protocol === 'SIP' && cause === '200') || (protocol === 'Q.850' && cause === '26')
}

const MAX_REASONS = 8

/** The values of Reason headers, read; undefined without a readable one. */
export function readReasons(values: readonly string[]): EndReason[] | undefined {
  if (values.length === 0) return undefined
  const reasons = values.flatMap(splitList).slice(0, MAX_REASONS).flatMap(readReason)
  return reasons.length === 0 ? undefined : reasons
}

function readReason(value: string): EndReason[] {
  const semicolon = value.indexOf(';')
  const protocol = (semicolon < 0 ? value : value.slice(0, semicolon)).trim()
  const params = parseParams(semicolon < 0 ? '' : value.slice(semicolon))
  if (!params || !/^[\w.!%*+`'~-]{1,32}$/.test(protocol)) return []
  const cause = params.get('cause')
  return [
    {
      protocol,
      cause: cause !== undefined && /^\d{1,3}$/.test(cause) ? Number(cause) : null,
      text: unquote(params.get('text') ?? '').slice(0, MAX_TEXT),
    },
  ]
}

/** `SIP;cause=480`, `Q.850;cause=16;text="…"`: a whole value for the Reason header. */
const WHOLE = /^(?:SIP|Q\.850)\s*;\s*cause\s*=\s*\d{1,3}\s*(?:;\s*text\s*=\s*"(?:[^"\\]|\\.)*"\s*)?$/i

/**
 * The value of a Reason header for what a user says. A text without a cause gets one that means a normal end: `Q.850;cause=16`
 * in a BYE, `SIP;cause=487` in a CANCEL.
 */
export function reasonValue(said: string, normal: 'Q.850;cause=16' | 'SIP;cause=487'): string {
  // A reason must not begin another line, and must not keep a call from ending.
  const line = said.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ').trim()
  if (WHOLE.test(line)) return line
  return `${normal};text="${line.slice(0, MAX_TEXT).replace(/[\\"]/g, '\\$&')}"`
}
