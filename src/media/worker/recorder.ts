import { constants } from 'node:fs'
import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { TelephonyError } from '../../base/errors.js'
import { HEADER_OCTETS, recordedMs, recordingHead } from '../file/recording.js'
import type { RecordResult } from '../protocol.js'

const CHUNK_OCTETS = 16_000 // one second
/** The header is updated after this many chunks, so a crash loses at most that much. */
const CHUNKS_PER_HEADER = 5
/** With a slow or full disk, further chunks are dropped and reported: the recording suffers, not the call or the memory. */
const MAX_WAITING_CHUNKS = 30
/** The sizes in a WAV header have 32 bits. */
const MAX_DATA_OCTETS = 0xffff_ffff - HEADER_OCTETS - CHUNK_OCTETS

/**
 * Writes 8 kHz, 16 bit, mono. Writing never blocks the worker. Chunks that the disk refuses wait and are retried every second; the result
 * reports missing sound.
 */
export class WavRecorder {
  readonly path: string

  readonly #file: FileHandle
  readonly #maxOctets: number
  #chunk = Buffer.alloc(CHUNK_OCTETS)
  #chunkOctets = 0
  #takenOctets = 0
  #writtenOctets = 0
  #chunksWritten = 0
  readonly #waiting: Buffer[] = []
  #droppedOctets = 0
  /** The length in the header is smaller than the data. */
  #lengthIsOld = false
  #error: unknown
  #writing: Promise<void> | undefined
  #closing: Promise<RecordResult> | undefined

  private constructor(file: FileHandle, init: { path: string; maxMs: number }) {
    this.#file = file
    this.path = init.path
    const wanted = init.maxMs > 0 ? Math.round(init.maxMs * 8) * 2 : Number.POSITIVE_INFINITY
    this.#maxOctets = Math.min(MAX_DATA_OCTETS, wanted)
  }

  /** Replaces an existing file, and never follows a link. Error: BAD_ARGUMENT with the system's reason. */
  static async create(init: { path: string; maxMs: number }): Promise<WavRecorder> {
    let file: FileHandle | undefined
    try {
      await mkdir(dirname(init.path), { recursive: true })
      const flags = constants.O_CREAT | constants.O_WRONLY | constants.O_TRUNC | constants.O_NOFOLLOW
      file = await open(init.path, flags, 0o640)
      const recorder = new WavRecorder(file, init)
      await recorder.#writeHeader()
      return recorder
    } catch (cause) {
      await file?.close().catch(() => undefined)
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new TelephonyError(
        'BAD_ARGUMENT',
        `the recording ${init.path} cannot be written: ${reason}. Check the folder and its permissions`,
        { cause },
      )
    }
  }

  get #isTruncated(): boolean {
    return this.#droppedOctets > 0 || this.#lengthIsOld
  }

  /** The problem with the disk; '' without one. */
  get problem(): string {
    if (!this.#isTruncated) return ''
    const reason = this.#error === undefined ? 'the disk was too slow' : String(this.#error)
    return `${this.path}: ${this.#droppedOctets} octets were not written: ${reason}`
  }

  /** Octets in memory that are not yet written. */
  get waitingOctets(): number {
    return this.#waiting.reduce((sum, chunk) => sum + chunk.length, 0)
  }

  get full(): boolean {
    return this.#takenOctets >= this.#maxOctets
  }

  write(frame: Int16Array, samples: number): void {
    const n = Math.min(samples, (this.#maxOctets - this.#takenOctets) / 2)
    for (let i = 0; i < n; i++) {
      this.#chunk.writeInt16LE(frame[i] ?? 0, this.#chunkOctets)
      this.#chunkOctets += 2
      if (this.#chunkOctets === CHUNK_OCTETS) this.#flush()
    }
    this.#takenOctets += n * 2
  }

  #flush(): void {
    const octets = this.#chunkOctets
    this.#chunkOctets = 0
    if (octets === 0) return
    if (this.#waiting.length >= MAX_WAITING_CHUNKS) {
      this.#droppedOctets += octets
      return
    }
    this.#waiting.push(this.#chunk.subarray(0, octets))
    this.#chunk = Buffer.alloc(CHUNK_OCTETS)
    this.#writing ??= this.#writeWaiting().finally(() => {
      this.#writing = undefined
    })
  }

  /** Writes until no chunk waits or the disk refuses one; the next chunk then tries again. */
  async #writeWaiting(): Promise<void> {
    try {
      for (let chunk = this.#waiting[0]; chunk; chunk = this.#waiting[0]) {
        await writeAll(this.#file, chunk, HEADER_OCTETS + this.#writtenOctets)
        this.#writtenOctets += chunk.length
        this.#waiting.shift()
        if (++this.#chunksWritten % CHUNKS_PER_HEADER === 0) await this.#writeHeader()
      }
    } catch (error) {
      this.#error = error
    }
  }

  async #writeHeader(): Promise<void> {
    await writeAll(this.#file, recordingHead(this.#writtenOctets), 0)
  }

  /** Writes the remaining chunks and the final header. Idempotent; never rejects. */
  close(): Promise<RecordResult> {
    this.#closing ??= this.#finish()
    return this.#closing
  }

  async #finish(): Promise<RecordResult> {
    this.#flush()
    await this.#writing
    await this.#writeWaiting()
    for (const chunk of this.#waiting) this.#droppedOctets += chunk.length
    try {
      await this.#writeHeader()
      // A full disk may have written a part of a chunk, which the header does not count.
      if (this.#error !== undefined) await this.#file.truncate(HEADER_OCTETS + this.#writtenOctets)
      await this.#file.close()
    } catch (error) {
      this.#error = error
      this.#lengthIsOld = true
      await this.#file.close().catch(() => undefined)
    }
    const result = {
      path: this.path,
      durationMs: recordedMs(this.#writtenOctets),
      octets: HEADER_OCTETS + this.#writtenOctets,
    }
    return this.#isTruncated ? { ...result, truncated: true } : result
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, at, bytes.length - at, position + at)
    at += bytesWritten
  }
}
