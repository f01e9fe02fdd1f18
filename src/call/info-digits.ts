/** Sends digits by INFO, for peers without telephone-event. Not in any RFC, but most telephones and exchanges know it. */
import type { Clock, Timer } from '../base/clock.js'
import { TelephonyError } from '../base/errors.js'
import type { FinalResponse, SipBody } from '../sip/types.js'

interface InfoDigitsDeps {
  clock: Clock
  /** Sends an INFO within the dialog; resolves with its final response. */
  info: (body: SipBody) => Promise<FinalResponse>
}

/** A comma, as in dial strings. */
const PAUSE_MS = 500
const DEFAULT_TONE_MS = 160
const DEFAULT_GAP_MS = 80

export class InfoDigits {
  readonly #deps: InfoDigitsDeps
  /** Digits of a later command follow those of an earlier one. */
  #queue: Promise<unknown> = Promise.resolve()
  #isClosed = false
  #timer: Timer | undefined
  #wake: (() => void) | undefined

  constructor(deps: InfoDigitsDeps) {
    this.#deps = deps
  }

  /** Resolves when the last digit was accepted. Rejects with REFUSED if the peer refuses one; the others are not sent then. */
  send(digits: string, times: { toneMs?: number; gapMs?: number }): Promise<'finished' | 'hangup'> {
    const run = () => this.#send(digits, times)
    const sent = this.#queue.then(run, run)
    this.#queue = sent
    return sent
  }

  /** The call ends: digits that wait are not sent. */
  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
    this.#wake?.()
  }

  async #send(
    digits: string,
    { toneMs = DEFAULT_TONE_MS, gapMs = DEFAULT_GAP_MS }: { toneMs?: number; gapMs?: number },
  ): Promise<'finished' | 'hangup'> {
    let wait = 0
    for (const digit of digits) {
      // The peer plays the tone for as long as the INFO says.
      if (wait > 0) await this.#sleep(wait)
      if (this.#isClosed) return 'hangup'
      wait = digit === ',' ? PAUSE_MS : toneMs + gapMs
      if (digit !== ',') await this.#press(digit, toneMs)
    }
    return this.#isClosed ? 'hangup' : 'finished'
  }

  async #press(digit: string, toneMs: number): Promise<void> {
    const content = `Signal=${digit}\r\nDuration=${toneMs}\r\n`
    const { status, reason } = await this.#deps.info({ contentType: 'application/dtmf-relay', content })
    if (status < 300 || this.#isClosed) return
    throw new TelephonyError(
      'REFUSED',
      `the peer refused the digit by INFO: ${status} ${reason.slice(0, 64)}. Send digits as RFC 4733 events`,
    )
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
      this.#timer = this.#deps.clock.setTimeout(resolve, ms)
    })
  }
}
