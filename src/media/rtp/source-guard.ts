import { nextSequence } from './sequence.js'
import type { Tally } from './tally.js'

export interface SourceAddress {
  host: string
  port: number
}

/** `any`: every host. */
export type NatHosts = readonly string[] | 'any'

/** What signalling says of the peer's media. */
export interface SignalledSource extends SourceAddress {
  rtcpPort: number
  /** Hosts of which any port may stand in for the address in SDP: a NAT was seen in front of the peer, or the owner has said so. */
  natHosts?: NatHosts
}

/** A source that stands in has to show that many packets in sequence … */
const PROBATION_PACKETS = 4
/** … over so long, in which the address in SDP says nothing … */
const PROBATION_MS = 200
/** … and no other source of these hosts tries the same: of two, one is a forger. */
const RIVAL_MS = 1000
/** A second of sound. */
const SUSPECT_PACKETS = 50
/** A NAT may forget its binding: after so long a silence the same stream may come from another port. */
const RELATCH_SILENCE_MS = 3000

interface Candidate extends SourceAddress {
  ssrc: number
  sequence: number
  packets: number
  sinceMs: number
  lastMs: number
}

/**
 * Decides whose packets are heard and where ours go (RFC 7362; retargeting on every packet is the "RTP bleed" hole). The address in SDP is
 * heard at once and for good: signalling vouches for it. Another one only where signalling shows that SDP cannot be right, see
 * docs/adr/0006-whose-media-is-heard.md. Nobody else is heard, and nothing is sent to anybody else.
 */
export class SourceGuard {
  readonly #sdp: SignalledSource
  readonly #strangers: Tally | undefined
  #natHosts: NatHosts
  /** Who stands in for the address in SDP. */
  #standIn: SourceAddress | undefined
  #standInRtcpPort: number | undefined
  /** A packet of the address in SDP has come: it is the peer's, and nobody can stand in for it. */
  #sdpProven = false
  #ssrc = 0
  #candidate: Candidate | undefined
  #rivalMs = Number.NEGATIVE_INFINITY
  #lastHeardMs = Number.NEGATIVE_INFINITY
  #dropped = 0
  #refused: SourceAddress & { packets: number } = { host: '', port: 0, packets: 0 }

  /** `strangers` counts the RTP packets that are not heard, by their source. */
  constructor(sdp: SignalledSource, strangers?: Tally) {
    this.#sdp = sdp
    this.#strangers = strangers
    this.#natHosts = sdp.natHosts ?? []
  }

  /** Signalling may show a NAT later than the address. */
  followNat(hosts: NatHosts): void {
    this.#natHosts = hosts
  }

  /** Where our packets go: to who stands in (symmetric RTP, RFC 4961), else to the address in SDP. */
  get target(): SourceAddress {
    return this.#standIn ?? this.#sdp
  }

  /** The RTCP of who stands in is not known before it was heard: until then ours goes where SDP says. */
  get rtcpTarget(): SourceAddress {
    if (this.#standIn && this.#standInRtcpPort !== undefined) {
      return { host: this.#standIn.host, port: this.#standInRtcpPort }
    }
    return { host: this.#sdp.host, port: this.#sdp.rtcpPort }
  }

  /** Nothing was heard yet, and the peer's host sends from a port that it did not tell: for the log, it may well be the peer. */
  get suspect(): SourceAddress | undefined {
    return this.#sdpProven || this.#standIn || this.#refused.packets < SUSPECT_PACKETS ? undefined : this.#refused
  }

  get dropped(): number {
    return this.#dropped
  }

  /** Whether this RTP packet is the peer's. */
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

  /** Whether this RTCP packet is the peer's: from the port in SDP, or from the host that stands in and by the stream that is heard. */
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
