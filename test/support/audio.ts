/** What tests hear with: WAV in and out, and measures of a tone. Independent of src on purpose: it is the oracle. */
import { readFileSync, writeFileSync } from 'node:fs'

export interface Wav {
  sampleRate: number
  /** One Int16Array per channel. */
  channels: Int16Array[]
}

/**
 * Reads 16 bit PCM as the most pedantic player does: every size in the file has to be true, to the octet. Throws, and says which is not.
 * A file that is still being written has to be read with `wavSizes`; that another program counts too many octets has to be said.
 */
export function readWav(path: string, { sizes = 'true' }: { sizes?: 'true' | 'too large' } = {}): Wav {
  const file = readFileSync(path)
  const wrong = (what: string) => new Error(`${path}: ${what}`)
  if (file.length < 12 || file.toString('latin1', 0, 4) !== 'RIFF' || file.toString('latin1', 8, 12) !== 'WAVE') {
    throw wrong('not a WAV file')
  }
  const riffOctets = file.readUInt32LE(4)
  if (sizes === 'true' && riffOctets !== file.length - 8)
    throw wrong(`RIFF size ${riffOctets} in a file of ${file.length} octets`)
  const chunks = new Map<string, Buffer>()
  for (let at = 12; at < file.length; ) {
    if (at + 8 > file.length) throw wrong(`${file.length - at} octets after the last chunk`)
    const name = file.toString('latin1', at, at + 4)
    const told = at + 8 + file.readUInt32LE(at + 4)
    const end = sizes === 'true' ? told : Math.min(told, file.length)
    if (end > file.length) throw wrong(`chunk “${name}” leads ${end - file.length} octets beyond the end`)
    if (chunks.has(name)) throw wrong(`two chunks “${name}”`)
    if (name === 'data' && !chunks.has('fmt ')) throw wrong('data before its format')
    chunks.set(name, file.subarray(at + 8, end))
    at = end + (end % 2)
  }
  const data = chunks.get('data')
  if (!data) throw wrong('no data chunk')
  const { channels, sampleRate } = pcm16(chunks.get('fmt ') ?? Buffer.alloc(0), wrong)
  if (data.length % (channels * 2) !== 0)
    throw wrong(`${data.length} octets are not whole samples of ${channels} channels`)
  return { sampleRate, channels: deinterleave(data, channels) }
}

function pcm16(format: Buffer, wrong: (what: string) => Error): { channels: number; sampleRate: number } {
  if (format.length < 16) throw wrong(`a format of ${format.length} octets`)
  const [tag, channels, sampleRate] = [format.readUInt16LE(0), format.readUInt16LE(2), format.readUInt32LE(4)]
  const [octetsPerSec, blockOctets, bits] = [format.readUInt32LE(8), format.readUInt16LE(12), format.readUInt16LE(14)]
  if (tag !== 1 || bits !== 16 || channels < 1) throw wrong(`format ${tag} of ${channels} channels, ${bits} bit`)
  if (blockOctets !== channels * 2) throw wrong(`blocks of ${blockOctets} octets`)
  if (octetsPerSec !== sampleRate * blockOctets) throw wrong(`${octetsPerSec} octets in a second`)
  return { channels, sampleRate }
}

/** What the head of a plain WAV file says, and what is there. */
export function wavSizes(path: string): { riffOctets: number; dataOctets: number; fileOctets: number } {
  const file = readFileSync(path)
  return { riffOctets: file.readUInt32LE(4), dataOctets: file.readUInt32LE(40), fileOctets: file.length }
}

function deinterleave(data: Buffer, channels: number): Int16Array[] {
  const frames = Math.floor(data.length / 2 / channels)
  return Array.from({ length: channels }, (_, c) =>
    Int16Array.from({ length: frames }, (_, i) => data.readInt16LE((i * channels + c) * 2)),
  )
}

