import { TelephonyError } from '../../base/errors.js'
import { requestUri } from '../uri/request-uri.js'
import { parseUri, type SipUri } from '../uri/sip-uri.js'

/** A URI to send to. Headers (`?Subject=…`) do not belong there (RFC 3261 19.1.1). Throws BAD_TARGET. */
export function targetUri(target: string | SipUri): SipUri {
  const uri = typeof target === 'string' ? parseUri(target) : target
  if (uri && (uri.scheme === 'tel' || uri.host !== '')) return requestUri(uri)
  throw new TelephonyError('BAD_TARGET', `${JSON.stringify(String(target))} is not a SIP address`)
}
