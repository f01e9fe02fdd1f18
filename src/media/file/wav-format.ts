import { TelephonyError } from '../../base/errors.js'

/** Encoding and position of the samples of a WAV file. */
export interface WavFormat {
  encoding: 'pcm' | 'float' | 'alaw' | 'ulaw'
  channels: number
  sampleRate: number
  bitsPerSample: number
  dataStart: number
  /** Length in the file's header, which may be 0 or too large. */
  dataOctets: number
}

/** RIFF, and its replacements in files above 4 GB (EBU Tech 3306, ITU-R BS.2088). */
const FILE_IDS = new Set(['RIFF', 'RF64', 'BW64'])
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

/** More than any real file has; each chunk costs a read. */
const MAX_CHUNKS = 10_000
/** How much of a `fmt ` chunk is read: WAVE_FORMAT_EXTENSIBLE has 40 octets. */
const FMT_OCTETS = 40
/** Replaces a size of 64 bits, or one that the writer did not know. */
const UNKNOWN_SIZE = 0xffff_ffff

/** A source of the octets of a WAV. */
export interface Octets {
  /** For error messages. */
  name: string
  size: number
  read(position: number, octets: number): Promise<Uint8Array>
}

type SampleFormat = Omit<WavFormat, 'dataStart' | 'dataOctets'>

const bad = (message: string) => new TelephonyError('BAD_AUDIO', message)

/**
 * Finds format and data behind any number of other chunks. Throws BAD_AUDIO for a file that cannot be decoded:
 * the decoder gets only numbers that were checked here.
 */
export async function readWavFormat(source: Pick<Octets, 'size' | 'read'>): Promise<WavFormat> {
  const head = await source.read(0, 12)
  const isWave = head.length === 12 && FILE_IDS.has(tag(head, 0)) && tag(head, 8) === 'WAVE'
  if (!isWave) throw bad('the file is not a WAV file')
  let format: SampleFormat | undefined
  let longDataOctets: number | undefined
  for await (const { name, size, start, view } of chunksOf(source)) {
    if (name === 'fmt ') format = parseFmt(view, size)
    // EBU Tech 3306 (RF64): the sizes that need more than 32 bits.
    if (name === 'ds64' && view.byteLength >= 16) longDataOctets = Number(view.getBigUint64(8, true))
    if (name !== 'data') continue
    if (!format) throw bad('the WAV file is damaged: it has no format before its data')
    const dataOctets = size === UNKNOWN_SIZE ? (longDataOctets ?? size) : size
    return { ...format, dataStart: start, dataOctets }
  }
  throw bad('the WAV file is damaged: it has no data')
}

interface Chunk {
  name: string
  size: number
  /** Position of the content. */
  start: number
  view: DataView
}

async function* chunksOf(source: Pick<Octets, 'size' | 'read'>): AsyncGenerator<Chunk> {
  for (let at = 12, chunks = 0; at + 8 <= source.size; chunks++) {
    if (chunks === MAX_CHUNKS) throw bad(`the WAV file is damaged: it has more than ${MAX_CHUNKS} chunks`)
    const octets = await source.read(at, 8 + FMT_OCTETS)
    if (octets.length < 8) return
    const start = at + 8
    const size = new DataView(octets.buffer, octets.byteOffset).getUint32(4, true)
    const view = new DataView(octets.buffer, octets.byteOffset + 8, octets.length - 8)
    yield { name: tag(octets, 0), size, start, view }
    at = start + size + (size % 2 === 0 ? 0 : await padding(source, start + size))
  }
}

/** An octet of 0 follows a chunk of odd size. Some writers omit it: then the name of the next chunk follows directly. */
async function padding(source: Pick<Octets, 'read'>, at: number): Promise<0 | 1> {
  const [next = 0] = await source.read(at, 1)
  return next === 0 ? 1 : 0
}

function parseFmt(view: DataView, size: number): SampleFormat {
  if (size < 16 || Math.min(size, FMT_OCTETS) > view.byteLength)
    throw bad('the WAV file is damaged: its format is incomplete')
  let formatTag = view.getUint16(0, true)
  // WAVE_FORMAT_EXTENSIBLE: the real tag is the start of the sub-format's GUID.
  if (formatTag === EXTENSIBLE && size >= 40) formatTag = view.getUint16(24, true)
  const encoding = ENCODINGS.get(formatTag)
  if (!encoding)
    throw bad(`the WAV format 0x${formatTag.toString(16)} is not supported. Use PCM, float, A-law or mu-law`)
  const channels = view.getUint16(2, true)
  const sampleRate = view.getUint32(4, true)
  const blockOctets = view.getUint16(12, true)
  const bitsPerSample = view.getUint16(14, true)
  if (!(BITS[encoding] as readonly number[]).includes(bitsPerSample))
    throw bad(`${encoding} samples of ${bitsPerSample} bit are not supported. Use 16 bit PCM`)
  if (channels < 1 || channels > MAX_CHANNELS)
    throw bad(`${channels} channels are not supported. Use 1 to ${MAX_CHANNELS}`)
  if (blockOctets !== (channels * bitsPerSample) / 8)
    throw bad('the WAV file is damaged: its format contradicts itself')
  if (sampleRate < MIN_RATE || sampleRate > MAX_RATE)
    throw bad(`a sample rate of ${sampleRate} Hz is not supported. Use ${MIN_RATE} to ${MAX_RATE} Hz`)
  return { encoding, channels, sampleRate, bitsPerSample }
}

function tag(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(bytes[at] ?? 0, bytes[at + 1] ?? 0, bytes[at + 2] ?? 0, bytes[at + 3] ?? 0)
}

/** A plain header of 44 octets for a checked format. */
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
