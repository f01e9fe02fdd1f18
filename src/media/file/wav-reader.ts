import { decoder } from '@audio/decode-wav'
import { Resampler } from './resampler.js'
import { frameOctetsOf, locateSound, withWavFile } from './wav-file.js'
import { type Octets, plainWavHead, type WavFormat } from './wav-format.js'

export const TARGET_RATE = 8000
const BLOCK_OCTETS = 192 * 1024 // whole frames of every supported format

/** Reads a WAV file as 8 kHz mono, block by block, so that the result limits the memory. Errors: FILE_NOT_FOUND, BAD_AUDIO. */
export function readWavFile(path: string): Promise<Int16Array> {
  return withWavFile(path, readWav)
}

/** The same from memory. Errors: BAD_AUDIO. */
export function readWavOctets(data: Uint8Array): Promise<Int16Array> {
  // A copy, because the decoder needs aligned samples.
  const read = async (position: number, octets: number) => Uint8Array.from(data.subarray(position, position + octets))
  return readWav({ name: 'the buffer', size: data.length, read })
}

async function readWav(source: Octets): Promise<Int16Array> {
  return decodeBlocks(source, await locateSound(source))
}

async function decodeBlocks(source: Octets, format: WavFormat): Promise<Int16Array> {
  const frameOctets = frameOctetsOf(format)
  const frames = format.dataOctets / frameOctets
  const result = new Collected(Math.ceil((frames * TARGET_RATE) / format.sampleRate))
  const rate = usualRate(format.sampleRate)
  const resampler = rate === TARGET_RATE ? undefined : new Resampler(rate, TARGET_RATE)
  const wav = decoder()
  wav.decode(plainWavHead(format))
  for (let at = 0; at < frames * frameOctets; ) {
    const block = await source.read(format.dataStart + at, Math.min(BLOCK_OCTETS, frames * frameOctets - at))
    if (block.length === 0) break
    at += block.length
    const mono = mix(wav.decode(block).channelData)
    result.add(resampler ? resampler.process(mono) : mono)
  }
  if (resampler) result.add(resampler.flush())
  wav.free()
  return result.samples
}

/** A rate that shares no divisor with 8000 would need a filter of millions of taps; a difference of 12 Hz is inaudible. */
const usualRate = (rate: number): number => Math.round(rate / 25) * 25

function mix(channels: Float32Array[]): Float32Array {
  const [first] = channels
  if (!first || channels.length === 1) return first ?? new Float32Array(0)
  return first.map((_, i) => channels.reduce((sum, channel) => sum + (channel[i] ?? 0), 0) / channels.length)
}

/** Collects samples as 16 bit, at most as many as the duration of the file requires. */
class Collected {
  readonly #all: Int16Array
  #n = 0

  constructor(most: number) {
    this.#all = new Int16Array(most)
  }

  add(samples: Float32Array): void {
    const n = Math.min(samples.length, this.#all.length - this.#n)
    for (let i = 0; i < n; i++) {
      const value = samples[i] ?? 0
      // The decoder scales by 32768 below zero and by 32767 above.
      const scaled = Math.round(value < 0 ? value * 32768 : value * 32767)
      this.#all[this.#n + i] = Math.max(-32768, Math.min(32767, scaled))
    }
    this.#n += n
  }

  get samples(): Int16Array {
    return this.#all.subarray(0, this.#n)
  }
}
