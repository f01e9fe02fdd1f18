import type { Clock } from '../../base/clock.js'
import type { PacketTap } from './packet-tap.js'
import type { PortPair, PortUser } from './port-pair.js'
import type { RtcpReporter } from './rtcp-reporter.js'
import type { RtpReceiver } from './rtp-receiver.js'

/** Placeholders for an unknown or withheld address: nothing is sent to them. */
const UNSPECIFIED_HOSTS = new Set(['0.0.0.0', '::'])

export interface MediaTransportDeps {
  clock: Clock
  receiver: RtpReceiver
  rtcp: RtcpReporter
  /** Reports an exception or a failed socket: the call cannot continue. */
  onFailed: (reason: string) => void
}

/** The packets of one call between its ports and its parts. The receiver's source guard knows where they go. */
export class MediaTransport implements PortUser {
  /** Copies the packets while a trace is on. */
  tap: PacketTap | undefined
  readonly #deps: MediaTransportDeps
  #pair: PortPair

  constructor(deps: MediaTransportDeps, pair: PortPair) {
    this.#deps = deps
    this.#pair = pair
    pair.user = this
  }

  /** Uses other ports; returns the earlier ones. */
  moveTo(pair: PortPair): PortPair {
    const earlier = this.close()
    this.#pair = pair
    pair.user = this
    return earlier
  }

  /** No packet comes any more; returns the ports. */
  close(): PortPair {
    this.#pair.user = undefined
    return this.#pair
  }

  /** Whether there is an address to send sound to. */
  get reachable(): boolean {
    return !UNSPECIFIED_HOSTS.has(this.#deps.receiver.guard?.target.host ?? '')
  }

  sendRtp(packet: Uint8Array): void {
    const target = this.#deps.receiver.guard?.target
    if (!target) return
    this.tap?.copy('rtp', 'out', target.host, target.port, packet)
    this.#pair.sendRtp(packet, target.host, target.port)
  }

  sendRtcp(packet: Uint8Array, sent?: () => void): void {
    const target = this.#deps.receiver.guard?.rtcpTarget
    if (!target || UNSPECIFIED_HOSTS.has(target.host)) return
    this.tap?.copy('rtcp', 'out', target.host, target.port, packet)
    this.#pair.sendRtcp(packet, target.host, target.port, sent)
  }

  /** Never throws, and a failure does not count against the ports: a call that cannot send can still end. */
  sendGoodbye(packet: Uint8Array): void {
    try {
      this.sendRtcp(packet, () => undefined)
    } catch {
      // The address in SDP cannot be sent to, for example because of its port.
    }
  }

  /** A fault in the processing of a packet ends only its call, never the worker. */
  receiveRtp(packet: Uint8Array, host: string, port: number): void {
    this.tap?.copy('rtp', 'in', host, port, packet)
    try {
      this.#deps.receiver.receive(packet, host, port, this.#deps.clock.now())
    } catch (error) {
      this.#failed(error)
    }
  }

  receiveRtcp(packet: Uint8Array, host: string, port: number): void {
    this.tap?.copy('rtcp', 'in', host, port, packet)
    const { clock, receiver, rtcp } = this.#deps
    const { guard } = receiver
    // Before offer and answer the peer's address is not known.
    if (!guard) return
    try {
      const nowMs = clock.now()
      const isPeers = rtcp.receive(packet, nowMs, clock.wall(), (ssrc) => guard.admitRtcp(host, port, ssrc))
      if (isPeers) receiver.lastHeardMs = nowMs
    } catch (error) {
      this.#failed(error)
    }
  }

  socketFailed(reason: string): void {
    this.#deps.onFailed(reason)
  }

  #failed(error: unknown): void {
    this.#deps.onFailed(error instanceof Error ? (error.stack ?? error.message) : String(error))
  }
}
