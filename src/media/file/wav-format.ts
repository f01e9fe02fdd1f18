import { TelephonyError } from '../../base/errors.js'

/** How the samples of a WAV file are stored, and where they lie. */
export interface WavFormat {
  encoding: 'pcm' | 'float' | 'alaw' | 'ulaw'
  channels: number
  sampleRate: number
  bitsPerSample: number
  dataStart: number
  /** Octets; what the file says, which may be 0 or more than there is. */
  dataOctets: number
}

/** WAVE format tags. */
const ENCODINGS = new Map<number, WavFormat['encoding']>([
  [1, 'pcm'],
  [3, 'float'],
  [6, 'alaw'],
  [7, 'ulaw'],
])
const EXTENSIBLE = 0xfffe
const BITS = { pcm: [8, 16, 24, 32], float: [32, 64], alaw: [8], ulaw: [8] } as const satisfies Record<
  WavFormat['encoding'],
  readonly number[]
>
const MAX_CHANNELS = 8
const MIN_RATE = 4000
const MAX_RATE = 192_000

const bad = (message: string) => new TelephonyError('BAD_AUDIO', message)

/**
 * Reads the head of a WAV file, chunk by chunk (odd ones are padded). Throws BAD_AUDIO for what we cannot or will not decode:
 * the decoder is only ever given numbers that were checked here.
 */
export function parseWavFormat(head: Uint8Array): WavFormat {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength)
  if (head.length < 12 || tag(head, 0) !== 'RIFF' || tag(head, 8) !== 'WAVE') throw bad('not a WAV file')
  let format: Omit<WavFormat, 'dataStart' | 'dataOctets'> | undefined
  for (let at = 12; at + 8 <= head.length; ) {
    const name = tag(head, at)
    const size = view.getUint32(at + 4, true)
    if (name === 'fmt ') format = parseFmt(view, at + 8, size)
    if (name === 'data') {
      if (!format) throw bad('the WAV file has no format before its data')
      return { ...format, dataStart: at + 8, dataOctets: size }
    }
    at += 8 + size + (size & 1)
  }
  throw bad('the WAV file has no data in its first part')
}

function parseFmt(view: DataView, at: number, size: number): Omit<WavFormat, 'dataStart' | 'dataOctets'> {
  if (size < 16 || at + size > view.byteLength) throw bad('the WAV file is cut off in its format')
  let formatTag = view.getUint16(at, true)
  // WAVE_FORMAT_EXTENSIBLE: the real tag is the start of the sub-format's GUID.
  if (formatTag === EXTENSIBLE && size >= 40) formatTag = view.getUint16(at + 24, true)
  const encoding = ENCODINGS.get(formatTag)
  if (!encoding) throw bad(`WAV format 0x${formatTag.toString(16)}: only PCM, float, A-law and mu-law are decoded`)
  const channels = view.getUint16(at + 2, true)
  const sampleRate = view.getUint32(at + 4, true)
  const blockOctets = view.getUint16(at + 12, true)
  const bitsPerSample = view.getUint16(at + 14, true)
  if (!(BITS[encoding] as readonly number[]).includes(bitsPerSample))
    throw bad(`${bitsPerSample} bit ${encoding} samples`)
  if (channels < 1 || channels > MAX_CHANNELS) throw bad(`${channels} channels: 1 to ${MAX_CHANNELS} are decoded`)
  if (blockOctets !== (channels * bitsPerSample) / 8) throw bad('the WAV format contradicts itself')
  if (sampleRate < MIN_RATE || sampleRate > MAX_RATE)
    throw bad(`${sampleRate} Hz: ${MIN_RATE} to ${MAX_RATE} are decoded`)
  return { encoding, channels, sampleRate, bitsPerSample }
}

function tag(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(bytes[at] ?? 0, bytes[at + 1] ?? 0, bytes[at + 2] ?? 0, bytes[at + 3] ?? 0)
}

/** The head that stands for a checked format: 44 octets, plain. */
export function plainWavHead(format: WavFormat): Uint8Array {
  const head = new Uint8Array(44)
  const view = new DataView(head.buffer)
  const blockOctets = (format.channels * format.bitsPerSample) / 8
  const encodingTag = [...ENCODINGS].find(([, encoding]) => encoding === format.encoding)?.[0] ?? 0
  head.set(new TextEncoder().encode('RIFF'), 0)
  view.setUint32(4, head.length - 8 + format.dataOctets, true)
  head.set(new TextEncoder().encode('WAVEfmt '), 8)
  view.setUint32(16, 16, true)
  view.setUint16(20, encodingTag, true)
  view.setUint16(22, format.channels, true)
  view.setUint32(24, format.sampleRate, true)
  view.setUint32(28, format.sampleRate * blockOctets, true)
  view.setUint16(32, blockOctets, true)
  view.setUint16(34, format.bitsPerSample, true)
  head.set(new TextEncoder().encode('data'), 36)
  view.setUint32(40, format.dataOctets, true)
  return head
}
