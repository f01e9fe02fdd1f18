import type { Socket } from 'node:dgram'
import { isIP } from 'node:net'
import type { Clock } from '../../base/clock.js'
import { TelephonyError } from '../../base/errors.js'
import { g711 } from '../codec/g711.js'
import { isDigitString, MAX_TONE_MS } from '../dtmf/dtmf-sender.js'
import type {
  Direction,
  MediaConnect,
  MediaEvents,
  MediaPlay,
  MediaRecord,
  MediaStats,
  RecordResult,
} from '../protocol.js'
import { emptyRtpView } from '../rtp/rtp-packet.js'
import { statsOf } from './call-stats.js'
import { INTERVALS_MS, type Paced, type Pacer } from './pacer.js'
import { Playback } from './playback.js'
import { Recordings } from './recordings.js'
import { type ReporterInit, RtcpReporter } from './rtcp-reporter.js'
import { RtpReceiver } from './rtp-receiver.js'
import { RtpSender } from './rtp-sender.js'
import type { PortPair, PortPairs } from './socket.js'
import { TroubleWatch } from './trouble-watch.js'

export type Tell = <Name extends keyof MediaEvents>(name: Name, data: MediaEvents[Name]) => void

const DEFAULT_INTERVAL_MS = 20
const SAMPLES_PER_MS = 8
/** Placeholders for an unknown or withheld address: nothing is sent to them. */
const NOWHERE = new Set(['0.0.0.0', '::'])

const isReceiving = (direction: Direction): boolean => direction === 'sendrecv' || direction === 'recvonly'

/** Limits the recorded silence after a sleep of the machine. */
const MAX_HEARD_AFTER_STALL = 250

/** Shared by all calls of the worker, so that no memory is allocated per packet. */
const view = emptyRtpView()
const frame = new Int16Array(Math.max(...INTERVALS_MS) * SAMPLES_PER_MS)

export interface CallMediaDeps {
  clock: Clock
  pacer: Pacer
  ports: PortPairs
  pair: PortPair
  tell: Tell
  /** Reports an exception or a failed socket: the call cannot continue. */
  onFailed: (reason: string) => void
}

export interface CallMediaInit {
  id: string
  ssrc: number
  sequence: number
  timestamp: number
  rtcp: ReporterInit
}

/** The media of one call in its worker: sender, receiver, RTCP and recorder. The pacer steps it. */
export class CallMedia implements Paced {
  readonly #deps: CallMediaDeps
  readonly #id: string
  readonly #sender: RtpSender
  readonly #receiver: RtpReceiver
  readonly #rtcp: RtcpReporter
  #pair: PortPair
  #removeFromPacer: () => void
  #intervalMs = DEFAULT_INTERVAL_MS
  #connected: MediaConnect | undefined
  #timeoutReported = false
  readonly #troubleWatch: TroubleWatch
  /** The negotiated direction has allowed the peer to send at some time. */
  #soundOwed = false
  #echo = false
  readonly #recordings: Recordings
  #closing: Promise<MediaStats> | undefined

