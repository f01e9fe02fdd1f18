/** WAV files before they are decoded: opened, and what is in them. */
import { type FileHandle, open } from 'node:fs/promises'
import { TelephonyError } from '../../base/errors.js'
import { type Octets, readWavFormat, type WavFormat } from './wav-format.js'

/** An hour in telephone quality. */
const MAX_DURATION_SEC = 3600
const MAX_FILE_OCTETS = 256 * 1024 * 1024

/** Rejects for a file that could not be played, without decoding it: FILE_NOT_FOUND, BAD_AUDIO. */
export async function checkWavFile(path: string): Promise<void> {
  await withWavFile(path, locateSound)
}

/** Opens the file while `use` is at work. Errors: FILE_NOT_FOUND. */
export async function withWavFile<T>(path: string, use: (source: Octets) => Promise<T>): Promise<T> {
  const file = await openFile(path)
  try {
    const { size } = await file.stat()
    return await use({ name: path, size, read: (position, octets) => readBlock(file, position, octets) })
  } finally {
    await file.close()
  }
}

/** Format and place of the sound; `dataOctets` is what is really there, in whole frames. Errors: BAD_AUDIO. */
export async function locateSound(source: Octets): Promise<WavFormat> {
  const { name, size } = source
  const bad = (message: string) => new TelephonyError('BAD_AUDIO', `${name}: ${message}`)
  if (size > MAX_FILE_OCTETS) throw bad(`the file is larger than ${MAX_FILE_OCTETS} octets`)
  const format = await readWavFormat(source).catch((error) => {
    throw error instanceof TelephonyError ? bad(error.message) : error
  })
  // 0 and sizes beyond the end are what a writer leaves that did not know the length yet.
  const there = size - format.dataStart
  const octets = format.dataOctets === 0 ? there : Math.min(there, format.dataOctets)
  const frames = Math.floor(octets / frameOctetsOf(format))
  if (frames === 0) throw bad('the file has no sound in it')
  if (frames / format.sampleRate > MAX_DURATION_SEC) throw bad(`the sound is longer than ${MAX_DURATION_SEC} s`)
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
    throw new TelephonyError('FILE_NOT_FOUND', `cannot read ${path}`, { cause })
  }
  throw new TelephonyError('FILE_NOT_FOUND', `${path} is not a file`)
}

async function readBlock(file: FileHandle, position: number, octets: number): Promise<Uint8Array> {
  const block = new Uint8Array(octets)
  const { bytesRead } = await file.read(block, 0, octets, position)
  return block.subarray(0, bytesRead)
}
