import { nextSequence } from './sequence.js'
import type { Tally } from './tally.js'

export interface SourceAddress {
  host: string
  port: number
}

/** `any`: every host. */
export type NatHosts = readonly string[] | 'any'

/** The source of the peer's media by signalling. */
export interface SignalledSource extends SourceAddress {
  rtcpPort: number
  /** Hosts whose ports may replace the address in SDP: signalling shows a NAT, or the settings allow it. */
  natHosts?: NatHosts
}

/** A source that replaces the address in SDP must send this many packets in sequence … */
const PROBATION_PACKETS = 4
/** … within this time, in which the address in SDP sends nothing … */
const PROBATION_MS = 200
/** … and no other source of these hosts does the same: one of two must be a forger. */
const RIVAL_MS = 1000
/** A second of sound. */
const SUSPECT_PACKETS = 50
/** A NAT may remove its binding: after this much silence the same stream may come from another port. */
const RELATCH_SILENCE_MS = 3000

interface Candidate extends SourceAddress {
  ssrc: number
  sequence: number
  packets: number
  sinceMs: number
  lastMs: number
}

/**
 * Decides which packets are accepted and where ours are sent (RFC 7362; changing the target with every packet is the "RTP bleed" hole).
 * The address in SDP is accepted at once and permanently, because it comes from signalling. Another source is accepted only if signalling
 * shows that SDP cannot be right: docs/adr/0006-whose-media-is-heard.md. Nothing is accepted from or sent to any other address.
 */
export class SourceGuard {
  readonly #sdp: SignalledSource
  readonly #strangers: Tally | undefined
  #natHosts: NatHosts
  /** The source that replaces the address in SDP. */
  #standIn: SourceAddress | undefined
  #standInRtcpPort: number | undefined
  /** A packet from the address in SDP has come: no other source can replace it. */
  #sdpProven = false
  #ssrc = 0
  #candidate: Candidate | undefined
  #rivalMs = Number.NEGATIVE_INFINITY
  #lastHeardMs = Number.NEGATIVE_INFINITY
  #dropped = 0
  #refused: SourceAddress & { packets: number } = { host: '', port: 0, packets: 0 }

  /** `strangers` counts the rejected RTP packets by source. */
  constructor(sdp: SignalledSource, strangers?: Tally) {
    this.#sdp = sdp
    this.#strangers = strangers
    this.#natHosts = sdp.natHosts ?? []
  }

  /** Updates the hosts: signalling may show a NAT later than the address. */
  followNat(hosts: NatHosts): void {
    this.#natHosts = hosts
  }

  /** Destination of our packets: the replacing source (symmetric RTP, RFC 4961), else the address in SDP. */
  get target(): SourceAddress {
    return this.#standIn ?? this.#sdp
  }

  /** Destination of our RTCP: the address in SDP until the replacing source has sent RTCP. */
  get rtcpTarget(): SourceAddress {
    if (this.#standIn && this.#standInRtcpPort !== undefined) {
      return { host: this.#standIn.host, port: this.#standInRtcpPort }
    }
    return { host: this.#sdp.host, port: this.#sdp.rtcpPort }
  }

  /** For the log: the peer's host sends from a port that is not in SDP, and nothing else was heard. Probably the peer. */
  get suspect(): SourceAddress | undefined {
    return this.#sdpProven || this.#standIn || this.#refused.packets < SUSPECT_PACKETS ? undefined : this.#refused
  }

  get dropped(): number {
    return this.#dropped
  }

  /** Whether this RTP packet is accepted as the peer's. */
  admit(host: string, port: number, ssrc: number, sequence: number, nowMs: number): boolean {
    if (port === this.#sdp.port && host === this.#sdp.host) this.#prove()
    else if (this.#sdpProven || !this.#mayStandIn(host)) return this.#refuse(host, port)
    else if (this.#standIn?.port !== port || this.#standIn.host !== host) {
      if (!this.#passes(host, port, ssrc, sequence, nowMs)) return this.#dropFrom(host, port)
      this.#standIn = { host, port }
      this.#standInRtcpPort = undefined
    }
    this.#ssrc = ssrc
    this.#lastHeardMs = nowMs
    return true
  }

  #mayStandIn(host: string): boolean {
    return this.#natHosts === 'any' || this.#natHosts.includes(host)
  }

  #refuse(host: string, port: number): boolean {
    const refused = this.#refused
    if (refused.host !== host || refused.port !== port) this.#refused = { host, port, packets: 1 }
    else refused.packets++
    return this.#dropFrom(host, port)
  }

  #prove(): void {
    this.#sdpProven = true
    this.#standIn = this.#candidate = undefined
  }

  #passes(host: string, port: number, ssrc: number, sequence: number, nowMs: number): boolean {
    if (this.#standIn && (nowMs - this.#lastHeardMs < RELATCH_SILENCE_MS || ssrc !== this.#ssrc)) return false
    const c = this.#candidate
    if (c && (c.port !== port || c.host !== host) && nowMs - c.lastMs < RIVAL_MS) {
      this.#rivalMs = nowMs
      return false
    }
    if (!c || c.port !== port || c.host !== host || c.ssrc !== ssrc || nextSequence(c.sequence) !== sequence) {
      this.#candidate = { host, port, ssrc, sequence, packets: 1, sinceMs: nowMs, lastMs: nowMs }
      return false
    }
    c.sequence = sequence
    c.lastMs = nowMs
    if (++c.packets < PROBATION_PACKETS || nowMs - c.sinceMs < PROBATION_MS) return false
    if (nowMs - this.#rivalMs < RIVAL_MS) return false
    this.#candidate = undefined
    return true
  }

  /** Whether this RTCP packet is accepted: from the port in SDP, or from the replacing host with the SSRC of the accepted stream. */
  admitRtcp(host: string, port: number, ssrc: number): boolean {
    if (port === this.#sdp.rtcpPort && host === this.#sdp.host) {
      this.#prove()
      return true
    }
    if (this.#standIn?.host !== host || ssrc !== this.#ssrc) return this.#drop()
    this.#standInRtcpPort = port
    return true
  }

  #dropFrom(host: string, port: number): boolean {
    this.#strangers?.add(host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`)
    return this.#drop()
  }

  #drop(): boolean {
    this.#dropped++
    return false
  }
}
