import { addTimestamp, nextSequence, sequenceDelta, timestampDelta } from './sequence.js'

/** Enough for the largest delay in packets of 5 ms, and a burst after it. */
const SLOTS = 64
/** RFC 3551 4.2: a receiver accepts packets of up to 200 ms; of G.711 those are 1,600 octets. */
export const MAX_PAYLOAD_OCTETS = 1600
/** A larger step back is a restart of the numbering, not a late packet. */
const MAX_LATE_PACKETS = 128
const MAX_EARLY_REORDER = 16
/** With more waiting sound than this, the peer's timestamps have jumped. */
const MAX_WAITING_MS = 1920

const MIN_DELAY_MS = 40
const MAX_DELAY_MS = 200
const STEP_MS = 20
/** After this time without packets the next packet starts again, with a new cushion. */
const PAUSE_MS = 200
/** The delay falls by one step per window without a late packet. */
const WINDOW_MS = 3000

const EMPTY = -1
const NOTHING = new Uint8Array(0)

/** `waiting`: playing has not begun; `lost`: conceal; `silence`: the peer pauses on purpose; `empty`: no packet came in time. */
export type Pulled = 'waiting' | 'packet' | 'lost' | 'silence' | 'empty'

/**
 * Sorts packets and compensates jitter. Playing follows the peer's timestamps. A packet that comes too late makes the delay grow;
 * packets are dropped in quiet moments when the cushion is larger than needed.
 * Packets are not copied: the caller must not change them after `put`. After `pull` has returned `packet`, the payload is in
 * `packet` from `payloadStart`.
 */
export class JitterBuffer {
  packet: Uint8Array = NOTHING
  payloadStart = 0
  payloadOctets = 0
  payloadType = 0

  readonly #samplesPerMs: number
  readonly #sequences = new Int32Array(SLOTS).fill(EMPTY)
  /** The last accepted number of each slot, also after its packet was played: tells duplicates from late packets. */
  readonly #received = new Int32Array(SLOTS).fill(EMPTY)
  readonly #timestamps = new Uint32Array(SLOTS)
  readonly #samples = new Uint16Array(SLOTS)
  readonly #octets = new Uint16Array(SLOTS)
  readonly #starts = new Uint16Array(SLOTS)
  readonly #packets: Uint8Array[] = Array.from({ length: SLOTS }, () => NOTHING)
  readonly #types = new Uint8Array(SLOTS)
  readonly #arrivals = new Float64Array(SLOTS)

  #state: 'idle' | 'filling' | 'playing' = 'idle'
  #fillingSinceMs = 0
  #nextSequence = 0
  #playTimestamp = 0
  #endTimestamp = 0
  #emptyMs = 0
  #targetMs = MIN_DELAY_MS
  #windowEndsMs = 0
  #windowMinMs = Number.POSITIVE_INFINITY
  #excessMs = 0
  #owedMs = 0
  #discarded = 0
  /** Length of the last packet with sound, at least one step. */
  #packetMs = STEP_MS

  constructor(init: { clockRate: number }) {
    this.#samplesPerMs = init.clockRate / 1000
  }

  /** Target delay of the buffer, a part of the mouth-to-ear delay. */
  get targetMs(): number {
    return this.#targetMs
  }

  /** RFC 3611 4.7.1: packets that were received but not played, because they were too late or too early, or to reduce the delay. Without duplicates. */
  get discardedPackets(): number {
    return this.#discarded
  }

  /** Drops all packets, for example when the source changes; the measured delay stays. */
  reset(): void {
    this.#clear()
    this.#state = 'idle'
    this.#emptyMs = 0
  }

  #clear(): void {
    for (let slot = 0; slot < SLOTS; slot++) if (this.#holdsSound(slot)) this.#discarded++
    this.#sequences.fill(EMPTY)
    this.#received.fill(EMPTY)
    this.#packets.fill(NOTHING)
    this.packet = NOTHING
  }

