import type { ResponseOptions } from 'sip.js/lib/core/index.js'
import { ACCEPT, ALLOW, METHODS } from './core/core-settings.js'
import { splitWords } from './message/list.js'
import { mediaType, type ParsedMessage, type ParsedRequest } from './message/parsed-message.js'
import { SipNameAddr } from './uri/name-addr.js'
import type { SipUri } from './uri/sip-uri.js'

/** Methods that exist but are not ours to answer: 405, not 501 (RFC 3261 8.2.1, 21.5.2). */
const KNOWN_ELSEWHERE = new Set(['REGISTER', 'SUBSCRIBE', 'REFER', 'PUBLISH', 'PRACK'])
const ACCEPTS_SDP = new Set(['application/sdp', 'application/*', '*/*'])
const OURS: ReadonlySet<string> = new Set(METHODS)

/**
 * RFC 3261 8.2 up to the point where somebody has to decide: the refusal, or undefined. Max-Forwards is not looked at:
 * it is for those who forward, and an endpoint takes a request with 0 like any other (RFC 4475 3.3.11).
 */
export function checkRequest(message: ParsedRequest): ResponseOptions | undefined {
  if (!OURS.has(message.method)) {
    return { statusCode: KNOWN_ELSEWHERE.has(message.method) ? 405 : 501, extraHeaders: [ALLOW] }
  }
  const { scheme } = message.requestUri.parts
  if (scheme !== 'sip' && scheme !== 'tel') return { statusCode: 416 } // sips needs TLS on the last hop
  const required = splitWords(message.getHeaders('require'))
  if (required.length > 0 && message.method !== 'CANCEL') {
    return { statusCode: 420, extraHeaders: [`Unsupported: ${required.join(', ')}`] } // 8.2.2.3: we support none
  }
  return checkContent(message) ?? checkAccept(message)
}

/** 8.2.3 */
function checkContent(message: ParsedRequest): ResponseOptions | undefined {
  if (message.method !== 'INVITE' && message.method !== 'UPDATE') return undefined
  const encodings = splitWords(message.getHeaders('content-encoding'))
  if (encodings.some((encoding) => encoding.toLowerCase() !== 'identity'))
    return { statusCode: 415, extraHeaders: ['Accept-Encoding: identity'] }
  const type = mediaType(message.getHeader('content-type'))
  if (message.body === '' || type === 'application/sdp') return undefined
  if (type.startsWith('multipart/') && /application\/sdp/i.test(message.body)) return undefined // the call finds it
  return { statusCode: 415, extraHeaders: [ACCEPT] }
}

/** 13.3.1.4 and 21.4.7: our answer is a session description, which the caller has to take (RFC 4475 3.3.15). */
function checkAccept(message: ParsedRequest): ResponseOptions | undefined {
  if (message.method !== 'INVITE') return undefined
  const accepted = splitWords(message.getHeaders('accept')).map(mediaType)
  if (accepted.length === 0 || accepted.some((type) => ACCEPTS_SDP.has(type))) return undefined
  return { statusCode: 406 }
}

/** 8.1.1.8: the Contact of INVITE and UPDATE is where our requests go; it has to be one address that we can reach. */
export function checkTargetRefresh(message: ParsedRequest): ResponseOptions | undefined {
  if (message.method !== 'INVITE' && message.method !== 'UPDATE') return undefined
  if (message.getHeaders('contact').length === 1 && remoteTarget(message)) return undefined
  return { statusCode: 400, reasonPhrase: 'Missing or unusable Contact' }
}

/** The Contact as an address that requests can be sent to. */
export function remoteTarget(message: ParsedMessage): SipUri | undefined {
  const contact = message.parseHeader('contact')
  return contact instanceof SipNameAddr && contact.sipUri.parts.host !== '' ? contact.sipUri : undefined
}
