/*
 * RFC 3550 6.4: every RTCP packet starts with this word; a report block is six words.
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |V=2|P|  count  |      PT       |   length in words - 1         |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                         SSRC of sender                        |
 * +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
 * |                  SSRC that the block is about                 |
 * | fraction lost |       cumulative number of packets lost       |
 * |           extended highest sequence number received           |
 * |                      interarrival jitter                      |
 * |                         last SR (LSR)                         |
 * |                   delay since last SR (DLSR)                  |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */

export const RTCP = { senderReport: 200, receiverReport: 201, sourceDescription: 202, bye: 203 } as const

export interface ReportBlock {
  ssrc: number
  /** In 1/256, since the last report. */
  fractionLost: number
  /** Signed 24 bit. */
  cumulativeLost: number
  extendedHighestSequence: number
  /** In timestamp units. */
  jitter: number
  /** Middle 32 bits of the NTP time of the last SR; 0 before the first SR. */
  lastSr: number
  /** 1/65536 s. */
  delaySinceLastSr: number
}

export interface SenderInfo {
  ntpSeconds: number
  ntpFraction: number
  rtpTimestamp: number
  packets: number
  octets: number
}

export type RtcpPacket =
  | { type: 'sender-report'; ssrc: number; sender: SenderInfo; blocks: ReportBlock[] }
  | { type: 'receiver-report'; ssrc: number; blocks: ReportBlock[] }
  | { type: 'source-description'; ssrc: number; cname: string }
  | { type: 'bye'; ssrcs: number[] }

const BLOCK_OCTETS = 24
const SENDER_INFO_OCTETS = 20
const CNAME = 1

/** The known packets of a compound, in order; null for octets that are not RTCP (RFC 3550 A.2). Never throws. */
export function parseRtcp(bytes: Uint8Array): RtcpPacket[] | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const packets: RtcpPacket[] = []
  let at = 0
  while (at < bytes.length) {
    if (at + 4 > bytes.length || view.getUint8(at) >> 6 !== 2) return null
    const type = view.getUint8(at + 1)
    // RFC 3550 A.2: the first packet of a compound is a report.
    if (at === 0 && type !== RTCP.senderReport && type !== RTCP.receiverReport) return null
    const end = at + (view.getUint16(at + 2) + 1) * 4
    if (end > bytes.length) return null
    const packet = parsePacket(view, type, at, end)
    if (packet) packets.push(packet)
    at = end
  }
  return packets.length > 0 ? packets : null
}

function parsePacket(view: DataView, type: number, at: number, end: number): RtcpPacket | undefined {
  const count = view.getUint8(at) & 0x1f
  const has = (octets: number) => at + octets <= end
  if (type === RTCP.senderReport && has(8 + SENDER_INFO_OCTETS)) {
    const blocks = parseBlocks(view, at + 8 + SENDER_INFO_OCTETS, end, count)
    return { type: 'sender-report', ssrc: view.getUint32(at + 4), sender: parseSenderInfo(view, at + 8), blocks }
  }
  if (type === RTCP.receiverReport && has(8)) {
    return { type: 'receiver-report', ssrc: view.getUint32(at + 4), blocks: parseBlocks(view, at + 8, end, count) }
  }
  if (type === RTCP.sourceDescription && count > 0 && has(8)) {
    return { type: 'source-description', ssrc: view.getUint32(at + 4), cname: parseCname(view, at + 8, end) }
  }
  if (type === RTCP.bye && has(4 + 4 * count)) {
    return { type: 'bye', ssrcs: Array.from({ length: count }, (_, i) => view.getUint32(at + 4 + 4 * i)) }
  }
  return undefined
}

function parseSenderInfo(view: DataView, at: number): SenderInfo {
  return {
    ntpSeconds: view.getUint32(at),
    ntpFraction: view.getUint32(at + 4),
    rtpTimestamp: view.getUint32(at + 8),
    packets: view.getUint32(at + 12),
    octets: view.getUint32(at + 16),
  }
}

function parseBlocks(view: DataView, start: number, end: number, count: number): ReportBlock[] {
  const blocks: ReportBlock[] = []
  for (let at = start; blocks.length < count && at + BLOCK_OCTETS <= end; at += BLOCK_OCTETS) {
    blocks.push({
      ssrc: view.getUint32(at),
      fractionLost: view.getUint8(at + 4),
      cumulativeLost: (view.getUint32(at + 4) << 8) >> 8,
      extendedHighestSequence: view.getUint32(at + 8),
      jitter: view.getUint32(at + 12),
      lastSr: view.getUint32(at + 16),
      delaySinceLastSr: view.getUint32(at + 20),
    })
  }
  return blocks
}

