/*
 * RFC 3550 5.1
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |V=2|P|X|  CC   |M|     PT      |       sequence number         |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                           timestamp                           |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |           synchronization source (SSRC) identifier            |
 * +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
 * |   CC contributing sources · extension if X · payload · padding if P
 */

export const RTP_HEADER_OCTETS = 12

/** RFC 3389: comfort noise, static payload type. */
export const COMFORT_NOISE = 13

/** The header of one packet and the position of its payload. Reused for every packet, so that no memory is allocated. */
export interface RtpView {
  marker: boolean
  payloadType: number
  sequence: number
  timestamp: number
  ssrc: number
  payloadStart: number
  payloadEnd: number
}

export const emptyRtpView = (): RtpView => ({
  marker: false,
  payloadType: 0,
  sequence: 0,
  timestamp: 0,
  ssrc: 0,
  payloadStart: 0,
  payloadEnd: 0,
})

/** Fills `view`; false for octets that are not an RTP packet. Never throws. */
export function parseRtp(bytes: Uint8Array, view: RtpView): boolean {
  const length = bytes.length
  if (length < RTP_HEADER_OCTETS) return false
  const first = octet(bytes, 0)
  if (first >> 6 !== 2) return false
  let start = RTP_HEADER_OCTETS + (first & 0x0f) * 4
  // RFC 3550 5.3.1: the extension's length counts words after its own four octets.
  if (first & 0x10) start += 4 + uint16(bytes, start + 2) * 4
  let end = length
  if (first & 0x20) {
    const padding = octet(bytes, length - 1)
    if (padding === 0) return false
    end -= padding
  }
  if (start > end) return false
  view.marker = (octet(bytes, 1) & 0x80) !== 0
  view.payloadType = octet(bytes, 1) & 0x7f
  view.sequence = uint16(bytes, 2)
  view.timestamp = uint32(bytes, 4)
  view.ssrc = uint32(bytes, 8)
  view.payloadStart = start
  view.payloadEnd = end
  return true
}

/** Writes the twelve octets of a header without extension, padding and contributing sources. */
export function writeRtpHeader(
  packet: Uint8Array,
  payloadType: number,
  marker: boolean,
  sequence: number,
  timestamp: number,
  ssrc: number,
): void {
  packet[0] = 0x80
  packet[1] = payloadType | (marker ? 0x80 : 0)
  packet[2] = sequence >> 8
  packet[3] = sequence
  writeUint32(packet, 4, timestamp)
  writeUint32(packet, 8, ssrc)
}

/** RFC 5761 4: values of 64 to 95 in the low bits of the second octet mean RTCP on the RTP port. */
export const looksLikeRtcp = (bytes: Uint8Array): boolean => {
  const type = octet(bytes, 1)
  return type >= 192 && type <= 223
}

function octet(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0
}

function uint16(bytes: Uint8Array, at: number): number {
  return (octet(bytes, at) << 8) | octet(bytes, at + 1)
}

function uint32(bytes: Uint8Array, at: number): number {
  return ((uint16(bytes, at) << 16) | uint16(bytes, at + 2)) >>> 0
}

function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}
