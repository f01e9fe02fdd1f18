/** Opens WAV files and finds the sound in them, without decoding. */
import { type FileHandle, open } from 'node:fs/promises'
import { TelephonyError } from '../../base/errors.js'
import { type Octets, readWavFormat, type WavFormat } from './wav-format.js'

/** An hour in telephone quality. */
const MAX_DURATION_SEC = 3600
const MAX_FILE_OCTETS = 256 * 1024 * 1024

/** Rejects for a file that cannot be played, without decoding it: FILE_NOT_FOUND, BAD_AUDIO. */
export async function checkWavFile(path: string): Promise<void> {
  await withWavFile(path, locateSound)
}

/** Keeps the file open until `use` has finished. Errors: FILE_NOT_FOUND. */
export async function withWavFile<T>(path: string, use: (source: Octets) => Promise<T>): Promise<T> {
  const file = await openFile(path)
  try {
    const { size } = await file.stat()
    return await use({ name: path, size, read: (position, octets) => readBlock(file, position, octets) })
  } finally {
    await file.close()
  }
}

/** Format and position of the sound; `dataOctets` is its real length in whole frames. Errors: BAD_AUDIO. */
export async function locateSound(source: Octets): Promise<WavFormat> {
  const { name, size } = source
  const bad = (message: string) => new TelephonyError('BAD_AUDIO', `${name}: ${message}`)
  if (size > MAX_FILE_OCTETS)
    throw bad(`the file is too large: ${size} octets. At most ${MAX_FILE_OCTETS} are possible`)
  const format = await readWavFormat(source).catch((error) => {
    throw error instanceof TelephonyError ? bad(error.message) : error
  })
  // A writer that did not know the length leaves 0 or a size beyond the end.
  const there = size - format.dataStart
  const octets = format.dataOctets === 0 ? there : Math.min(there, format.dataOctets)
  const frames = Math.floor(octets / frameOctetsOf(format))
  if (frames === 0) throw bad('the file has no sound')
  if (frames / format.sampleRate > MAX_DURATION_SEC)
    throw bad(`the sound is too long. At most ${MAX_DURATION_SEC} s are possible`)
  return { ...format, dataOctets: frames * frameOctetsOf(format) }
}

/** One sample of each channel. */
export const frameOctetsOf = ({ channels, bitsPerSample }: WavFormat): number => (channels * bitsPerSample) / 8

async function openFile(path: string): Promise<FileHandle> {
  try {
    const file = await open(path, 'r')
    if ((await file.stat()).isFile()) return file
    await file.close()
  } catch (cause) {
    throw new TelephonyError('FILE_NOT_FOUND', `the file ${path} does not exist or cannot be read`, { cause })
  }
  throw new TelephonyError('FILE_NOT_FOUND', `${path} is not a file`)
}

async function readBlock(file: FileHandle, position: number, octets: number): Promise<Uint8Array> {
  const block = new Uint8Array(octets)
  const { bytesRead } = await file.read(block, 0, octets, position)
  return block.subarray(0, bytesRead)
}
