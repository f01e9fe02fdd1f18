import { constants } from 'node:fs'
import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { TelephonyError } from '../../base/errors.js'
import { HEADER_OCTETS, recordedMs, recordingHead } from '../file/recording.js'
import type { RecordResult } from '../protocol.js'

const CHUNK_OCTETS = 16_000 // one second
/** The header tells the right length again after so many chunks: a crash costs that much at most. */
const CHUNKS_PER_HEADER = 5
/** A disk that is slow or full costs the recording, never the call or the memory: what waits longer than that is dropped, and told. */
const MAX_WAITING_CHUNKS = 30
/** The sizes in a WAV header have 32 bits. */
const MAX_DATA_OCTETS = 0xffff_ffff - HEADER_OCTETS - CHUNK_OCTETS

/**
 * 8 kHz 16 bit mono. Writing never holds the worker up. What a disk refuses waits and is tried again with every second that follows; the result
 * says when something is missing.
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
  /** The header, and so every player, knows of less than there is. */
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

  /** Replaces a file, never follows a link that stands in its place. Error: BAD_ARGUMENT with the system's reason. */
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
      throw new TelephonyError('BAD_ARGUMENT', `cannot record to ${init.path}: ${reason}`, { cause })
    }
  }

  get #isTruncated(): boolean {
    return this.#droppedOctets > 0 || this.#lengthIsOld
  }

  /** What went wrong with the disk; '' where nothing did. */
  get problem(): string {
    if (!this.#isTruncated) return ''
    const reason = this.#error === undefined ? 'the disk was too slow' : String(this.#error)
    return `${this.path}: ${this.#droppedOctets} octets were not written: ${reason}`
  }

  /** In memory, because the disk has not taken it yet. */
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

  /** Until nothing waits, or the disk refuses: then the next chunk tries again. */
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

  /** Idempotent: writes what is left, sets the header right. Never rejects. */
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
      // What a full disk took of a chunk is not in the header.
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
