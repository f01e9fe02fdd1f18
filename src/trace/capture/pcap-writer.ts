/** SIP messages and media packets as a pcap file: its packets are made from what was sent and received, without sockets of the system. */
import { octetLength, octetsOf } from '../../base/octets.js'
import { headerOf } from '../sip-text.js'
import { placeText, type TracedMessage, type TracedPacket, type TracePlace } from '../traced.js'
import { tcpPacket, udpPacket } from './ip-packet.js'

const LINKTYPE_RAW = 101
const SNAP_LENGTH = 262_144
/** Fits into Ethernet's 1500 octets with both headers. */
const SEGMENT = 1400
/** The largest payload of an UDP packet over IPv6 or IPv4. */
const MAX_DATAGRAM = 65_507
/** Wireshark takes these for TLS or HTTP; a trace is in clear. */
const SECURE_PORTS = new Set([443, 5061, 80, 8080, 8081, 8088, 8089, 8443, 7443])
const SIP_PORT = 5060

export function writePcap(messages: readonly TracedMessage[], packets: readonly TracedPacket[]): Buffer {
  const streams = new TcpStreams()
  const records = [
    ...messages.flatMap((message) => recordsOf(message, streams)),
    ...packets.map(({ at, from, to, octets }) => ({ at, packet: udpPacket(from, to, octets) })),
  ]
  // TCP segments keep their order: the sort is stable.
  records.sort((a, b) => a.at - b.at)
  return Buffer.concat([
    fileHeader(),
    ...records.flatMap(({ at, packet }) => [recordHeader(at, packet.length), packet]),
  ])
}

interface PcapRecord {
  at: number
  packet: Buffer
}

function recordsOf(message: TracedMessage, streams: TcpStreams): PcapRecord[] {
  const { at, from, to, protocol } = message
  if (protocol === 'udp') return [{ at, packet: udpPacket(from, to, octetsOf(message.text).subarray(0, MAX_DATAGRAM)) }]
  const octets = octetsOf(withLength(message.text))
  const isSecure = protocol !== 'tcp'
  const way = isSecure ? { from: inClear(from), to: inClear(to) } : { from, to }
  const records: PcapRecord[] = []
  for (let start = 0; start < octets.length; start += SEGMENT) {
    const segment = octets.subarray(start, start + SEGMENT)
    records.push({ at, packet: tcpPacket(way.from, way.to, streams.next(way.from, way.to, segment.length), segment) })
  }
  return records
}

/** TLS and WebSockets are written as SIP over TCP, so that Wireshark decodes it. */
const inClear = ({ host, port }: TracePlace): TracePlace => ({ host, port: SECURE_PORTS.has(port) ? SIP_PORT : port })

/**
 * On a stream Content-Length divides the messages (RFC 3261 18.3). A masked body has another length, and messages over
 * WebSockets need not say it.
 */
function withLength(text: string): string {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return text
  const length = octetLength(text.slice(end + 4))
  const said = headerOf(text, 'content-length')
  if (said === String(length)) return text
  const head = text.slice(0, end)
  const line = /\r\n(?:content-length|l)[ \t]*:[^\r\n]*/i
  const written = `\r\nContent-Length: ${length}`
  return (said === undefined ? head + written : head.replace(line, written)) + text.slice(end)
}

/** Sequence numbers by direction, so that Wireshark can join segments. */
class TcpStreams {
  readonly #next = new Map<string, number>()

  next(from: TracePlace, to: TracePlace, octets: number): { sequence: number; acknowledged: number } {
    const there = `${placeText(from)} ${placeText(to)}`
    const back = `${placeText(to)} ${placeText(from)}`
    const sequence = this.#next.get(there) ?? 1
    this.#next.set(there, sequence + octets)
    return { sequence, acknowledged: this.#next.get(back) ?? 1 }
  }
}

function fileHeader(): Buffer {
  const header = Buffer.alloc(24)
  header.writeUInt32LE(0xa1b2c3d4, 0)
  header.writeUInt16LE(2, 4)
  header.writeUInt16LE(4, 6)
  header.writeUInt32LE(SNAP_LENGTH, 16)
  header.writeUInt32LE(LINKTYPE_RAW, 20)
  return header
}

function recordHeader(at: number, length: number): Buffer {
  const header = Buffer.alloc(16)
  header.writeUInt32LE(Math.floor(at / 1000) >>> 0, 0)
  header.writeUInt32LE(Math.floor((at * 1000) % 1_000_000), 4)
  header.writeUInt32LE(length, 8)
  header.writeUInt32LE(length, 12)
  return header
}
