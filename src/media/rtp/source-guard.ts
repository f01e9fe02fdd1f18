import { nextSequence } from './sequence.js'

export interface SourceAddress {
  host: string
  port: number
}

/** A source behind NAT has to show that many packets in sequence before it is believed. */
const PROBATION_PACKETS = 4
/** A source found by probation that is silent for so long may come back from another port (a NAT that forgot it). */
const RELATCH_SILENCE_MS = 3000

interface Candidate {
  port: number
  ssrc: number
  sequence: number
  packets: number
}

/**
 * Decides whose packets are heard and where ours go (RFC 7362; retargeting on every packet is the "RTP bleed" hole).
 * The address in SDP locks at once and for good: signalling vouches for it. Its host with another port has to pass a probation,
 * and yields to the address in SDP only. Nobody else is heard.
 */
export class SourceGuard {
  readonly #sdp: SourceAddress
  #locked: SourceAddress | undefined
  #lockedSsrc = 0
  #candidate: Candidate | undefined
  #lastHeardMs = Number.NEGATIVE_INFINITY
  #dropped = 0

  constructor(sdp: SourceAddress) {
    this.#sdp = sdp
  }

  /** Where our packets go: the locked source (symmetric RTP, RFC 4961), before it the address in SDP. */
  get target(): SourceAddress {
    return this.#locked ?? this.#sdp
  }

  get dropped(): number {
    return this.#dropped
  }

  /** Whether this RTP packet is the peer's. */
  admit(host: string, port: number, ssrc: number, sequence: number, nowMs: number): boolean {
    const locked = this.#locked
    if (locked && locked.port === port && locked.host === host) return this.#heard(ssrc, nowMs)
    if (host !== this.#sdp.host) return this.#drop()
    if (port === this.#sdp.port || this.#mayFollow(port, ssrc, sequence, nowMs)) {
      this.#locked = { host, port }
      this.#candidate = undefined
      return this.#heard(ssrc, nowMs)
    }
    return this.#drop()
  }

  #mayFollow(port: number, ssrc: number, sequence: number, nowMs: number): boolean {
    if (this.#locked) {
      if (this.#locked.port === this.#sdp.port) return false
      if (nowMs - this.#lastHeardMs < RELATCH_SILENCE_MS || ssrc !== this.#lockedSsrc) return false
    }
    const c = this.#candidate
    if (c?.port === port && c.ssrc === ssrc && nextSequence(c.sequence) === sequence) {
      c.sequence = sequence
      return ++c.packets >= PROBATION_PACKETS
    }
    this.#candidate = { port, ssrc, sequence, packets: 1 }
    return false
  }

  #heard(ssrc: number, nowMs: number): boolean {
    this.#lastHeardMs = nowMs
    this.#lockedSsrc = ssrc
    return true
  }

  #drop(): boolean {
    this.#dropped++
    return false
  }

  /** Whether this RTCP packet is the peer's: from the port in SDP, or from the peer's host and by the source that is locked. */
  admitRtcp(host: string, port: number, ssrc: number, sdpRtcpPort: number): boolean {
    if (host === this.#sdp.host && (port === sdpRtcpPort || (this.#locked && ssrc === this.#lockedSsrc))) return true
    return this.#drop()
  }
}
