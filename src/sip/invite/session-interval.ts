import type { ParsedResponse } from '../message/parsed-message.js'
import { askingLines, MIN_SESSION_SEC, minSecOf } from './session-terms.js'

/** A peer and the proxies before it may each refuse once; more is a loop. */
const MAX_REFUSALS = 4

/** The session interval that our request asks for; a 422 makes it longer (RFC 4028 7.3). */
export class SessionInterval {
  readonly #expiresSec: number
  #minSec: number
  #refusals = 0

  /** `expiresSec` 0: it asks for none. */
  constructor(expiresSec: number, minSec = MIN_SESSION_SEC) {
    this.#expiresSec = expiresSec
    this.#minSec = minSec
  }

  /** The highest Min-SE that was asked for. */
  get minSec(): number {
    return this.#minSec
  }

  get lines(): string[] {
    return askingLines(this.#expiresSec, this.#minSec)
  }

  /** True: the request is to be sent again with a longer interval. */
  refusedBy(response: ParsedResponse): boolean {
    const minSec = response.status === 422 ? minSecOf(response) : undefined
    if (minSec === undefined || minSec <= this.#minSec || ++this.#refusals > MAX_REFUSALS) return false
    this.#minSec = minSec
    return true
  }
}