function parseCname(view: DataView, start: number, end: number): string {
  for (let at = start; at + 2 <= end && view.getUint8(at) !== 0; ) {
    const length = view.getUint8(at + 1)
    if (at + 2 + length > end) return ''
    if (view.getUint8(at) === CNAME) {
      return new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset + at + 2, length))
    }
    at += 2 + length
  }
  return ''
}

export interface CompoundInit {
  ssrc: number
  cname: string
  /** Present if we have sent since the last report (RFC 3550 6.4): makes an SR instead of an RR. */
  sender?: SenderInfo
  blocks: readonly ReportBlock[]
  bye?: boolean
}

/** RFC 3550 6.1: a report, then SDES with the CNAME, then BYE when we leave. */
export function buildRtcp(init: CompoundInit): Uint8Array {
  const cname = new TextEncoder().encode(init.cname).subarray(0, 255)
  const reportOctets = 8 + (init.sender ? SENDER_INFO_OCTETS : 0) + init.blocks.length * BLOCK_OCTETS
  const sdesOctets = 4 + paddedChunk(4 + 2 + cname.length)
  const bytes = new Uint8Array(reportOctets + sdesOctets + (init.bye ? 8 : 0))
  const view = new DataView(bytes.buffer)
  writeReport(view, init, reportOctets)
  writeHead(view, reportOctets, 1, RTCP.sourceDescription, sdesOctets)
  view.setUint32(reportOctets + 4, init.ssrc)
  bytes.set([CNAME, cname.length], reportOctets + 8)
  bytes.set(cname, reportOctets + 10)
  if (init.bye) {
    writeHead(view, reportOctets + sdesOctets, 1, RTCP.bye, 8)
    view.setUint32(reportOctets + sdesOctets + 4, init.ssrc)
  }
  return bytes
}

/** RFC 3550 6.5: a chunk ends with at least one null octet, on a word. */
const paddedChunk = (octets: number) => octets + 4 - (octets % 4)

function writeHead(view: DataView, at: number, count: number, type: number, octets: number): void {
  view.setUint8(at, 0x80 | count)
  view.setUint8(at + 1, type)
  view.setUint16(at + 2, octets / 4 - 1)
}

function writeReport(view: DataView, { ssrc, sender, blocks }: CompoundInit, octets: number): void {
  writeHead(view, 0, blocks.length, sender ? RTCP.senderReport : RTCP.receiverReport, octets)
  view.setUint32(4, ssrc)
  let at = 8
  if (sender) {
    const words = [sender.ntpSeconds, sender.ntpFraction, sender.rtpTimestamp, sender.packets, sender.octets]
    for (const word of words) {
      view.setUint32(at, word)
      at += 4
    }
  }
  for (const block of blocks) {
    view.setUint32(at, block.ssrc)
    view.setUint32(at + 4, block.cumulativeLost & 0xffffff)
    view.setUint8(at + 4, block.fractionLost)
    view.setUint32(at + 8, block.extendedHighestSequence)
    view.setUint32(at + 12, block.jitter)
    view.setUint32(at + 16, block.lastSr)
    view.setUint32(at + 20, block.delaySinceLastSr)
    at += BLOCK_OCTETS
  }
}

const NTP_EPOCH_SEC = 2_208_988_800

/** RFC 3550 4: NTP counts from 1900; the fraction is of 2^32. The only wall-clock time in media. */
export function ntpTime(wallMs: number): { ntpSeconds: number; ntpFraction: number } {
  const seconds = Math.floor(wallMs / 1000)
  return {
    ntpSeconds: (seconds + NTP_EPOCH_SEC) >>> 0,
    ntpFraction: Math.floor(((wallMs - seconds * 1000) / 1000) * 2 ** 32) >>> 0,
  }
}

/** The middle 32 bits, for LSR. */
export const ntpMiddle = (ntp: { ntpSeconds: number; ntpFraction: number }): number =>
  (((ntp.ntpSeconds & 0xffff) << 16) | (ntp.ntpFraction >>> 16)) >>> 0

/** RFC 3550 6.4.1: A - LSR - DLSR; null if the peer has not received an SR, 0 if clocks make it negative. */
export function roundTripMs(block: ReportBlock, wallMs: number): number | null {
  if (block.lastSr === 0) return null
  const units = (ntpMiddle(ntpTime(wallMs)) - block.lastSr - block.delaySinceLastSr) | 0
  return Math.max(0, units) / 65.536
}
