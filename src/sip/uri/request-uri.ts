import { parseUri, type SipUri } from './sip-uri.js'

/** A URI as it stands in a request line or in Route: without headers and method parameter, which tell how to make a request (RFC 3261 19.1.1). */
export function requestUri(uri: SipUri): SipUri {
  const isSip = uri.scheme === 'sip' || uri.scheme === 'sips'
  if (!isSip || (!uri.params.has('method') && !uri.text.includes('?'))) return uri
  // A user part may hold `?` and `;` as well.
  const hostAt = uri.text.indexOf('@') + 1
  const [address = ''] = uri.text.slice(hostAt).split('?', 1)
  const text = uri.text.slice(0, hostAt) + address.replace(/;method(=[^;]*)?(?=;|$)/gi, '')
  return text === uri.text ? uri : (parseUri(text) ?? uri)
}
