import { parseNameAddress } from '../uri/name-address.js'
import type { SipUri } from '../uri/sip-uri.js'
import type { HeaderFields } from './header-fields.js'

/**
 * RFC 3261 16.4: a strict router on the way to us writes our own address, which has no user, into the Request-URI; the URI that the caller
 * asked for is the last Route then. A last Route with `lr` is a proxy, not the URI that was asked for.
 */
export function targetUri(requestUri: SipUri, fields: HeaderFields): SipUri {
  if (requestUri.user !== '' || requestUri.host === '') return requestUri
  const last = fields.all('route').at(-1)
  const uri = last === undefined ? undefined : parseNameAddress(last)?.uri
  return uri && uri.host !== '' && uri.user !== '' && uri.headers === '' && !uri.isLoose ? uri : requestUri
}
