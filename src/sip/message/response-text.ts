import type { SipBody } from '../types.js'
import { parseNameAddress } from '../uri/name-address.js'
import { bodyText } from './body.js'
import type { HeaderFields } from './header-fields.js'
import { reasonPhrase } from './reason-phrases.js'

interface ResponseParts {
  status: number
  /** Default: the usual phrase of the status. */
  reason?: string | undefined
  /** For To, if the request may have none there. '' writes none. */
  toTag: string
  /** Lines: `Name: value`. */
  headers: readonly string[]
  body?: SipBody | undefined
  /** RFC 3261 12.1.1: 101 to 299 to a request that makes a dialog repeat its Record-Route. */
  recordRoute?: boolean
}

/** A response made from its request's header fields (RFC 3261 8.2.6.2). */
export function responseText(fields: HeaderFields, response: ResponseParts): string {
  const { status, reason, toTag, headers, body, recordRoute } = response
  let text = `SIP/2.0 ${status} ${reason || reasonPhrase(status)}\r\n`
  for (const via of fields.all('via')) text += `Via: ${via}\r\n`
  if (recordRoute && status > 100 && status < 300)
    for (const route of fields.all('record-route')) text += `Record-Route: ${route}\r\n`
  const from = fields.first('from')
  const to = fields.first('to')
  const callId = fields.first('call-id')
  const cseq = fields.first('cseq')
  if (from !== undefined) text += `From: ${from}\r\n`
  if (to !== undefined) text += `To: ${to}${toTag === '' || hasTag(to) ? '' : `;tag=${toTag}`}\r\n`
  if (callId !== undefined) text += `Call-ID: ${callId}\r\n`
  if (cseq !== undefined) text += `CSeq: ${cseq}\r\n`
  for (const line of headers) text += `${line}\r\n`
  return text + bodyText(body)
}

/** For a request that could not be read whole; of others the tag is known, and `toTag` is '' if there is one. */
const hasTag = (to: string): boolean => /tag/i.test(to) && parseNameAddress(to)?.params.has('tag') === true
