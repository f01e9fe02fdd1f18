import { randomBytes } from 'node:crypto'
import { isIPv4, isIPv6 } from 'node:net'
import { crc32 } from 'node:zlib'
import type { HostPort } from '../base/host-port.js'

/**
 * STUN messages (RFC 8489 5, 14).
 *
 *     0                   1                   2                   3
 *     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *    |0 0|     method and class      |   octets after the header     |
 *    |                    magic cookie 0x2112A442                    |
 *    |                    transaction id (96 bits)                   |
 *    |     attribute: type           |  octets of its value          |
 *    |                    value, padded to 32 bits                   |
 */
export interface StunMessage {
  kind: StunKind
  method: number
  /** 24 hexadecimal digits. */
  id: string
  /** In their order. The fingerprint is not among them. */
  attributes: readonly StunAttribute[]
}

export interface StunAttribute {
  type: number
  value: Buffer
}

export type StunKind = 'request' | 'indication' | 'success' | 'error'

export const BINDING = 0x001
export const MAPPED_ADDRESS = 0x0001
export const XOR_MAPPED_ADDRESS = 0x0020
const FINGERPRINT = 0x8028

const HEADER_OCTETS = 20
const FINGERPRINT_OCTETS = 8
const COOKIE = Buffer.from('2112a442', 'hex')
/** RFC 8489 14.7 */
const FINGERPRINT_XOR = 0x5354554e
const KINDS: readonly StunKind[] = ['request', 'indication', 'success', 'error']

/** RFC 8489 6.3.4: 96 random bits. */
export const newTransactionId = (): string => randomBytes(12).toString('hex')

/** RFC 8489 5: a message of another protocol on the same port, SIP for one, does not begin so. */
export const isStun = (octets: Buffer): boolean =>
  octets.length >= HEADER_OCTETS && (octets[0] ?? 0xff) < 0x40 && COOKIE.equals(octets.subarray(4, 8))

/** Undefined if the octets are not one whole STUN message, or if the fingerprint is wrong. */
export function parseStun(octets: Buffer): StunMessage | undefined {
  if (!isStun(octets) || octets.length % 4 !== 0) return undefined
  if (octets.readUInt16BE(2) !== octets.length - HEADER_OCTETS) return undefined
  const attributes = attributesOf(octets)
  if (!attributes) return undefined
  const type = octets.readUInt16BE(0)
  // RFC 8489 5: the two bits of the class stand between the bits of the method.
  const kind = KINDS[((type >> 4) & 1) | ((type >> 7) & 2)] as StunKind
  const method = (type & 0xf) | ((type >> 1) & 0x70) | ((type >> 2) & 0xf80)
  return { kind, method, id: octets.toString('hex', 8, HEADER_OCTETS), attributes }
}

/** With a fingerprint. The method is less than 4096. */
export function stunOctets({ kind, method, id, attributes }: StunMessage): Buffer {
  const bits = KINDS.indexOf(kind)
  const type = (method & 0xf) | ((method & 0x70) << 1) | ((method & 0xf80) << 2) | ((bits & 1) << 4) | ((bits & 2) << 7)
  const header = Buffer.alloc(HEADER_OCTETS)
  header.writeUInt16BE(type & 0x3fff, 0)
  COOKIE.copy(header, 4)
  header.write(id, 8, 'hex')
  const message = Buffer.concat([header, ...attributes.map(padded)])
  // The length counts the fingerprint, and the fingerprint covers the length.
  message.writeUInt16BE(message.length - HEADER_OCTETS + FINGERPRINT_OCTETS, 2)
  return Buffer.concat([message, padded({ type: FINGERPRINT, value: fingerprintOf(message) })])
}

/** RFC 8489 14.2: with XOR, because NATs rewrite addresses that they recognise in a packet. */
export function xorMappedAddress({ host, port }: HostPort, id: string): StunAttribute {
  return { type: XOR_MAPPED_ADDRESS, value: crossed(addressOctets(host, port), id) }
}

/** The address from which the server got our request; servers of RFC 3489 send it without XOR. */
export function mappedAddress({ attributes, id }: StunMessage): HostPort | undefined {
  const xored = attributes.find(({ type }) => type === XOR_MAPPED_ADDRESS)
  if (xored) return addressIn(crossed(xored.value, id))
  const plain = attributes.find(({ type }) => type === MAPPED_ADDRESS)
  return plain && addressIn(plain.value)
}

function attributesOf(octets: Buffer): StunAttribute[] | undefined {
  const attributes: StunAttribute[] = []
  for (let at = HEADER_OCTETS; at < octets.length; ) {
    const type = octets.readUInt16BE(at)
    const end = at + 4 + octets.readUInt16BE(at + 2)
    if (end > octets.length) return undefined
    const value = octets.subarray(at + 4, end)
    const next = end + (-end & 3)
    if (type === FINGERPRINT) {
      // RFC 8489 14.7: it is the last attribute.
      return next === octets.length && fingerprintOf(octets.subarray(0, at)).equals(value) ? attributes : undefined
    }
    attributes.push({ type, value })
    at = next
  }
  return attributes
}

function padded({ type, value }: StunAttribute): Buffer {
  const octets = Buffer.alloc(4 + value.length + (-value.length & 3))
  octets.writeUInt16BE(type, 0)
  octets.writeUInt16BE(value.length, 2)
  value.copy(octets, 4)
  return octets
}

function fingerprintOf(octets: Buffer): Buffer {
  const value = Buffer.alloc(4)
  value.writeUInt32BE((crc32(octets) ^ FINGERPRINT_XOR) >>> 0)
  return value
}

/** Port and address with the magic cookie and the transaction id, there and back. */
function crossed(value: Buffer, id: string): Buffer {
  const mask = Buffer.concat([Buffer.alloc(2), COOKIE.subarray(0, 2), COOKIE, Buffer.from(id, 'hex')])
  return Buffer.from(value.map((octet, at) => octet ^ (mask[at] ?? 0)))
}

/** RFC 8489 14.1: a zero, the family, the port, the address. */
function addressOctets(host: string, port: number): Buffer {
  const address = isIPv4(host) ? Buffer.from(host.split('.').map(Number)) : octets6(host)
  const value = Buffer.alloc(4)
  value.writeUInt8(isIPv4(host) ? 1 : 2, 1)
  value.writeUInt16BE(port, 2)
  return Buffer.concat([value, address])
}

function octets6(host: string): Buffer {
  const words = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((word) => Number.parseInt(word, 16))
  // The URL parser writes an IPv4 tail as two words.
  const [front = '', back = ''] = new URL(`http://[${host}]`).hostname.slice(1, -1).split('::')
  const [head, tail] = [words(front), words(back)]
  const octets = Buffer.alloc(16)
  for (const [at, word] of head.entries()) octets.writeUInt16BE(word, 2 * at)
  for (const [at, word] of tail.entries()) octets.writeUInt16BE(word, 2 * (8 - tail.length + at))
  return octets
}

function addressIn(value: Buffer): HostPort | undefined {
  const family = value[1]
  if (value.length !== (family === 1 ? 8 : 20) || (family !== 1 && family !== 2)) return undefined
  const port = value.readUInt16BE(2)
  if (family === 1) return { host: value.subarray(4).join('.'), port }
  const words = Array.from({ length: 8 }, (_, at) => value.readUInt16BE(4 + 2 * at).toString(16))
  const host = new URL(`http://[${words.join(':')}]`).hostname.slice(1, -1)
  return isIPv6(host) ? { host, port } : undefined
}
