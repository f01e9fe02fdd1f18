/**
 * Our own descriptions as text (RFC 8866 5). Not a general writer: one took a tenth of the time of a call, mostly
 * for lines that we never write.
 */
import { ipVersionOf } from './address.js'
import type { MediaDescription } from './media-description.js'

/** The describing side, and the version number of its description (RFC 8866 5.2). */
export interface Origin {
  sessionId: number
  version: number
  address: string
}

const CRLF = '\r\n'

/** Every media description needs its own address or the one of `connection`; lines end with CRLF. */
export function formatDescription(
  origin: Origin,
  media: readonly MediaDescription[],
  connection: string = origin.address,
): string {
  const { sessionId, version, address } = origin
  const described = `v=0\r\no=- ${sessionId} ${version} ${addressOf(address)}\r\ns=-\r\n`
  const head = `${described}c=${addressOf(connection)}\r\nt=0 0\r\n`
  return head + media.map((line) => formatMedia(line, connection)).join('')
}

/** A host name is written with IP4, which every peer supports. */
const addressOf = (address: string): string => `IN IP${ipVersionOf(address) ?? 4} ${address}`

function formatMedia(media: MediaDescription, connection: string): string {
  const { kind, port, protocol, formats, payloads, address, rtcpPort, direction, ptimeMs, maxPtimeMs } = media
  let text = `m=${kind} ${port} ${protocol} ${formats.join(' ')}${CRLF}`
  // RFC 3264 6: of a refused stream only the m= line counts.
  if (port === 0) return text
  if (address !== undefined && address !== connection) text += `c=${addressOf(address)}${CRLF}`
  for (const { payloadType, name, clockRate } of payloads) text += `a=rtpmap:${payloadType} ${name}/${clockRate}${CRLF}`
  for (const { payloadType, fmtp } of payloads) if (fmtp !== undefined) text += `a=fmtp:${payloadType} ${fmtp}${CRLF}`
  if (rtcpPort !== undefined) text += `a=rtcp:${rtcpPort}${CRLF}`
  if (ptimeMs !== undefined) text += `a=ptime:${ptimeMs}${CRLF}`
  if (maxPtimeMs !== undefined) text += `a=maxptime:${maxPtimeMs}${CRLF}`
  return `${text}a=${direction}${CRLF}`
}
