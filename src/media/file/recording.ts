/** The file that a call is recorded to: 8 kHz, 16 bit, mono. */
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import type { RecordResult } from '../protocol.js'
import { plainWavHead } from './wav-format.js'

export const HEADER_OCTETS = 44
const FORMAT = {
  encoding: 'pcm',
  channels: 1,
  sampleRate: 8000,
  bitsPerSample: 16,
  dataStart: HEADER_OCTETS,
} as const

export const recordingHead = (dataOctets: number): Uint8Array => plainWavHead({ ...FORMAT, dataOctets })

export const recordedMs = (dataOctets: number): number => Math.round(dataOctets / 16)

/** Repairs the header of a recording whose worker died: it gets the written length. Never rejects. */
export async function recoverRecording(path: string): Promise<RecordResult> {
  try {
    const file = await open(path, constants.O_RDWR | constants.O_NOFOLLOW)
    try {
      const { size } = await file.stat()
      // A whole number of samples.
      const dataOctets = Math.max(0, size - HEADER_OCTETS) & ~1
      await file.write(recordingHead(dataOctets), 0, HEADER_OCTETS, 0)
      await file.truncate(HEADER_OCTETS + dataOctets)
      return { path, durationMs: recordedMs(dataOctets), octets: HEADER_OCTETS + dataOctets, truncated: true }
    } finally {
      await file.close()
    }
  } catch {
    return { path, durationMs: 0, octets: 0, truncated: true }
  }
}
