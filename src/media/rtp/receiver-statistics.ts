import type { ReportBlock, SenderInfo } from './rtcp-packet.js'
import { ntpMiddle } from './rtcp-packet.js'
import { sequenceDelta, timestampDelta } from './sequence.js'

const MAX_DROPOUT = 3000
const MAX_MISORDER = 100
const SEQUENCES = 65536

/**
 * Statistics of the received stream: RFC 3550 A.1 (sequence validation), A.3 (loss), A.8 (jitter).
 * Totals continue after a change of SSRC and a restart of the peer's numbering.
 */
export class ReceiverStatistics {
  readonly #clockRate: number
  #ssrc: number | undefined
  #baseSequence = 0
  #maxSequence = 0
  #cycles = 0
  #badSequence = -1
  #received = 0
  /** Packets that do not belong to the stream. */
  #aside = 0
  #expectedPrior = 0
  #receivedPrior = 0
  #lastTimestamp = 0
  #lastArrivalMs = 0
  #jitter = 0
  #maxJitter = 0
  #lastSr = 0
  #lastSrAtMs = 0
  #earlier = { expected: 0, received: 0 }

  constructor(init: { clockRate: number }) {
    this.#clockRate = init.clockRate
  }

  get ssrc(): number | undefined {
    return this.#ssrc
  }

  /** False for a packet that must not be used: after a jump in the numbering, until a second packet confirms it. */
  receive(ssrc: number, sequence: number, timestamp: number, nowMs: number): boolean {
    if (ssrc !== this.#ssrc) this.#restart(ssrc, sequence)
    else if (!this.#advance(sequence)) return false
    this.#received++
    this.#measureJitter(timestamp, nowMs)
    return true
  }

  /** Whether the sequence number of a packet fits the stream. */
  follows(ssrc: number, sequence: number): boolean {
    return ssrc === this.#ssrc && Math.abs(sequenceDelta(sequence, this.#maxSequence)) < MAX_MISORDER
  }

  /** Counts a packet of the peer that does not belong to the stream: an event with its own SSRC or numbers. */
  receiveAside(): void {
    this.#aside++
  }

  /** RFC 3550 A.1, without the probation at the start: the source guard has done it. */
  #advance(sequence: number): boolean {
    const delta = (sequence - this.#maxSequence) & 0xffff
    if (delta < MAX_DROPOUT) {
      if (sequence < this.#maxSequence) this.#cycles += SEQUENCES
      this.#maxSequence = sequence
    } else if (delta <= SEQUENCES - MAX_MISORDER) {
      if (sequence !== this.#badSequence) {
        this.#badSequence = (sequence + 1) & 0xffff
        return false
      }
      this.#restart(this.#ssrc ?? 0, sequence)
    }
    return true
  }

  #restart(ssrc: number, sequence: number): void {
    this.#earlier.expected += this.#expected
    this.#earlier.received += this.#received
    this.#ssrc = ssrc
    this.#baseSequence = this.#maxSequence = sequence
    this.#badSequence = -1
    this.#cycles = this.#received = this.#expectedPrior = this.#receivedPrior = 0
    this.#jitter = 0
    this.#lastArrivalMs = Number.NaN
    this.#lastSr = 0
  }

  /** RFC 3550 A.8. Pauses of the peer (silence, hold) and the packets of one event, which share a timestamp, do not count as jitter. */
  #measureJitter(timestamp: number, nowMs: number): void {
    if (timestamp === this.#lastTimestamp && !Number.isNaN(this.#lastArrivalMs)) return
    const arrival = ((nowMs - this.#lastArrivalMs) * this.#clockRate) / 1000
    const difference = Math.abs(arrival - timestampDelta(timestamp, this.#lastTimestamp))
    this.#lastTimestamp = timestamp
    this.#lastArrivalMs = nowMs
    if (Number.isNaN(difference) || difference > this.#clockRate * 2) return
    this.#jitter += (difference - this.#jitter) / 16
    if (this.#jitter > this.#maxJitter) this.#maxJitter = this.#jitter
  }

  receiveSenderReport(sender: SenderInfo, nowMs: number): void {
    this.#lastSr = ntpMiddle(sender)
    this.#lastSrAtMs = nowMs
  }

  /** RFC 3550 A.3 and 6.4.1; null before the first packet. Loss is counted from one report to the next. */
  report(nowMs: number): ReportBlock | null {
    if (this.#ssrc === undefined) return null
    const expected = this.#expected
    const expectedNow = expected - this.#expectedPrior
    const lostNow = expectedNow - (this.#received - this.#receivedPrior)
    this.#expectedPrior = expected
    this.#receivedPrior = this.#received
    return {
      ssrc: this.#ssrc,
      fractionLost: expectedNow <= 0 || lostNow <= 0 ? 0 : Math.min(255, Math.floor((lostNow * 256) / expectedNow)),
      cumulativeLost: Math.max(-0x800000, Math.min(0x7fffff, expected - this.#received)),
      extendedHighestSequence: (this.#cycles + this.#maxSequence) >>> 0,
      jitter: Math.round(this.#jitter),
      lastSr: this.#lastSr,
      delaySinceLastSr: this.#lastSr === 0 ? 0 : Math.round((nowMs - this.#lastSrAtMs) * 65.536) >>> 0,
    }
  }

  get #expected(): number {
    return this.#ssrc === undefined ? 0 : this.#cycles + this.#maxSequence - this.#baseSequence + 1
  }

  get packetsReceived(): number {
    return this.#streamReceived + this.#aside
  }

  get #streamReceived(): number {
    return this.#earlier.received + this.#received
  }

  /** Never negative: duplicates do not compensate for lost packets here. */
  get packetsLost(): number {
    return Math.max(0, this.#earlier.expected + this.#expected - this.#streamReceived)
  }

  get lossPercent(): number {
    return this.lossPercentWith(0)
  }

  /** The loss if `useless` of the received packets count as lost too. */
  lossPercentWith(useless: number): number {
    const expected = this.#earlier.expected + this.#expected
    return expected === 0 ? 0 : Math.min(100, ((this.packetsLost + useless) / expected) * 100)
  }

  get jitterMs(): number {
    return (this.#jitter * 1000) / this.#clockRate
  }

  get maxJitterMs(): number {
    return (this.#maxJitter * 1000) / this.#clockRate
  }
}
