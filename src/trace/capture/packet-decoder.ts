/** Frames of a capture down to the payload of UDP and TCP. What cannot be read is left out. */
import type { TracePlace } from '../traced.js'
import type { CapturedFrame } from './capture-reader.js'
import { Fragments } from './fragments.js'
import { addressText } from './ip-address.js'

export interface Segment {
  at: number
  transport: 'udp' | 'tcp'
  from: TracePlace
  to: TracePlace
  payload: Buffer
  /** Only of TCP. */
  sequence: number
  isStart: boolean
}

const IPV4 = 0x0800
const IPV6 = 0x86dd
const VLANS = new Set([0x8100, 0x88a8, 0x9100])
const MAX_VLANS = 4
const MAX_EXTENSIONS = 8
/** Hop-by-hop, routing and destination options (RFC 8200 4). */
const SKIPPED = new Set([0, 43, 60])

export class PacketDecoder {
  readonly #fragments = new Fragments()

  /** Undefined: neither UDP nor TCP over IP, or damaged. */
  decode({ at, linkType, octets }: CapturedFrame): Segment | undefined {
    const ip = networkLayer(linkType, octets)
    if (!ip || ip.length < 20) return undefined
    const version = (ip[0] ?? 0) >> 4
    if (version === 4) return this.#ipv4(at, ip)
    return version === 6 && ip.length >= 40 ? this.#ipv6(at, ip) : undefined
  }

  #ipv4(at: number, ip: Buffer): Segment | undefined {
    const headerLength = ((ip[0] ?? 0) & 15) * 4
    const said = ip.readUInt16BE(2)
    // Offload of segmentation writes 0.
    const total = Math.min(said === 0 ? ip.length : said, ip.length)
    if (headerLength < 20 || total < headerLength) return undefined
    const protocol = ip[9] ?? 0
    const hosts = { from: addressText(ip.subarray(12, 16)), to: addressText(ip.subarray(16, 20)) }
    const fragment = ip.readUInt16BE(6)
    const body = ip.subarray(headerLength, total)
    const whole =
      (fragment & 0x3fff) === 0
        ? body
        : this.#fragments.add({
            key: `${hosts.from} ${hosts.to} ${protocol} ${ip.readUInt16BE(4)}`,
            offset: (fragment & 0x1fff) * 8,
            isLast: (fragment & 0x2000) === 0,
            octets: body,
          })
    return whole && transportLayer(at, protocol, hosts, whole)
  }

  #ipv6(at: number, ip: Buffer): Segment | undefined {
    const hosts = { from: addressText(ip.subarray(8, 24)), to: addressText(ip.subarray(24, 40)) }
    let protocol = ip[6] ?? 0
    let body = ip.subarray(40, Math.min(40 + ip.readUInt16BE(4), ip.length))
    for (let i = 0; i < MAX_EXTENSIONS && SKIPPED.has(protocol); i++) {
      if (body.length < 8) return undefined
      protocol = body[0] ?? 0
      body = body.subarray(8 + (body[1] ?? 0) * 8)
    }
    if (protocol !== 44) return transportLayer(at, protocol, hosts, body)
    if (body.length < 8) return undefined
    const field = body.readUInt16BE(2)
    const whole = this.#fragments.add({
      key: `${hosts.from} ${hosts.to} ${body.readUInt32BE(4)}`,
      offset: field & 0xfff8,
      isLast: (field & 1) === 0,
      octets: body.subarray(8),
    })
    return whole && transportLayer(at, body[0] ?? 0, hosts, whole)
  }
}

/** Link types of tcpdump.org. */
function networkLayer(linkType: number, frame: Buffer): Buffer | undefined {
  switch (linkType) {
    case 0: // BSD loopback
    case 108:
      return frame.subarray(4)
    case 1: // Ethernet
      return frame.length < 14 ? undefined : behindType(frame, 12)
    case 113: // Linux cooked
      return frame.length < 16 ? undefined : behindType(frame, 14)
    case 276: // Linux cooked, version 2
      return frame.length < 20 ? undefined : behindVlans(frame.readUInt16BE(0), frame.subarray(20))
    case 12: // raw IP, as some systems number it
    case 14:
    case 101:
    case 228:
    case 229:
      return frame
    default:
      return undefined
  }
}

const behindType = (frame: Buffer, at: number): Buffer | undefined =>
  behindVlans(frame.readUInt16BE(at), frame.subarray(at + 2))

function behindVlans(type: number, rest: Buffer): Buffer | undefined {
  let [ethertype, payload] = [type, rest]
  for (let i = 0; i < MAX_VLANS && VLANS.has(ethertype) && payload.length >= 4; i++) {
    ethertype = payload.readUInt16BE(2)
    payload = payload.subarray(4)
  }
  return ethertype === IPV4 || ethertype === IPV6 ? payload : undefined
}

function transportLayer(
  at: number,
  protocol: number,
  hosts: { from: string; to: string },
  octets: Buffer,
): Segment | undefined {
  if (octets.length < 8 || (protocol !== 17 && protocol !== 6)) return undefined
  const from = { host: hosts.from, port: octets.readUInt16BE(0) }
  const to = { host: hosts.to, port: octets.readUInt16BE(2) }
  if (protocol === 17) {
    const end = Math.min(Math.max(8, octets.readUInt16BE(4)), octets.length)
    return { at, transport: 'udp', from, to, payload: octets.subarray(8, end), sequence: 0, isStart: false }
  }
  if (octets.length < 20) return undefined
  const headerLength = ((octets[12] ?? 0) >> 4) * 4
  if (headerLength < 20 || headerLength > octets.length) return undefined
  const isStart = ((octets[13] ?? 0) & 2) !== 0
  return {
    at,
    transport: 'tcp',
    from,
    to,
    payload: octets.subarray(headerLength),
    sequence: octets.readUInt32BE(4),
    isStart,
  }
}
