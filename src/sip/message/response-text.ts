import type { SipBody } from '../types.js'
import { parseNameAddress } from '../uri/name-address.js'
import { bodyText } from './body.js'
import type { HeaderFields } from './header-fields.js'
import { reasonPhrase } from './reason-phrases.js'

interface ResponseParts {
  status: number
  /** Default: the usual phrase of the status. */
  reason?: string
  /** For To, if the request may have none there. '' writes none. */
  toTag: string
  /** Lines: `Name: value`. */
  headers: readonly string[]
  body?: SipBody
  /** RFC 3261 12.1.1: 101 to 299 to a request that makes a dialog repeat its Record-Route. */
  recordRoute?: boolean
}

/** A response made from its request's header fields (RFC 3261 8.2.6.2). */
export function responseText(fields: HeaderFields, response: ResponseParts): string {
  const { status, reason, toTag, headers, body, recordRoute } = response
  const lines = [`SIP/2.0 ${status} ${reason || reasonPhrase(status)}`]
  for (const via of fields.all('via')) lines.push(`Via: ${via}`)
  if (recordRoute && status > 100 && status < 300)
    for (const route of fields.all('record-route')) lines.push(`Record-Route: ${route}`)
  const from = fields.first('from')
  const to = fields.first('to')
  const callId = fields.first('call-id')
  const cseq = fields.first('cseq')
  if (from !== undefined) lines.push(`From: ${from}`)
  if (to !== undefined) lines.push(`To: ${to}${toTag === '' || hasTag(to) ? '' : `;tag=${toTag}`}`)
  if (callId !== undefined) lines.push(`Call-ID: ${callId}`)
  if (cseq !== undefined) lines.push(`CSeq: ${cseq}`)
  lines.push(...headers)
  return `${lines.join('\r\n')}\r\n${bodyText(body)}`
}

/** For a request that could not be read whole; of others the tag is known, and `toTag` is '' if there is one. */
const hasTag = (to: string): boolean => /tag/i.test(to) && parseNameAddress(to)?.params.has('tag') === true
