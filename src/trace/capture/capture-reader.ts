/** Reads pcap and pcapng files piece by piece. Lengths in a file are claims: none of them decides how much memory is taken. */
import { TelephonyError } from '../../base/errors.js'

export interface CapturedFrame {
  /** Ms since 1970. */
  at: number
  linkType: number
  octets: Buffer
}

/** Longer than any packet with SIP or RTP. */
const MAX_BLOCK = 1 << 20
const MAX_INTERFACES = 64

const PCAPNG_SECTION = 0x0a0d0d0a
const BYTE_ORDER_MAGIC = 0x1a2b3c4d
const INTERFACE = 1
const SIMPLE_PACKET = 3
const ENHANCED_PACKET = 6

interface Format {
  little: boolean
  /** Parts of a second. */
  unit: number
  linkType: number
}

interface Interface {
  linkType: number
  unit: number
}

/** Takes the octets of a file in pieces of any size and gives its frames. Throws BAD_ARGUMENT. */
export class CaptureReader {
  #rest: Buffer = Buffer.alloc(0)
  #pcap: Format | undefined
  #isNext = false
  #little = true
  #interfaces: Interface[] = []

  push(chunk: Buffer): CapturedFrame[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    const frames: CapturedFrame[] = []
    let at = 0
    for (;;) {
      const read = this.#take(this.#rest.subarray(at), frames)
      if (read === 0) break
      at += read
    }
    this.#rest = Buffer.from(this.#rest.subarray(at))
    return frames
  }

  /** The file has ended. Throws BAD_ARGUMENT if it was too short for the head of a capture. */
  end(): void {
    if (!this.#isNext && !this.#pcap) throw notACapture()
  }

  /** Number of octets that were read; 0: more are needed. */
  #take(octets: Buffer, frames: CapturedFrame[]): number {
    if (this.#isNext) return this.#block(octets, frames)
    if (this.#pcap) return this.#record(octets, this.#pcap, frames)
    if (octets.length < 24) return 0
    if (octets.readUInt32BE(0) === PCAPNG_SECTION) {
      this.#isNext = true
      return this.#block(octets, frames)
    }
    this.#pcap = formatOf(octets)
    return 24
  }

  #record(octets: Buffer, { little, unit, linkType }: Format, frames: CapturedFrame[]): number {
    if (octets.length < 16) return 0
    const length = read32(octets, 8, little)
    if (length > MAX_BLOCK) throw broken(`a packet of ${length} octets`)
    if (octets.length < 16 + length) return 0
    const at = read32(octets, 0, little) * 1000 + (read32(octets, 4, little) * 1000) / unit
    frames.push({ at, linkType, octets: octets.subarray(16, 16 + length) })
    return 16 + length
  }

  #block(octets: Buffer, frames: CapturedFrame[]): number {
    if (octets.length < 12) return 0
    const type = octets.readUInt32BE(0) === PCAPNG_SECTION ? PCAPNG_SECTION : read32(octets, 0, this.#little)
    if (type === PCAPNG_SECTION) {
      this.#little = octets.readUInt32LE(8) === BYTE_ORDER_MAGIC
      if (!this.#little && octets.readUInt32BE(8) !== BYTE_ORDER_MAGIC) throw broken('an unknown byte order')
      this.#interfaces = []
    }
    const length = read32(octets, 4, this.#little)
    if (length < 12 || length % 4 !== 0 || length > MAX_BLOCK) throw broken(`a block of ${length} octets`)
    if (octets.length < length) return 0
    const body = octets.subarray(8, length - 4)
    if (type === INTERFACE && body.length >= 8) this.#addInterface(body)
    else if (type === ENHANCED_PACKET && body.length >= 20) this.#packet(body, frames)
    else if (type === SIMPLE_PACKET && body.length >= 4) this.#simplePacket(body, frames)
    return length
  }

  #addInterface(body: Buffer): void {
    if (this.#interfaces.length >= MAX_INTERFACES) throw broken(`more than ${MAX_INTERFACES} interfaces`)
    const linkType = read16(body, 0, this.#little)
    this.#interfaces.push({ linkType, unit: resolutionOf(body.subarray(8), this.#little) })
  }

  #packet(body: Buffer, frames: CapturedFrame[]): void {
    const from = this.#interfaces[read32(body, 0, this.#little)]
    const length = read32(body, 12, this.#little)
    if (!from || length > body.length - 20) return
    const ticks = read32(body, 4, this.#little) * 2 ** 32 + read32(body, 8, this.#little)
    frames.push({ at: (ticks / from.unit) * 1000, linkType: from.linkType, octets: body.subarray(20, 20 + length) })
  }

  /** Has no time. */
  #simplePacket(body: Buffer, frames: CapturedFrame[]): void {
    const [from] = this.#interfaces
    const length = Math.min(read32(body, 0, this.#little), body.length - 4)
    if (from) frames.push({ at: 0, linkType: from.linkType, octets: body.subarray(4, 4 + length) })
  }
}

function formatOf(octets: Buffer): Format {
  for (const little of [true, false]) {
    const magic = read32(octets, 0, little)
    const unit = magic === 0xa1b2c3d4 ? 1_000_000 : magic === 0xa1b23c4d ? 1_000_000_000 : undefined
    // The upper bits have flags about a frame check sequence.
    if (unit !== undefined) return { little, unit, linkType: read32(octets, 20, little) & 0xffff }
  }
  throw notACapture()
}

const notACapture = (): TelephonyError =>
  new TelephonyError(
    'BAD_ARGUMENT',
    'the file is not a pcap or pcapng capture. Use a file of tcpdump, Wireshark or ringflow',
  )

/** Option 9 of an interface: ticks in a second, as a power of 10 or (highest bit) of 2. */
function resolutionOf(options: Buffer, little: boolean): number {
  for (let at = 0; at + 4 <= options.length; ) {
    const code = read16(options, at, little)
    const length = read16(options, at + 2, little)
    if (code === 0) break
    if (code === 9 && length === 1) {
      const value = options[at + 4] ?? 6
      return value & 0x80 ? 2 ** Math.min(value & 0x7f, 52) : 10 ** Math.min(value, 15)
    }
    at += 4 + Math.ceil(length / 4) * 4
  }
  return 1_000_000
}

const read16 = (octets: Buffer, at: number, little: boolean): number =>
  little ? octets.readUInt16LE(at) : octets.readUInt16BE(at)
const read32 = (octets: Buffer, at: number, little: boolean): number =>
  little ? octets.readUInt32LE(at) : octets.readUInt32BE(at)

const broken = (what: string): TelephonyError =>
  new TelephonyError('BAD_ARGUMENT', `the capture file is damaged: it has ${what}. Make the capture again`)
