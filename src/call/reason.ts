/** RFC 3326: why a request ends a call. */
import { parseParams } from '../sip/uri/params.js'

const MAX_TEXT = 128

/** What telephones take for "no missed call" (RFC 3326 2). */
export const COMPLETED_ELSEWHERE = 'SIP;cause=200;text="Call completed elsewhere"'

/**
 * True where another telephone took the call: `SIP;cause=200` (RFC 3326 2), or 26, "non-selected user clearing", of ISDN (Q.850), which
 * gateways send instead.
 */
export const isCompletedElsewhere = (reasons: readonly string[]): boolean => reasons.some(saysElsewhere)

/** All of them as one text for events; undefined where there are none. */
export const reasonText = (reasons: readonly string[]): string | undefined => {
  // The text is cut, so the reason that decides comes first.
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