  constructor(deps: CallMediaDeps, init: CallMediaInit) {
    this.#deps = deps
    this.#pair = deps.pair
    this.#id = init.id
    const id = init.id
    this.#sender = new RtpSender(
      {
        transmit: (packet) => this.#transmit(packet),
        playEnded: (playId, ended, playedMs) => deps.tell('playEnded', { id, playId, ended, playedMs }),
        digitsSent: (sendId, ended) => deps.tell('digitsSent', { id, sendId, ended }),
      },
      init,
    )
    this.#receiver = new RtpReceiver({
      view,
      events: {
        started: () => deps.tell('started', { id }),
        digit: (digit, durationMs) => deps.tell('digit', { id, digit, durationMs }),
      },
    })
    this.#troubleWatch = new TroubleWatch(this.#receiver, (trouble) => deps.tell('trouble', { id, trouble }))
    this.#recordings = new Recordings({
      ended: (recordId, result, ended) => deps.tell('recordEnded', { id, recordId, result, ended }),
      problem: (message) => deps.tell('warning', { id, message }),
    })
    this.#rtcp = new RtcpReporter({ sender: this.#sender, statistics: this.#receiver.statistics }, init.rtcp)
    this.#listen(deps.pair)
    this.#removeFromPacer = deps.pacer.add(this, this.#intervalMs)
  }

  #listen({ rtp, rtcp }: PortPair): void {
    const { clock } = this.#deps
    this.#guarded(rtp, (packet, host, port) => {
      this.#receiver.receive(packet, host, port, clock.now())
    })
    this.#guarded(rtcp, (packet, host, port) => this.#receiveRtcp(packet, host, port))
  }

  /** A fault in the processing of a packet ends only its call, never the worker. */
  #guarded(socket: Socket, receive: (packet: Uint8Array, host: string, port: number) => void): void {
    // Called about 50 times a second per call, so without a closure per packet.
    socket.on('message', (packet, from) => {
      try {
        receive(packet, from.address, from.port)
      } catch (error) {
        this.#failed(error)
      }
    })
    socket.on('error', (error) => {
      const isLeft = socket !== this.#pair.rtp && socket !== this.#pair.rtcp
      if (!isLeft) this.#deps.onFailed(`socket: ${error.message}`)
    })
  }

  #contain(step: () => void): void {
    try {
      step()
    } catch (error) {
      this.#failed(error)
    }
  }

  #failed(error: unknown): void {
    this.#deps.onFailed(error instanceof Error ? (error.stack ?? error.message) : String(error))
  }

  #receiveRtcp(packet: Uint8Array, host: string, port: number): void {
    const guard = this.#receiver.guard
    if (!guard || !this.#connected) return
    const nowMs = this.#deps.clock.now()
    const heard = this.#rtcp.receive(packet, nowMs, this.#deps.clock.wall(), (ssrc) =>
      guard.admitRtcp(host, port, ssrc),
    )
    if (heard) this.#receiver.lastHeardMs = nowMs
  }

  #transmit(packet: Uint8Array): void {
    const target = this.#receiver.guard?.target
    if (target) this.#pair.rtp.send(packet, target.port, target.host)
  }

  #transmitRtcp(packet: Uint8Array, sent?: () => void): void {
    const target = this.#receiver.guard?.rtcpTarget
    if (!target || NOWHERE.has(target.host)) sent?.()
    else this.#pair.rtcp.send(packet, target.port, target.host, sent && (() => sent()))
  }

  tick(nowMs: number, lateMs: number): void {
    try {
      this.#hear(nowMs)
      if (!this.#connected) return
      this.#sender.reachable = !NOWHERE.has(this.#receiver.guard?.target.host ?? '')
      this.#sender.tick(lateMs, this.#echo ? frame : undefined)
      if (this.#rtcp.isDue(nowMs)) this.#report(nowMs)
      this.#watchSilence(nowMs, this.#connected)
      this.#troubleWatch.check(nowMs)
    } catch (error) {
      this.#failed(error)
    }
  }

  #report(nowMs: number): void {
    this.#transmitRtcp(this.#rtcp.build(nowMs, this.#deps.clock.wall()))
  }

  /** Received sound of this time is still processed, so that recordings keep their length; nothing is sent. */
  skip(intervals: number, nowMs: number): void {
    this.#contain(() => {
      for (let i = 0; i < Math.min(intervals, MAX_HEARD_AFTER_STALL); i++) this.#hear(nowMs)
      // The peer's packets of this time are still in the socket, so the time does not count as its silence.
      this.#receiver.lastHeardMs = Math.min(nowMs, this.#receiver.lastHeardMs + intervals * this.#intervalMs)
      if (this.#connected) this.#sender.skip(intervals)
    })
  }

  #hear(nowMs: number): void {
    const samples = this.#intervalMs * SAMPLES_PER_MS
    const recorded = this.#recordings.size > 0
    this.#receiver.pull(frame, samples, nowMs, recorded || this.#echo)
    if (recorded) this.#recordings.write(frame, samples)
  }

  #watchSilence(nowMs: number, { direction, timeoutMs }: MediaConnect): void {
    const silentMs = nowMs - this.#receiver.lastHeardMs
    if (silentMs < timeoutMs) this.#timeoutReported = false
    else if (timeoutMs > 0 && !this.#timeoutReported && isReceiving(direction)) {
      this.#timeoutReported = true
      this.#deps.tell('timeout', { id: this.#id, silentMs: Math.round(silentMs) })
    }
  }

  connect(to: MediaConnect): void {
    if (isIP(to.remote.host) === 0)
      throw new TelephonyError(
        'BAD_ARGUMENT',
        `“${to.remote.host}” is not a valid IP address for media. Use an IPv4 or IPv6 address`,
      )
    const codec = g711(to.codec)
    const nowMs = this.#deps.clock.now()
    const event = to.telephoneEvent
    this.#setInterval(to.ptimeMs)
    this.#receiver.configure({
      codec,
      payloadType: to.payloadType,
      eventTypes: event ? [event.receive, event.send] : [],
      tones: !event,
      remote: { natHosts: to.natHosts ?? [], ...to.remote },
    })
    this.#sender.configure({
      codec,
      payloadType: to.payloadType,
      eventType: event?.send,
      intervalMs: this.#intervalMs,
      sending: to.direction === 'sendrecv' || to.direction === 'sendonly',
    })
    this.#receiver.lastHeardMs = nowMs
    this.#timeoutReported = false
    this.#connected = to
    if (isReceiving(to.direction)) this.#soundOwed = true
    this.#rtcp.start(nowMs)
  }

  /** Changes only the ports: our stream and the accepted source of the peer stay the same. */
  async moveTo(pair: PortPair): Promise<void> {
    const { clock, ports } = this.#deps
    if (this.#closing) {
      await ports.release(pair)
      throw new TelephonyError('CLOSED', 'the call has ended')
    }
    const left = this.#pair
    this.#pair = pair
    this.#listen(pair)
    // During the move no packet could arrive, so the time does not count as the peer's silence.
    this.#receiver.lastHeardMs = clock.now()
    await ports.release(left)
  }

  /** Uses the nearest supported interval. */
  #setInterval(ptimeMs: number): void {
    const distance = (ms: number) => Math.abs(ms - ptimeMs)
    const intervalMs = [...INTERVALS_MS].sort((a, b) => distance(a) - distance(b))[0] ?? DEFAULT_INTERVAL_MS
    if (intervalMs === this.#intervalMs) return
    this.#intervalMs = intervalMs
    this.#removeFromPacer()
    this.#removeFromPacer = this.#deps.pacer.add(this, intervalMs)
  }

  play(play: MediaPlay): void {
    this.#sender.play(new Playback(play))
  }

  stopPlay({ playId, reason }: { playId?: string; reason: 'interrupted' | 'stopped' }): void {
    this.#sender.stopPlay(reason, playId)
  }

  echo(on: boolean): void {
    this.#echo = on
  }

  sendDigits(order: { sendId: string; digits: string; toneMs: number; gapMs: number }): void {
    if (!isDigitString(order.digits))
      throw new TelephonyError('BAD_ARGUMENT', 'the digits are not valid. Use 0-9 * # A-D, and a comma for a pause')
    if (!(order.toneMs > 0 && order.toneMs <= MAX_TONE_MS)) {
      throw new TelephonyError(
        'BAD_ARGUMENT',
        `a tone of ${order.toneMs} ms is not possible. Use up to ${MAX_TONE_MS} ms`,
      )
    }
    if (this.#connected && !this.#connected.telephoneEvent) {
      throw new TelephonyError('NO_COMMON_CODEC', 'the peer does not support telephone-event, so digits cannot be sent')
    }
    this.#sender.sendDigits(order)
  }

  startRecord(record: MediaRecord): Promise<void> {
    return this.#recordings.start(record)
  }

  /** Stops the oldest recording without an id; null if there is no recording. */
  stopRecord(recordId?: string): Promise<RecordResult | null> {
    return this.#recordings.stop(recordId)
  }

  stats(): MediaStats {
    return statsOf({
      sender: this.#sender,
      receiver: this.#receiver,
      rtcp: this.#rtcp,
      intervalMs: this.#intervalMs,
      soundOwed: this.#soundOwed,
    })
  }

  /** Sends RTCP BYE, closes the files, frees the ports. Idempotent. */
  close(reason: 'hangup' | 'failed' = 'hangup'): Promise<MediaStats> {
    this.#closing ??= this.#close(reason)
    return this.#closing
  }

  /** Never rejects: a socket that cannot send must not prevent the close. */
  #sayGoodbye(bye: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      try {
        this.#transmitRtcp(bye, resolve)
      } catch {
        resolve()
      }
    })
  }

  async #close(reason: 'hangup' | 'failed'): Promise<MediaStats> {
    const { clock, ports } = this.#deps
    this.#removeFromPacer()
    this.#sender.close(reason)
    const bye = this.#rtcp.buildBye(clock.now(), clock.wall())
    if (bye) await this.#sayGoodbye(bye)
    await this.#recordings.close()
    await ports.release(this.#pair)
    return this.stats()
  }
}
