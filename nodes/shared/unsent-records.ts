/**
 * The ends of calls that a stop of the flows brought about: their nodes are gone by then, so they wait in a file for the next
 * start, in this process or the next one. Without it Node-RED's own end would cost the records of all calls that lived.
 * All work on the file is asynchronous, and one piece after the other: a slow disk does not hold up Node-RED's thread.
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

  /** Resolves when everything that was begun before has been done. A stop waits for it: Node-RED ends as soon as its nodes are closed. */
  get settled(): Promise<void> {
    return this.#work
  }

  keep(event: Ended): void {
    const line = `${JSON.stringify(event)}\n`
    this.#inTurn(`the record of call ${event.callId} is lost`, async () => {
      await mkdir(dirname(this.path), { recursive: true })
      // Who called whom is private.
      await appendFile(this.path, line, { mode: 0o600 })
    })
  }

  /**
   * Hands over what waits, then deletes it: a process that dies in between costs no record, at worst one is sent twice. `send` says
   * whether it has taken them; otherwise they wait for the next start.
   */
  deliver(send: (events: Ended[]) => boolean): void {
    this.#inTurn('call records are not sent', async () => {
      // A process that died while it sent has left this file.
      const isFree = await this.#send(send)
      // Renamed first: a folder in which nothing can be deleted would send the same records at every start.
      if (!isFree) return
      await ifThere(rename(this.path, this.#sending))
      await this.#send(send)
    })
  }

  get #sending(): string {
    return `${this.path}.sending`
  }

  /** Whether the file is gone. */
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
      // Half a line: the machine went down while it was written.
    }
    this.#problem('a call record could not be read and is left out')
    return []
  }
}

/** The result of work on a file; undefined where there is no such file. */
async function ifThere<Result>(work: Promise<Result>): Promise<Result | undefined> {
  try {
    return await work
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
