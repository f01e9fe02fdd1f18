import { decode, encode, type Answer as PacketRecord, RECURSION_DESIRED } from 'dns-packet'
import type { NaptrRecord, SrvRecord } from './records.js'

/** What the records of each type hold. */
export interface RecordData {
  A: string
  AAAA: string
  SRV: SrvRecord
  NAPTR: NaptrRecord
}
export type RecordType = keyof RecordData

export interface Question<Type extends RecordType = RecordType> {
  name: string
  type: Type
}

export type Reply<Data> =
  | { kind: 'answer'; data: readonly Data[]; ttlSec: number; exists: boolean }
  | { kind: 'truncated' }
  | { kind: 'refused'; code: string }

/** RFC 6891: UDP may carry more than 512 octets. So many fit into one packet of every network. */
const UDP_OCTETS = 1_232
const MAX_ALIASES = 8
/** RFC 1035 4.1.1. */
const CODES = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED']
const CODE_BITS = 0xf

/** RFC 1035 2.3.4: 1 to 63 octets in a label, 253 in a name. */
export function isDomainName(name: string): boolean {
  return name.length <= 253 && /^([\w-]{1,63}\.)*[\w-]{1,63}$/.test(name)
}

/** `extended`: with EDNS, which some old servers refuse as a format error. */
export function encodeQuestion(id: number, { name, type }: Question, extended: boolean): Buffer {
  const opt = { type: 'OPT', name: '.', udpPayloadSize: UDP_OCTETS, flags: 0, options: [] } as unknown as PacketRecord
  return encode({
    type: 'query',
    id,
    flags: RECURSION_DESIRED,
    questions: [{ name, type }],
    additionals: extended ? [opt] : [],
  })
}

/** Undefined: the octets are not an answer to this question. */
export function readReply<Type extends RecordType>(
  bytes: Buffer,
  id: number,
  { name, type }: Question<Type>,
): Reply<RecordData[Type]> | undefined {
  const packet = decoded(bytes)
  const [asked] = packet?.questions ?? []
  if (!packet || packet.id !== id || !packet.flag_qr) return undefined
  const code = CODES[(packet.flags ?? 0) & CODE_BITS] ?? 'an unknown error'
  // A server that cannot read a question need not repeat it.
  if (asked === undefined ? code !== 'FORMERR' : asked.type !== type || !isSameName(asked.name, name)) return undefined
  if (packet.flag_tc) return { kind: 'truncated' }
  if (code !== 'NOERROR' && code !== 'NXDOMAIN') return { kind: 'refused', code }
  const { data, ttlSec } = recordsOf(packet.answers ?? [], { name, type })
  const exists = code === 'NOERROR'
  if (data.length > 0) return { kind: 'answer', data, ttlSec, exists }
  return { kind: 'answer', data, ttlSec: negativeTtl(packet.authorities ?? []), exists }
}

function decoded(bytes: Buffer): ReturnType<typeof decode> | undefined {
  try {
    return decode(bytes)
  } catch {
    return undefined
  }
}

const plainName = (name: string): string => name.toLowerCase().replace(/\.$/, '')

const isSameName = (a: string, b: string): boolean => plainName(a) === plainName(b)

/** The records of a name, or of the name that it is an alias for (RFC 1034 3.6.2). */
function recordsOf<Type extends RecordType>(
  records: readonly PacketRecord[],
  { name, type }: Question<Type>,
): { data: RecordData[Type][]; ttlSec: number } {
  let owner = name
  let ttlSec = Number.POSITIVE_INFINITY
  for (let aliases = 0; aliases <= MAX_ALIASES; aliases++) {
    const own = records.filter((record) => isSameName(record.name, owner))
    const found = own.filter((record) => record.type === type)
    if (found.length > 0) return { data: found.map((each) => dataOf(each, type)), ttlSec: leastTtl(found, ttlSec) }
    const alias = own.find((record) => record.type === 'CNAME')
    if (alias?.type !== 'CNAME') break
    ttlSec = leastTtl([alias], ttlSec)
    owner = alias.data
  }
  return { data: [], ttlSec: 0 }
}

const ttlOf = (record: PacketRecord): number => ('ttl' in record ? (record.ttl ?? 0) : 0)

const leastTtl = (records: readonly PacketRecord[], most: number): number => Math.min(most, ...records.map(ttlOf))

/** RFC 2308 5: an answer without records is valid as long as the SOA record says. */
function negativeTtl(authorities: readonly PacketRecord[]): number {
  const soa = authorities.find((record) => record.type === 'SOA')
  return soa?.type === 'SOA' ? Math.min(ttlOf(soa), soa.data.minimum ?? 0) : 0
}

function dataOf<Type extends RecordType>(record: PacketRecord, type: Type): RecordData[Type]
function dataOf(record: PacketRecord): RecordData[RecordType] {
  switch (record.type) {
    case 'SRV': {
      const { priority = 0, weight = 0, port, target } = record.data
      return { priority, weight, port, target: target === '.' ? target : plainName(target) }
    }
    case 'NAPTR': {
      const { order, preference, flags, services, replacement } = record.data
      return { order, preference, flags, service: services, replacement: plainName(replacement) }
    }
    default:
      return (record as { data: string }).data
  }
}
