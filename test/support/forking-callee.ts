import { type Clock, systemClock, type Timer } from '../../src/base/clock.js'
import type { ParsedRequest } from '../../src/sip/message/parsed-message.js'
import { RawPeer, type Received } from './raw-peer.js'
import { SDP } from './sip-messages.js'

interface Branch {
  acks: string[]
  byes: string[]
  repeat: Timer | undefined
  gaveUp: boolean
  acknowledged?: () => void
}

const newBranch = (): Branch => ({ acks: [], byes: [], repeat: undefined, gaveUp: false })

/** Several called parties behind one address. Each rings and answers every INVITE, and repeats its 2xx until the ACK, as RFC 3261 13.3.1.4 says. With `refusesFirst` another one is busy before that. */
export class ForkingCallee {
  readonly #peer: RawPeer
  readonly #clock: Clock
  readonly #tags: readonly string[]
  readonly #contactPort: () => number
  /** By Call-ID, then by tag. */
  readonly calls = new Map<string, Map<string, Branch>>()
  readonly #refusals = new Map<string, Branch>()
  readonly #run: Promise<void>
  refusesFirst = false
  #closed = false

  static async open(init: {
    tags: readonly string[]
    clock: Clock
    contactPort: () => number
  }): Promise<ForkingCallee> {
    return new ForkingCallee(await RawPeer.open(), init)
  }

  private constructor(peer: RawPeer, init: { tags: readonly string[]; clock: Clock; contactPort: () => number }) {
    this.#peer = peer
    this.#clock = init.clock
    this.#tags = init.tags
    this.#contactPort = init.contactPort
    this.#run = this.#serve()
  }

  get port(): number {
    return this.#peer.port
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const forks of [this.#refusals, ...this.calls.values()])
      for (const fork of forks.values()) fork.repeat?.cancel()
    // Ends the wait for the next request.
    this.#peer.send('OPTIONS sip:end SIP/2.0\r\n\r\n', this.#peer.port)
    await Promise.race([this.#run, new Promise((resolve) => systemClock.setTimeout(() => resolve(undefined), 50))])
    await this.#peer.close()
  }

  async #serve(): Promise<void> {
    while (!this.#closed) {
      const received = await this.#peer.requests.next(60_000).catch(() => undefined)
      if (!received || this.#closed) return
      if (received.message.method === 'INVITE') this.#invited(received)
      else this.#inDialog(received)
    }
  }

  #invited(received: Received<ParsedRequest>): void {
    const { callId } = received.message
    if (this.calls.has(callId)) return // its answers are repeated anyway
    this.calls.set(callId, new Map(this.#tags.map((tag) => [tag, newBranch()])))
    if (!this.refusesFirst) {
      this.#answerByAll(received)
      return
    }
    const busy = newBranch()
    this.#refusals.set(callId, busy)
    busy.acknowledged = () => this.#answerByAll(received)
    this.#repeat(received, 'busy', { status: 486, fork: busy })
  }

  #answerByAll(received: Received<ParsedRequest>): void {
    for (const [tag, fork] of this.calls.get(received.message.callId) ?? []) {
      if (!this.refusesFirst) this.#answer(received, tag, 180)
      this.#repeat(received, tag, { status: 200, fork })
    }
  }

  #repeat(
    received: Received<ParsedRequest>,
    tag: string,
    answer: { status: number; fork: Branch },
    intervalMs = 500,
    sinceMs = 0,
  ): void {
    this.#answer(received, tag, answer.status)
    if (sinceMs >= 32_000) {
      answer.fork.gaveUp = true
      return
    }
    answer.fork.repeat = this.#clock.setTimeout(
      () => this.#repeat(received, tag, answer, Math.min(2 * intervalMs, 4_000), sinceMs + intervalMs),
      intervalMs,
    )
  }

  #answer(received: Received<ParsedRequest>, tag: string, status: number): void {
    if (this.#closed) return
    const contact = `sip:${tag}@127.0.0.1:${this.#contactPort()}`
    this.#peer.answer(received, status, { toTag: tag, contact, ...(status === 200 ? { body: SDP } : {}) })
  }

  #inDialog(received: Received<ParsedRequest>): void {
    const { method, callId, toTag } = received.message
    if (method === 'CANCEL') this.#peer.answer(received, 200, { toTag: this.#tags[0] ?? '' }) // too late (RFC 3261 9.2)
    const fork = toTag === 'busy' ? this.#refusals.get(callId) : this.calls.get(callId)?.get(toTag ?? '')
    if (!fork) return
    if (method === 'ACK') {
      fork.repeat?.cancel()
      fork.acks.push(received.text)
      if (fork.acks.length === 1) fork.acknowledged?.()
    } else if (method === 'BYE') {
      fork.byes.push(received.text)
      this.#peer.answer(received, 200)
    }
  }
}
