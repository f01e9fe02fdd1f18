import type { FileHandle } from 'node:fs/promises'
import { open } from 'node:fs/promises'
import { decoder } from '@audio/decode-wav'
import { TelephonyError } from '../../base/errors.js'
import { Resampler } from './resampler.js'
import { parseWavFormat, plainWavHead, type WavFormat } from './wav-format.js'

export const TARGET_RATE = 8000
/** An hour in telephone quality. */
const MAX_DURATION_SEC = 3600
const MAX_FILE_OCTETS = 256 * 1024 * 1024
/** Chunks of text may stand before the data. */
const HEAD_OCTETS = 64 * 1024
const BLOCK_OCTETS = 192 * 1024 // whole frames of every format that is decoded

/** Where a WAV's octets come from. */
interface Octets {
  /** For error messages. */
  name: string
  size: number
  read(position: number, octets: number): Promise<Uint8Array>
}

/** A WAV file as 8 kHz mono. Errors: FILE_NOT_FOUND, BAD_AUDIO. Read and decoded block by block: memory is bounded by the result. */
export async function readWavFile(path: string): Promise<Int16Array> {
  const file = await openFile(path)
  try {
    const { size } = await file.stat()
    return await readWav({ name: path, size, read: (position, octets) => readBlock(file, position, octets) })
  } finally {
    await file.close()
  }
}

/** The same from memory. Errors: BAD_AUDIO. */
export function readWavOctets(data: Uint8Array): Promise<Int16Array> {
  const read = async (position: number, octets: number) => data.subarray(position, position + octets)
  return readWav({ name: 'the buffer', size: data.length, read })
}

async function readWav(source: Octets): Promise<Int16Array> {
  const { name, size } = source
  try {
    if (size > MAX_FILE_OCTETS) throw new TelephonyError('BAD_AUDIO', `${name}: larger than ${MAX_FILE_OCTETS} octets`)
    const format = parseWavFormat(await source.read(0, HEAD_OCTETS))
    // 0 and sizes beyond the end are what a writer leaves that did not know the length yet.
    const there = size - format.dataStart
    const octets = format.dataOctets === 0 ? there : Math.min(there, format.dataOctets)
    return await decodeBlocks(source, { ...format, dataOctets: octets })
  } catch (error) {
    if (error instanceof TelephonyError && error.code === 'BAD_AUDIO' && !error.message.startsWith(name)) {
      throw new TelephonyError('BAD_AUDIO', `${name}: ${error.message}`)
    }
    throw error
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    const file = await open(path, 'r')
    if ((await file.stat()).isFile()) return file
    await file.close()
  } catch (cause) {
    throw new TelephonyError('FILE_NOT_FOUND', `cannot read ${path}`, { cause })
  }
  throw new TelephonyError('FILE_NOT_FOUND', `${path} is no file`)
}

async function readBlock(file: FileHandle, position: number, octets: number): Promise<Uint8Array> {
  const block = new Uint8Array(octets)
  const { bytesRead } = await file.read(block, 0, octets, position)
  return block.subarray(0, bytesRead)
}

async function decodeBlocks(source: Octets, format: WavFormat): Promise<Int16Array> {
  const frameOctets = (format.channels * format.bitsPerSample) / 8
  const frames = Math.floor(format.dataOctets / frameOctets)
  if (frames === 0) throw new TelephonyError('BAD_AUDIO', `${source.name} holds no sound`)
  if (frames / format.sampleRate > MAX_DURATION_SEC) {
    throw new TelephonyError('BAD_AUDIO', `${source.name}: longer than ${MAX_DURATION_SEC} s`)
  }
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

/** A rate that shares no divisor with 8000 would need a filter of millions of taps; 12 Hz more or less are not heard. */
const usualRate = (rate: number): number => Math.round(rate / 25) * 25

function mix(channels: Float32Array[]): Float32Array {
  const [first] = channels
  if (!first || channels.length === 1) return first ?? new Float32Array(0)
  return first.map((_, i) => channels.reduce((sum, channel) => sum + (channel[i] ?? 0), 0) / channels.length)
}

/** Gathers at most as many samples as the file's duration asks for, as 16 bit. */
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
