/** Writes IPv4 and IPv6 packets with UDP or TCP, all checksums right. */
import type { TracePlace } from '../traced.js'
import { addressOctets } from './ip-address.js'

const UDP = 17
const TCP = 6
const HOP_LIMIT = 64

export interface TcpNumbers {
  sequence: number
  acknowledged: number
}

export function udpPacket(from: TracePlace, to: TracePlace, payload: Uint8Array): Buffer {
  const header = Buffer.alloc(8)
  header.writeUInt16BE(from.port & 0xffff, 0)
  header.writeUInt16BE(to.port & 0xffff, 2)
  header.writeUInt16BE(8 + payload.length, 4)
  return ipPacket(from, to, UDP, header, payload, 6)
}

/** A segment with PSH and ACK. */
export function tcpPacket(from: TracePlace, to: TracePlace, numbers: TcpNumbers, payload: Uint8Array): Buffer {
  const header = Buffer.alloc(20)
  header.writeUInt16BE(from.port & 0xffff, 0)
  header.writeUInt16BE(to.port & 0xffff, 2)
  header.writeUInt32BE(numbers.sequence >>> 0, 4)
  header.writeUInt32BE(numbers.acknowledged >>> 0, 8)
  header[12] = 0x50
  header[13] = 0x18
  header.writeUInt16BE(0xffff, 14)
  return ipPacket(from, to, TCP, header, payload, 16)
}

/** `checksumAt`: of the checksum in the transport's header. */
function ipPacket(
  from: TracePlace,
  to: TracePlace,
  protocol: number,
  header: Buffer,
  payload: Uint8Array,
  checksumAt: number,
): Buffer {
  let source = addressOctets(from.host)
  let destination = addressOctets(to.host)
  // A socket for both families has mapped addresses: ::ffff:192.0.2.1.
  if (source.length !== destination.length)
    [source, destination] = [source, destination].map(mapped) as [Buffer, Buffer]
  const length = header.length + payload.length
  const pseudo = Buffer.alloc(8)
  pseudo.writeUInt32BE(length, 0)
  pseudo.writeUInt32BE(protocol, 4)
  const sum = checksum(source, destination, pseudo, header, payload)
  // RFC 768: a checksum of zero is sent as all ones.
  header.writeUInt16BE(sum === 0 && protocol === UDP ? 0xffff : sum, checksumAt)
  const ip =
    source.length === 4
      ? ipv4Header(source, destination, protocol, length)
      : ipv6Header(source, destination, protocol, length)
  return Buffer.concat([ip, header, payload])
}

function ipv4Header(source: Buffer, destination: Buffer, protocol: number, length: number): Buffer {
  const ip = Buffer.alloc(20)
  ip[0] = 0x45
  ip.writeUInt16BE(20 + length, 2)
  ip.writeUInt16BE(0x4000, 6)
  ip[8] = HOP_LIMIT
  ip[9] = protocol
  source.copy(ip, 12)
  destination.copy(ip, 16)
  ip.writeUInt16BE(checksum(ip), 10)
  return ip
}

function ipv6Header(source: Buffer, destination: Buffer, protocol: number, length: number): Buffer {
  const ip = Buffer.alloc(40)
  ip[0] = 0x60
  ip.writeUInt16BE(length, 4)
  ip[6] = protocol
  ip[7] = HOP_LIMIT
  source.copy(ip, 8)
  destination.copy(ip, 24)
  return ip
}

const mapped = (address: Buffer): Buffer =>
  address.length === 16 ? address : Buffer.concat([Buffer.alloc(10), Buffer.from([0xff, 0xff]), address])

/** RFC 1071, over parts that all but the last have an even length. */
function checksum(...parts: Uint8Array[]): number {
  let sum = 0
  for (const part of parts) {
    for (let i = 0; i < part.length; i += 2) sum += ((part[i] ?? 0) << 8) | (part[i + 1] ?? 0)
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000)
  return ~sum & 0xffff
}
