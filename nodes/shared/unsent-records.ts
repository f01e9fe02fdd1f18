/**
 * The ends of calls that a stop of the flows brought about: their nodes are gone by then, so they wait in a file for the next
 * start, in this process or the next one. Without it Node-RED's own end would cost the records of all calls that lived.
 */
import { appendFileSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Ended } from './live-nodes.js'

export class UnsentRecords {
  readonly #path: string
  readonly #problem: (text: string) => void

  constructor(deps: { problem: (text: string) => void }, init: { path: string }) {
    this.#problem = deps.problem
    this.#path = init.path
  }

  /** Written before it returns: Node-RED ends as soon as its nodes are closed. */
  keep(event: Ended): void {
    try {
      mkdirSync(dirname(this.#path), { recursive: true })
      // Who called whom is nobody else's business.
      appendFileSync(this.#path, `${JSON.stringify(event)}\n`, { mode: 0o600 })
    } catch (error) {
      this.#problem(`the record of call ${event.callId} is lost: ${String(error)}`)
    }
  }

  /** Each comes out once. */
  take(): Ended[] {
    const lines = this.#lines()
    if (lines.length === 0) return []
    try {
      rmSync(this.#path)
    } catch (error) {
      // Better none than the same ones at every start.
      this.#problem(`${lines.length} call records are not sent: ${String(error)}`)
      return []
    }
    return lines.flatMap((line) => this.#parsed(line))
  }

  #lines(): string[] {
    try {
      return readFileSync(this.#path, 'utf8').split('\n').filter(Boolean)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#problem(`call records: ${String(error)}`)
      return []
    }
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
