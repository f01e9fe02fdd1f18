import { parseUri, type SipUri } from '../../src/sip/uri/sip-uri.js'

/** A URI that has to be valid. */
export function uriOf(text: string): SipUri {
  const uri = parseUri(text)
  if (!uri) throw new Error(`${text} is not a URI`)
  return uri
}
