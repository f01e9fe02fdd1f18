import { mediaType, type ParsedMessage } from './parsed-message.js'

/** Whether the body is a session description, or a multipart body that holds one (RFC 3261 7.4.1, RFC 5621 8). */
export function carriesSdp(message: ParsedMessage): boolean {
  if (message.body === '') return false
  const type = mediaType(message.header('content-type'))
  return type === 'application/sdp' || (type.startsWith('multipart/') && /application\/sdp/i.test(message.body))
}
