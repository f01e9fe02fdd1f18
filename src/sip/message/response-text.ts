import { getReasonPhrase } from 'sip.js/lib/core/messages/utils.js'
import { parseNameAddr } from '../uri/name-addr.js'
import type { HeaderFields } from './header-fields.js'

/**
 * A response made from nothing but the request's header fields (RFC 3261 8.2.6.2), for requests that get no
 * transaction.
 */
export function responseText(
  fields: HeaderFields,
  response: { status: number; reason?: string; toTag: string; headers: readonly string[] },
): string {
  const lines = [`SIP/2.0 ${response.status} ${response.reason || getReasonPhrase(response.status)}`]
  for (const via of fields.all('via')) lines.push(`Via: ${via}`)
  const from = fields.first('from')
  const to = fields.first('to')
  const callId = fields.first('call-id')
  const cseq = fields.first('cseq')
  if (from !== undefined) lines.push(`From: ${from}`)
  // 100 makes no dialog (RFC 3261 8.2.6.2).
  const wantsTag = response.status !== 100 && !parseNameAddr(to ?? '')?.params.has('tag')
  if (to !== undefined) lines.push(`To: ${to}${wantsTag ? `;tag=${response.toTag}` : ''}`)
  if (callId !== undefined) lines.push(`Call-ID: ${callId}`)
  if (cseq !== undefined) lines.push(`CSeq: ${cseq}`)
  lines.push(...response.headers, 'Content-Length: 0')
  return `${lines.join('\r\n')}\r\n\r\n`
}
