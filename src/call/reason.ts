/** RFC 3326: why a request ends a call. */
import { parseParams } from '../sip/uri/params.js'

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
