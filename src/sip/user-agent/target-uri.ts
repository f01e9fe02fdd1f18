import { TelephonyError } from '../../base/errors.js'
import { parseUri, type SipUri } from '../uri/sip-uri.js'

/** A URI to send to. Headers (`?Subject=…`) are no part of a Request-URI (RFC 3261 19.1.1). */
export function targetUri(text: string): SipUri {
  const uri = parseUri(text.split('?', 1)[0] ?? '')
  if (uri && (uri.parts.scheme === 'tel' || uri.parts.host !== '')) return uri
  throw new TelephonyError('BAD_TARGET', `${JSON.stringify(text)} is no SIP address`)
}
