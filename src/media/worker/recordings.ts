import { TelephonyError } from '../../base/errors.js'
import type { MediaRecord, RecordResult } from '../protocol.js'
import { WavRecorder } from './recorder.js'

export type RecordingEnd = 'finished' | 'stopped' | 'hangup'

interface RecordingsDeps {
  ended: (recordId: string, result: RecordResult, ended: RecordingEnd) => void
  /** Reports a failure of the disk. */
  problem: (message: string) => void
}

/** The running recordings of one call. */
export class Recordings {
  readonly #deps: RecordingsDeps
  readonly #recorders = new Map<string, WavRecorder>()
  #closed = false

  constructor(deps: RecordingsDeps) {
    this.#deps = deps
  }

  get size(): number {
    return this.#recorders.size
  }

  async start({ recordId, path, maxMs }: MediaRecord): Promise<void> {
    const recorder = await WavRecorder.create({ path, maxMs })
    if (this.#closed) {
      await recorder.close()
      throw new TelephonyError('CLOSED', 'the call has ended')
    }
    this.#recorders.set(recordId, recorder)
  }

  write(frame: Int16Array, samples: number): void {
    for (const [recordId, recorder] of this.#recorders) {
      recorder.write(frame, samples)
      if (recorder.full) void this.#end(recordId, 'finished')
    }
  }

  /** Stops the oldest recording without an id; null if there is no recording. */
  stop(recordId = [...this.#recorders.keys()][0]): Promise<RecordResult | null> {
    return recordId === undefined ? Promise.resolve(null) : this.#end(recordId, 'stopped')
  }

  /** Resolves when all files are closed. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#recorders.keys()].map((recordId) => this.#end(recordId, 'hangup')))
  }

  async #end(recordId: string, ended: RecordingEnd): Promise<RecordResult | null> {
    const recorder = this.#recorders.get(recordId)
    if (!recorder) return null
    this.#recorders.delete(recordId)
    const result = await recorder.close()
    if (recorder.problem) this.#deps.problem(recorder.problem)
    this.#deps.ended(recordId, result, ended)
    return result
  }
}
