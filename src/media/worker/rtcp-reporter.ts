import type { ReceiverStatistics } from '../rtp/receiver-statistics.js'
import { buildRtcp, ntpTime, parseRtcp, type ReportBlock, roundTripMs } from '../rtp/rtcp-packet.js'
import type { RtpSender } from './rtp-sender.js'

export interface ReporterInit {
  /** RFC 3550 6.2: 5 s between reports on average. */
  intervalMs: number
  newCname: () => string
  /** From 0 to 1. */
  random: () => number
}

/** RFC 3550 6.3.1: timer reconsideration would shorten the interval by this much. */
const COMPENSATION = Math.E - 1.5

/** RTCP of one call: the times of our reports, their content, and the peer's reports about our stream. */
export class RtcpReporter {
  roundTripMs: number | null = null
  remoteLossPercent: number | null = null

  readonly #sender: RtpSender
  readonly #statistics: ReceiverStatistics
  readonly #init: ReporterInit
  #nextMs = Number.POSITIVE_INFINITY
  #packetsAtLast = 0
  #reports = 0
  #cname: string | undefined

  constructor(deps: { sender: RtpSender; statistics: ReceiverStatistics }, init: ReporterInit) {
    this.#sender = deps.sender
    this.#statistics = deps.statistics
    this.#init = init
  }

  /** RFC 3550 6.2: the first report after half of an interval. */
  start(nowMs: number): void {
    if (this.#nextMs === Number.POSITIVE_INFINITY) this.#nextMs = nowMs + this.#randomInterval() / 2
  }

  /** 0.5 to 1.5 times the interval, so that reports of many calls do not fall together. */
  #randomInterval(): number {
    return (this.#init.intervalMs * (0.5 + this.#init.random())) / COMPENSATION
  }

  isDue(nowMs: number): boolean {
    return nowMs >= this.#nextMs
  }

  /** RFC 3550 6.4: a sender report if we have sent since the last one, else a receiver report. */
  build(nowMs: number, wallMs: number): Uint8Array {
    this.#nextMs = nowMs + this.#randomInterval()
    this.#reports++
    const compound = this.#compound(nowMs, wallMs, false)
    this.#packetsAtLast = this.#sender.packetsSent
    return compound
  }

  /** RFC 3550 6.3.7: BYE is sent only after at least one packet was sent. */
  buildBye(nowMs: number, wallMs: number): Uint8Array | undefined {
    if (this.#reports === 0 && this.#sender.packetsSent === 0) return undefined
    return this.#compound(nowMs, wallMs, true)
  }

  #compound(nowMs: number, wallMs: number, bye: boolean): Uint8Array {
    const sender = this.#sender
    const block = this.#statistics.report(nowMs)
    this.#cname ??= this.#init.newCname()
    const info = {
      rtpTimestamp: sender.timestamp,
      packets: sender.packetsSent,
      octets: sender.octetsSent,
      ...ntpTime(wallMs),
    }
    return buildRtcp({
      ssrc: sender.ssrc,
      cname: this.#cname,
      blocks: block ? [block] : [],
      bye,
      ...(sender.packetsSent > this.#packetsAtLast ? { sender: info } : {}),
    })
  }

  /** Whether the packet was RTCP of the peer; `admit` decides by the SSRC of the sender. */
  receive(bytes: Uint8Array, nowMs: number, wallMs: number, admit: (ssrc: number) => boolean): boolean {
    const packets = parseRtcp(bytes)
    const first = packets?.[0]
    if (!packets || !first || !('ssrc' in first) || !admit(first.ssrc)) return false
    for (const packet of packets) {
      if (packet.type === 'sender-report') this.#statistics.receiveSenderReport(packet.sender, nowMs)
      if ('blocks' in packet) for (const block of packet.blocks) this.#learn(block, wallMs)
    }
    return true
  }

  #learn(block: ReportBlock, wallMs: number): void {
    if (block.ssrc !== this.#sender.ssrc) return
    this.roundTripMs = roundTripMs(block, wallMs) ?? this.roundTripMs
    const sent = this.#sender.packetsSent
    if (sent > 0) this.remoteLossPercent = Math.min(100, (Math.max(0, block.cumulativeLost) / sent) * 100)
  }
}
