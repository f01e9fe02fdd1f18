import { TelephonyError } from '../../base/errors.js'
import { parseUri, type SipUri } from '../uri/sip-uri.js'

/** A URI to send to. Headers (`?Subject=…`) are no part of a Request-URI (RFC 3261 19.1.1). Throws BAD_TARGET. */
export function targetUri(target: string | SipUri): SipUri {
  const uri = typeof target === 'string' ? parseUri(target.split('?', 1)[0] ?? '') : target
  if (uri && (uri.scheme === 'tel' || uri.host !== '')) return uri
  throw new TelephonyError('BAD_TARGET', `${JSON.stringify(String(target))} is not a SIP address`)
}
