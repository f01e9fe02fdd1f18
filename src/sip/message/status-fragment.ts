/** RFC 3420 message/sipfrag, as far as RFC 3515 2.4.5 needs it: the status line of a response. */

export const SIPFRAG = 'message/sipfrag'

const MAX_REASON = 128
const STATUS_LINE = /^SIP\/2\.0 ([1-6]\d\d)(?:[ \t]+([^\r\n]*))?(?:\r?\n|$)/i

export interface FragmentStatus {
  status: number
  reason: string
}

/** Undefined if the fragment does not begin with a status line. Headers and body of the fragment are not read. */
export function parseStatusFragment(content: string): FragmentStatus | undefined {
  const [, status, reason = ''] = STATUS_LINE.exec(content) ?? []
  return status === undefined ? undefined : { status: Number(status), reason: reason.trim().slice(0, MAX_REASON) }
}

/** `reason` becomes one line. */
export const statusFragment = ({ status, reason }: FragmentStatus): string =>
  `SIP/2.0 ${status} ${reason
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim()
    .slice(0, MAX_REASON)}\r\n`
