import { ACCEPT, OUR_CAPABILITIES } from './capabilities.js'
import { splitWords } from './message/list.js'
import { mediaType, type ParsedRequest } from './message/parsed-message.js'
import { carriesSdp } from './message/session-description.js'
import type { Refusal } from './service.js'

/** Their bodies are offers or answers (RFC 3261 13.2.1, RFC 3262 5, RFC 3311 5). */
const WITH_SDP = new Set(['INVITE', 'UPDATE', 'PRACK'])
const ACCEPTS_SDP = new Set(['application/sdp', 'application/*', '*/*'])

/**
 * The checks of RFC 3261 8.2 before the recipient decides: the refusal, or undefined. Max-Forwards is for proxies: an endpoint accepts
 * a request with 0 (RFC 4475 3.3.11).
 */
export function checkRequest(message: ParsedRequest, capabilities = OUR_CAPABILITIES): Refusal | undefined {
  const refused = capabilities.methodRefusal(message.method)
  if (refused !== undefined) return { status: refused, lines: [capabilities.allow] }
  if (!isServed(message)) return { status: 416 }
  // 8.2.2.3. ACK and CANCEL, whose Require does not count, do not come here.
  const wanted = capabilities.unsupported(splitWords(message.headers('require')))
  if (wanted.length > 0) return { status: 420, lines: [`Unsupported: ${wanted.join(', ')}`] }
  return checkContent(message) ?? checkAccept(message)
}

/** RFC 3261 26.2.2: a SIPS URI wants an encrypted last hop. */
function isServed({ target: { scheme }, source }: ParsedRequest): boolean {
  if (scheme === 'sips') return source.protocol === 'tls' || source.protocol === 'wss'
  return scheme === 'sip' || scheme === 'tel'
}

/** 8.2.3 */
function checkContent(message: ParsedRequest): Refusal | undefined {
  if (!WITH_SDP.has(message.method)) return undefined
  const encodings = splitWords(message.headers('content-encoding'))
  if (encodings.some((encoding) => encoding.toLowerCase() !== 'identity'))
    return { status: 415, lines: ['Accept-Encoding: identity'] }
  if (message.body === '' || carriesSdp(message)) return undefined
  return { status: 415, lines: [ACCEPT] }
}

/** 13.3.1.4 and 21.4.7: our answer is a session description, so the caller must accept that type (RFC 4475 3.3.15). */
function checkAccept(message: ParsedRequest): Refusal | undefined {
  if (message.method !== 'INVITE') return undefined
  const accepted = splitWords(message.headers('accept')).map(mediaType)
  if (accepted.length === 0 || accepted.some((type) => ACCEPTS_SDP.has(type))) return undefined
  return { status: 406 }
}

/** 8.1.1.8: our requests go to the Contact of INVITE and UPDATE, so it must be one address that requests can be sent to. */
export function checkTargetRefresh(message: ParsedRequest): Refusal | undefined {
  if (message.method !== 'INVITE' && message.method !== 'UPDATE') return undefined
  if (message.headers('contact').length === 1 && message.contact) return undefined
  return { status: 400, reason: 'Missing or unusable Contact' }
}
