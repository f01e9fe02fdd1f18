/** ITU-T G.711 by lookup tables: one octet per sample, 8 kHz. The tables are made once; nothing is allocated per frame. */

import type { CodecName } from '../../base/audio.js'

export interface G711 {
  readonly name: CodecName
  /** RFC 3551 6: static payload type. */
  readonly payloadType: number
  /** The octet of digital silence. */
  readonly silence: number
  /** 256 samples, by octet. */
  readonly toLinear: Int16Array
  /** 256 squares of samples, by octet. */
  readonly squares: Float64Array
  /** 65536 octets, by sample & 0xffff. */
  readonly toCoded: Uint8Array
}

/** G.711 table 1a; even bits are inverted on the wire. */
function expandA(octet: number): number {
  const code = octet ^ 0x55
  const exponent = (code >> 4) & 7
  const mantissa = ((code & 0x0f) << 4) + 8
  const magnitude = exponent === 0 ? mantissa : (mantissa + 0x100) << (exponent - 1)
  return code & 0x80 ? magnitude : -magnitude
}

/** G.711 table 2a; all bits are inverted on the wire. */
function expandMu(octet: number): number {
  const code = ~octet & 0xff
  const magnitude = ((((code & 0x0f) << 3) + 0x84) << ((code >> 4) & 7)) - 0x84
  return code & 0x80 ? -magnitude : magnitude
}

/** A-law's decision values lie on multiples of 16: the segment follows from the highest bit. */
function compressA(sample: number): number {
  const magnitude = sample >= 0 ? sample >> 4 : ~sample >> 4 // 0 to 2047
  const exponent = magnitude < 32 ? (magnitude < 16 ? 0 : 1) : 31 - Math.clz32(magnitude) - 3
  const mantissa = exponent === 0 ? magnitude & 0x0f : (magnitude >> (exponent - 1)) & 0x0f
  return ((sample >= 0 ? 0x80 : 0) | (exponent << 4) | mantissa) ^ 0x55
}

function compressMu(sample: number): number {
  const magnitude = Math.min(sample >= 0 ? sample : -sample, 32635) + 0x84
  const exponent = 31 - Math.clz32(magnitude) - 7
  const mantissa = (magnitude >> (exponent + 3)) & 0x0f
  return ~((sample >= 0 ? 0 : 0x80) | (exponent << 4) | mantissa) & 0xff
}

function makeTables(
  expand: (octet: number) => number,
  compress: (sample: number) => number,
): Pick<G711, 'toLinear' | 'squares' | 'toCoded'> {
  return {
    toLinear: Int16Array.from({ length: 256 }, (_, octet) => expand(octet)),
    squares: Float64Array.from({ length: 256 }, (_, octet) => expand(octet) ** 2),
    toCoded: Uint8Array.from({ length: 65536 }, (_, bits) => compress((bits << 16) >> 16)),
  }
}

export const PCMA: G711 = { name: 'PCMA', payloadType: 8, silence: 0xd5, ...makeTables(expandA, compressA) }
export const PCMU: G711 = { name: 'PCMU', payloadType: 0, silence: 0xff, ...makeTables(expandMu, compressMu) }

export const g711 = (name: CodecName): G711 => (name === 'PCMA' ? PCMA : PCMU)

export function encode(codec: G711, samples: Int16Array, octets: Uint8Array, at = 0): void {
  const table = codec.toCoded
  for (let i = 0; i < samples.length; i++) octets[at + i] = table[(samples[i] ?? 0) & 0xffff] ?? 0
}

export function decode(codec: G711, octets: Uint8Array, at: number, samples: Int16Array, to: number, n: number): void {
  const table = codec.toLinear
  for (let i = 0; i < n; i++) samples[to + i] = table[octets[at + i] ?? 0] ?? 0
}

/** Sum of squares, without decoding. */
export function energyOf(codec: G711, octets: Uint8Array, at: number, n: number): number {
  const { squares } = codec
  let sum = 0
  for (let i = at; i < at + n; i++) sum += squares[octets[i] ?? 0] ?? 0
  return sum
}

export function energyOfSamples(samples: Int16Array, at: number, n: number): number {
  let sum = 0
  for (let i = at; i < at + n; i++) {
    const value = samples[i] ?? 0
    sum += value * value
  }
  return sum
}

/** Converts octets from one law to the other, for a prompt that was encoded before the codec changed. */
export function transcodingTable(from: G711, to: G711): Uint8Array {
  return Uint8Array.from(from.toLinear, (sample) => to.toCoded[sample & 0xffff] ?? 0)
}
