/**
 * Records of calls that end because the flows stop. Their nodes are closed by then, so the records wait in a file for the next
 * start, in this process or the next one. Otherwise the records of all calls in progress would be lost when Node-RED ends.
 * All file operations are asynchronous and run one after the other, so that a slow disk does not block Node-RED's thread.
 */
import { appendFile, mkdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Ended } from './live-nodes.js'

export class UnsentRecords {
  readonly path: string
  readonly #problem: (text: string) => void
  #work: Promise<void> = Promise.resolve()

  constructor(deps: { problem: (text: string) => void }, init: { path: string }) {
    this.#problem = deps.problem
    this.path = init.path
  }

  /** Resolves when all pending file operations are done. A stop waits for it, because Node-RED ends as soon as its nodes are closed. */
  get settled(): Promise<void> {
    return this.#work
  }

  keep(event: Ended): void {
    const line = `${JSON.stringify(event)}\n`
    this.#inTurn(`the record of call ${event.callId} is lost`, async () => {
      await mkdir(dirname(this.path), { recursive: true })
      // Call records are private data.
      await appendFile(this.path, line, { mode: 0o600 })
    })
  }

  /**
   * Sends the waiting records, then deletes them. If the process dies in between, no record is lost; some may be sent twice.
   * If `send` returns false, the records wait for the next start.
   */
  deliver(send: (events: Ended[]) => boolean): void {
    this.#inTurn('call records are not sent', async () => {
      // Left by a process that died while it sent the records.
      const isFree = await this.#send(send)
      // Renamed first: in a folder where files cannot be deleted, the same records would be sent at every start.
      if (!isFree) return
      await ifThere(rename(this.path, this.#sending))
      await this.#send(send)
    })
  }

  get #sending(): string {
    return `${this.path}.sending`
  }

  /** Returns true if no file is left. */
  async #send(send: (events: Ended[]) => boolean): Promise<boolean> {
    const text = await ifThere(readFile(this.#sending, 'utf8'))
    if (text === undefined) return true
    const lines = text.split('\n').filter(Boolean)
    if (!send(lines.flatMap((line) => this.#parsed(line)))) return false
    await rm(this.#sending)
    return true
  }

  #inTurn(failure: string, step: () => Promise<void>): void {
    this.#work = this.#work.then(step).catch((error: unknown) => this.#problem(`${failure}: ${String(error)}`))
  }

  #parsed(line: string): Ended[] {
    try {
      const event = JSON.parse(line) as Partial<Ended> | null
      if (event?.type === 'call.ended' && event.call && event.cdr) return [event as Ended]
    } catch {
      // An incomplete line: the machine stopped while it was written.
    }
    this.#problem('a call record could not be read and is left out')
    return []
  }
}

/** The result of a file operation; undefined where the file does not exist. */
async function ifThere<Result>(work: Promise<Result>): Promise<Result | undefined> {
  try {
    return await work
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