/** Writes 16 bit PCM; several channels are interleaved. */
export function writeWav(path: string, samples: Int16Array | Int16Array[], sampleRate = 8000): void {
  const channels = samples instanceof Int16Array ? [samples] : samples
  const frames = channels[0]?.length ?? 0
  const data = Buffer.alloc(frames * channels.length * 2)
  channels.forEach((channel, c) => {
    channel.forEach((value, i) => {
      data.writeInt16LE(value, (i * channels.length + c) * 2)
    })
  })
  writeFileSync(path, wavBytes({ tag: 1, channels: channels.length, sampleRate, bits: 16 }, data))
}

/** A WAV file of any format around the data given. */
export function wavBytes(
  format: { tag: number; channels: number; sampleRate: number; bits: number },
  data: Uint8Array,
): Buffer {
  const header = Buffer.alloc(44)
  const blockAlign = (format.channels * format.bits) / 8
  header.write('RIFF', 0, 'latin1')
  header.writeUInt32LE(36 + data.length, 4)
  header.write('WAVEfmt ', 8, 'latin1')
  header.writeUInt32LE(16, 16)
  header.writeUInt16LE(format.tag, 20)
  header.writeUInt16LE(format.channels, 22)
  header.writeUInt32LE(format.sampleRate, 24)
  header.writeUInt32LE(format.sampleRate * blockAlign, 28)
  header.writeUInt16LE(blockAlign, 32)
  header.writeUInt16LE(format.bits, 34)
  header.write('data', 36, 'latin1')
  header.writeUInt32LE(data.length, 40)
  return Buffer.concat([header, data])
}

/** Sines added up, together at `rmsDbfs`. */
export function sine(
  hz: number | number[],
  durationMs: number,
  options: { rmsDbfs?: number; sampleRate?: number } = {},
): Int16Array {
  const frequencies = Array.isArray(hz) ? hz : [hz]
  const sampleRate = options.sampleRate ?? 8000
  const amplitude = 32768 * 10 ** ((options.rmsDbfs ?? -13) / 20) * Math.sqrt(2 / frequencies.length)
  return Int16Array.from({ length: Math.round((durationMs * sampleRate) / 1000) }, (_, i) =>
    Math.round(frequencies.reduce((sum, f) => sum + amplitude * Math.sin((2 * Math.PI * f * i) / sampleRate), 0)),
  )
}

/** Root mean square in dBFS: 0 is a full-scale square wave, a full-scale sine is -3. */
export function rmsDbfs(samples: Int16Array): number {
  let sum = 0
  for (const value of samples) sum += value * value
  return sum === 0 ? Number.NEGATIVE_INFINITY : 10 * Math.log10(sum / samples.length / 32768 ** 2)
}

export interface ToneMeasure {
  /** Share of all power (but DC) that lies within 25 Hz of the frequency asked for: 0 to 1. */
  share: number
  /** RMS of the part with sound, without the silence before and after. */
  rmsDbfs: number
  /** The strongest frequency. */
  dominantHz: number
  /** Length of the part with sound. */
  soundMs: number
}

const FRAME_MS = 20
const QUIET_DBFS = -60
const NEAR_HZ = 25

/** Measures a tone in the first channel of a WAV file, or in samples (8 kHz unless told). */
export function measureTone(source: string | Int16Array, hz: number, sampleRate = 8000): ToneMeasure {
  const wav = typeof source === 'string' ? readWav(source) : { sampleRate, channels: [source] }
  const sound = trimSilence(wav.channels[0] ?? new Int16Array(0), wav.sampleRate)
  const size = 2 ** Math.round(Math.log2(wav.sampleRate / 8)) // about 125 ms
  const power = new Float64Array(size / 2)
  for (let at = 0; at === 0 || at + size <= sound.length; at += size / 2) {
    addSpectrum(sound.subarray(at, at + size), size, power)
  }
  const binHz = wav.sampleRate / size
  let total = 0
  let near = 0
  let strongest = 0
  for (let bin = 2; bin < power.length; bin++) {
    const p = power[bin] ?? 0
    total += p
    if (Math.abs(bin * binHz - hz) <= NEAR_HZ) near += p
    if (p > (power[strongest] ?? 0) || strongest === 0) strongest = bin
  }
  return {
    share: total === 0 ? 0 : near / total,
    rmsDbfs: rmsDbfs(sound),
    dominantHz: total === 0 ? 0 : strongest * binHz,
    soundMs: (sound.length / wav.sampleRate) * 1000,
  }
}