  #holdsSound(slot: number): boolean {
    return this.#sequences[slot] !== EMPTY && this.#samples[slot] !== 0
  }

  /** `samples` 0 marks a packet that took a sequence number but holds no sound: telephone-event, comfort noise. */
  put(
    sequence: number,
    timestamp: number,
    payloadType: number,
    samples: number,
    packet: Uint8Array,
    start: number,
    end: number,
    nowMs: number,
  ): void {
    if (samples === 0 && !this.#isExpected(sequence)) return
    const slot = sequence % SLOTS
    if (this.#received[slot] === sequence && this.#timestamps[slot] === timestamp) return
    if (end - start > MAX_PAYLOAD_OCTETS || !this.#makeRoom(sequence, timestamp, nowMs)) {
      this.#discarded++
      return
    }
    this.#received[slot] = sequence
    this.#sequences[slot] = sequence
    this.#timestamps[slot] = timestamp
    this.#samples[slot] = samples
    this.#octets[slot] = end - start
    this.#types[slot] = payloadType
    this.#arrivals[slot] = nowMs
    if (samples === 0) return
    this.#packetMs = Math.max(STEP_MS, samples / this.#samplesPerMs)
    this.#packets[slot] = packet
    this.#starts[slot] = start
    const endTimestamp = addTimestamp(timestamp, samples)
    if (timestampDelta(endTimestamp, this.#endTimestamp) > 0) this.#endTimestamp = endTimestamp
  }

  /** Packets without sound neither increase the delay nor restart the numbering: events of some peers have their own numbers. */
  #isExpected(sequence: number): boolean {
    const ahead = sequenceDelta(sequence, this.#nextSequence)
    return this.#state === 'idle' || (ahead >= 0 && ahead < SLOTS)
  }

  /** Whether the packet comes in time; a large jump of the numbering empties the buffer first. */
  #makeRoom(sequence: number, timestamp: number, nowMs: number): boolean {
    const ahead = sequenceDelta(sequence, this.#nextSequence)
    if (this.#state === 'idle' || ahead >= SLOTS || ahead < -MAX_LATE_PACKETS) {
      this.#start(sequence, timestamp, nowMs)
      return true
    }
    if (ahead < 0) {
      if (this.#state === 'playing' || ahead <= -MAX_EARLY_REORDER) {
        this.#raiseTarget(timestamp, nowMs)
        return false
      }
      // The packet was reordered before playing began.
      this.#nextSequence = sequence
      this.#playTimestamp = timestamp
    }
    return true
  }

  #start(sequence: number, timestamp: number, nowMs: number): void {
    this.#clear()
    this.#state = 'filling'
    this.#fillingSinceMs = nowMs
    this.#nextSequence = sequence
    this.#playTimestamp = this.#endTimestamp = timestamp
    this.#emptyMs = this.#owedMs = this.#excessMs = 0
    this.#restartWindow(nowMs)
  }

  /** The next sound, or why there is none; without a packet, time advances by `samples`. `quiet`: the last sound was silence. */
  pull(nowMs: number, samples: number, quiet: boolean): Pulled {
    if (this.#state === 'idle') return 'waiting'
    if (this.#state === 'filling') {
      if (nowMs - this.#fillingSinceMs < this.#targetMs) return 'waiting'
      this.#state = 'playing'
    }
    this.#trim(nowMs, quiet)
    if (this.#stretches(samples, quiet)) return quiet ? 'silence' : 'lost'
    const slot = this.#headSlot()
    if (slot === EMPTY) return this.#pullNothing(nowMs, samples)
    this.#emptyMs = 0
    if (!this.#isDue(slot, nowMs)) {
      // A timestamp gap without a sequence gap is silence (DTX, RFC 3551 4.1), not loss.
      const lost = this.#sequences[slot] !== this.#nextSequence
      this.#playTimestamp = addTimestamp(this.#playTimestamp, samples)
      return lost ? 'lost' : 'silence'
    }
    this.#take(slot)
    return 'packet'
  }

  #pullNothing(nowMs: number, samples: number): Pulled {
    this.#playTimestamp = addTimestamp(this.#playTimestamp, samples)
    this.#emptyMs += samples / this.#samplesPerMs
    if (this.#emptyMs >= PAUSE_MS + this.#packetMs - STEP_MS) this.reset()
    else this.#restartWindow(nowMs)
    return 'empty'
  }

  /** Skips packets without sound and returns the first with sound, or EMPTY. */
  #headSlot(): number {
    for (let ahead = 0, sequence = this.#nextSequence; ahead < SLOTS; ahead++, sequence = nextSequence(sequence)) {
      const slot = sequence % SLOTS
      if (this.#sequences[slot] !== sequence) continue
      if (this.#samples[slot] !== 0) return slot
      if (sequence === this.#nextSequence) {
        this.#sequences[slot] = EMPTY
        this.#nextSequence = nextSequence(sequence)
      }
    }
    return EMPTY
  }

  /** True at its time, or after such a long wait that its timestamp must be wrong (the peer changed its clock). */
  #isDue(slot: number, nowMs: number): boolean {
    if (timestampDelta(this.#timestamps[slot] ?? 0, this.#playTimestamp) <= 0) return true
    return nowMs - (this.#arrivals[slot] ?? 0) > MAX_DELAY_MS + STEP_MS
  }

  #take(slot: number): void {
    this.packet = this.#packets[slot] ?? NOTHING
    this.payloadStart = this.#starts[slot] ?? 0
    this.payloadOctets = this.#octets[slot] ?? 0
    this.payloadType = this.#types[slot] ?? 0
    this.#playTimestamp = addTimestamp(this.#timestamps[slot] ?? 0, this.#samples[slot] ?? 0)
    // Timestamps that jumped back must not look like an overfull buffer.
    if (this.#cushionMs > MAX_WAITING_MS) this.#endTimestamp = this.#playTimestamp
    this.#nextSequence = nextSequence(this.#sequences[slot] ?? 0)
    this.#sequences[slot] = EMPTY
    this.#packets[slot] = NOTHING
  }

  get #cushionMs(): number {
    return timestampDelta(this.#endTimestamp, this.#playTimestamp) / this.#samplesPerMs
  }

  /** Reduces the delay slowly: if the smallest cushion of a window was not needed, drops one packet, preferably in a quiet moment. */
  #trim(nowMs: number, quiet: boolean): void {
    const packetMs = this.#packetMs
    // The next packet counts as one step, whatever its length.
    const cushionMs = this.#cushionMs - packetMs + STEP_MS
    if (cushionMs > MAX_DELAY_MS + 2 * STEP_MS) {
      while (this.#cushionMs - packetMs > this.#targetMs && this.#dropHead());
      this.#restartWindow(nowMs)
      return
    }
    this.#windowMinMs = Math.min(this.#windowMinMs, cushionMs)
    if (nowMs >= this.#windowEndsMs) {
      this.#excessMs = this.#windowMinMs - this.#targetMs
      if (this.#excessMs >= 0) this.#targetMs = Math.max(MIN_DELAY_MS, this.#targetMs - STEP_MS / 2)
      this.#restartWindow(nowMs)
    }
    if (this.#excessMs >= packetMs && (quiet || this.#excessMs >= packetMs + 2 * STEP_MS) && this.#dropHead()) {
      this.#excessMs = 0
      this.#restartWindow(nowMs)
    }
  }

  #dropHead(): boolean {
    const slot = this.#headSlot()
    if (slot === EMPTY) return false
    this.#take(slot)
    this.#discarded++
    return true
  }

  /** Increases the delay at once after a late packet, by its lateness in whole steps. */
  #raiseTarget(timestamp: number, nowMs: number): void {
    const lateMs = timestampDelta(this.#playTimestamp, timestamp) / this.#samplesPerMs
    const wanted = Math.max(STEP_MS, Math.ceil(lateMs / STEP_MS) * STEP_MS)
    const growth = Math.min(wanted, MAX_DELAY_MS - this.#targetMs)
    this.#targetMs += growth
    this.#owedMs += growth
    this.#restartWindow(nowMs)
  }

  /** Increases the delay by pausing the stream: in a quiet moment, or at once when it is urgent. */
  #stretches(samples: number, quiet: boolean): boolean {
    if (this.#owedMs <= 0 || !(quiet || this.#owedMs > STEP_MS)) return false
    this.#owedMs -= samples / this.#samplesPerMs
    return true
  }

  #restartWindow(nowMs: number): void {
    this.#windowEndsMs = nowMs + WINDOW_MS
    this.#windowMinMs = Number.POSITIVE_INFINITY
  }
}