/** Silences of at least `minMs` between the first and the last sound. */
export function findGaps(
  samples: Int16Array,
  { minMs = 10, quietDbfs = QUIET_DBFS, sampleRate = 8000 } = {},
): { atMs: number; durationMs: number }[] {
  const stepMs = 5
  const step = Math.round((sampleRate * stepMs) / 1000)
  const gaps: { atMs: number; durationMs: number }[] = []
  let quietFrom = -1
  let heard = false
  for (let at = 0; at + step <= samples.length; at += step) {
    const quiet = rmsDbfs(samples.subarray(at, at + step)) < quietDbfs
    if (quiet && quietFrom < 0) quietFrom = at
    if (quiet) continue
    const durationMs = quietFrom < 0 ? 0 : ((at - quietFrom) / sampleRate) * 1000
    if (heard && durationMs >= minMs) gaps.push({ atMs: (quietFrom / sampleRate) * 1000, durationMs })
    quietFrom = -1
    heard = true
  }
  return gaps
}

function trimSilence(samples: Int16Array, sampleRate: number): Int16Array {
  const step = Math.round((sampleRate * FRAME_MS) / 1000)
  let first = samples.length
  let end = 0
  for (let at = 0; at < samples.length; at += step) {
    if (rmsDbfs(samples.subarray(at, at + step)) < QUIET_DBFS) continue
    first = Math.min(first, at)
    end = Math.min(samples.length, at + step)
  }
  return samples.subarray(Math.min(first, end), end)
}

/** Adds the power spectrum of one Hann-windowed block. */
function addSpectrum(block: Int16Array, size: number, power: Float64Array): void {
  const re = new Float64Array(size)
  const im = new Float64Array(size)
  for (let i = 0; i < block.length; i++) {
    re[i] = (block[i] ?? 0) * (0.5 - 0.5 * Math.cos((2 * Math.PI * i) / block.length))
  }
  fft(re, im)
  for (let bin = 0; bin < power.length; bin++) {
    power[bin] = (power[bin] ?? 0) + (re[bin] ?? 0) ** 2 + (im[bin] ?? 0) ** 2
  }
}

/** Radix 2, in place: bit-reversed order first, then butterflies of growing size. */
function fft(re: Float64Array, im: Float64Array): void {
  const n = re.length
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1
    for (; j & bit; bit >>= 1) j ^= bit
    j ^= bit
    if (i < j) {
      swap(re, i, j)
      swap(im, i, j)
    }
  }
  for (let size = 2; size <= n; size *= 2) {
    const half = size / 2
    for (let k = 0; k < half; k++) {
      const cos = Math.cos((-2 * Math.PI * k) / size)
      const sin = Math.sin((-2 * Math.PI * k) / size)
      for (let even = k; even < n; even += size) {
        const odd = even + half
        const tRe = cos * (re[odd] ?? 0) - sin * (im[odd] ?? 0)
        const tIm = cos * (im[odd] ?? 0) + sin * (re[odd] ?? 0)
        re[odd] = (re[even] ?? 0) - tRe
        im[odd] = (im[even] ?? 0) - tIm
        re[even] = (re[even] ?? 0) + tRe
        im[even] = (im[even] ?? 0) + tIm
      }
    }
  }
}

function swap(values: Float64Array, i: number, j: number): void {
  const kept = values[i] ?? 0
  values[i] = values[j] ?? 0
  values[j] = kept
}
