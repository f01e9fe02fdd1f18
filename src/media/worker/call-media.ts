import { isIP } from 'node:net'
import type { Clock } from '../../base/clock.js'
import { TelephonyError } from '../../base/errors.js'
import { g711 } from '../codec/g711.js'
import { isDigitString, MAX_TONE_MS } from '../dtmf/dtmf-sender.js'
import type {
  Direction,
  EmitMediaEvent,
  EncodedPrompt,
  MediaConnect,
  MediaPlay,
  MediaRecord,
  MediaStats,
  MediaTap,
  RecordResult,
} from '../protocol.js'
import { emptyRtpView } from '../rtp/rtp-packet.js'
import { statsOf } from './call-stats.js'
import { LullWatch } from './lull-watch.js'
import { MediaTransport } from './media-transport.js'
import { INTERVALS_MS, type Paced, type Pacer } from './pacer.js'
import { PacketTap } from './packet-tap.js'
import { Playback } from './playback.js'
import type { PortPair } from './port-pair.js'
import type { PortPool } from './port-pool.js'
import { Recordings } from './recordings.js'
import { type ReporterInit, RtcpReporter } from './rtcp-reporter.js'
import { RtpReceiver } from './rtp-receiver.js'
import { RtpSender } from './rtp-sender.js'
import { SilenceWatch } from './silence-watch.js'
import { TroubleWatch } from './trouble-watch.js'

const DEFAULT_INTERVAL_MS = 20
const SAMPLES_PER_MS = 8

const isReceiving = (direction: Direction): boolean => direction === 'sendrecv' || direction === 'recvonly'

/** Limits the recorded silence after a sleep of the machine. */
const MAX_HEARD_AFTER_STALL = 250

/** Shared by all calls of the worker, so that no memory is allocated per packet. */
const view = emptyRtpView()
const frame = new Int16Array(Math.max(...INTERVALS_MS) * SAMPLES_PER_MS)

export interface CallMediaDeps {
  clock: Clock
  pacer: Pacer
  ports: PortPool
  pair: PortPair
  emit: EmitMediaEvent
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

/** The media of one call in its worker: sender, receiver, RTCP and recorder. The pacer steps it from its connection on. */
export class CallMedia implements Paced {
  readonly #deps: CallMediaDeps
  readonly #id: string
  readonly #sender: RtpSender
  readonly #receiver: RtpReceiver
  readonly #rtcp: RtcpReporter
  readonly #transport: MediaTransport
  readonly #silenceWatch: SilenceWatch
  readonly #troubleWatch: TroubleWatch
  #removeFromPacer: (() => void) | undefined
  #intervalMs = DEFAULT_INTERVAL_MS
  #connected: MediaConnect | undefined
  /** The negotiated direction has allowed the peer to send at some time. */
  #soundOwed = false
  #echo = false
  #lullWatches: Map<string, LullWatch> | undefined
  #recordings: Recordings | undefined
  #closing: Promise<MediaStats> | undefined

  constructor(deps: CallMediaDeps, init: CallMediaInit) {
    const { clock, emit } = deps
    const { id } = init
    this.#deps = deps
    this.#id = id
    this.#sender = new RtpSender(
      {
        transmit: (packet) => this.#transport.sendRtp(packet),
        playEnded: (playId, ended, playedMs) => emit('playEnded', { id, playId, ended, playedMs }),
        digitsSent: (sendId, ended) => emit('digitsSent', { id, sendId, ended }),
      },
      init,
    )
    this.#receiver = new RtpReceiver({
      view,
      events: {
        started: () => emit('started', { id }),
        digit: (digit, durationMs) => emit('digit', { id, digit, durationMs }),
      },
    })
    this.#rtcp = new RtcpReporter({ sender: this.#sender, statistics: this.#receiver.statistics }, init.rtcp)
    const ends = { receiver: this.#receiver, rtcp: this.#rtcp }
    this.#transport = new MediaTransport({ ...deps, clock, ...ends }, deps.pair)
    this.#silenceWatch = new SilenceWatch((silentMs) => emit('timeout', { id, silentMs }))
    this.#troubleWatch = new TroubleWatch(this.#receiver, (trouble) => emit('trouble', { id, trouble }))
  }

  #failed(error: unknown): void {
    this.#deps.onFailed(error instanceof Error ? (error.stack ?? error.message) : String(error))
  }

  tick(nowMs: number, lateMs: number): void {
    try {
      const energy = this.#hear(nowMs)
      if (!this.#connected) return
      if (this.#lullWatches?.size) this.#noteLevel(energy)
      this.#sender.reachable = this.#transport.reachable
      this.#sender.tick(lateMs, this.#echo ? frame : undefined)
      if (this.#rtcp.isDue(nowMs)) this.#transport.sendRtcp(this.#rtcp.build(nowMs, this.#deps.clock.wall()))
      this.#silenceWatch.check(nowMs - this.#receiver.lastHeardMs)
      this.#troubleWatch.check(nowMs)
    } catch (error) {
      this.#failed(error)
    }
  }

  /** Received sound of this time is still processed, so that recordings keep their length; nothing is sent. */
  skip(intervals: number, nowMs: number): void {
    try {
      for (let i = 0; i < Math.min(intervals, MAX_HEARD_AFTER_STALL); i++) this.#hear(nowMs)
      // The peer's packets of this time are still in the socket, so the time does not count as its silence.
      this.#receiver.lastHeardMs = Math.min(nowMs, this.#receiver.lastHeardMs + intervals * this.#intervalMs)
      if (this.#connected) this.#sender.skip(intervals)
    } catch (error) {
      this.#failed(error)
    }
  }

  /** Returns the energy of the peer's sound. */
  #hear(nowMs: number): number {
    const samples = this.#intervalMs * SAMPLES_PER_MS
    const recordings = this.#recordings?.size ? this.#recordings : undefined
    const energy = this.#receiver.pull(frame, samples, nowMs, recordings !== undefined || this.#echo)
    recordings?.write(frame, samples)
    return energy
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
    this.#pace(nearestInterval(to.ptimeMs))
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
    this.#silenceWatch.begin(isReceiving(to.direction) ? to.timeoutMs : 0)
    this.#connected = to
    if (isReceiving(to.direction)) this.#soundOwed = true
    this.#rtcp.start(nowMs)
  }

  /** Changes only the ports: our stream and the accepted source of the peer stay the same. */
  moveTo(pair: PortPair): void {
    const { clock, ports } = this.#deps
    if (this.#closing) {
      ports.release(pair)
      throw new TelephonyError('CLOSED', 'the call has ended')
    }
    ports.release(this.#transport.moveTo(pair))
    // During the move no packet could arrive, so the time does not count as the peer's silence.
    this.#receiver.lastHeardMs = clock.now()
  }

  #pace(intervalMs: number): void {
    if (this.#removeFromPacer && intervalMs === this.#intervalMs) return
    this.#intervalMs = intervalMs
    this.#removeFromPacer?.()
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

  hold(on: boolean, music?: EncodedPrompt): void {
    this.#sender.hold(on, music && new Playback({ playId: '', prompt: music, repeat: 0 }))
  }

  mute(on: boolean): void {
    this.#sender.muted = on
  }

  watchLull({ watchId, limitMs }: { watchId: string; limitMs: number }): void {
    const { emit } = this.#deps
    this.#lullWatches ??= new Map()
    if (limitMs > 0) {
      this.#lullWatches.set(watchId, new LullWatch(limitMs, () => emit('lull', { id: this.#id, watchId })))
    } else this.#lullWatches.delete(watchId)
  }

  #noteLevel(energy: number): void {
    for (const watch of this.#lullWatches?.values() ?? []) watch.hear(energy, this.#intervalMs * SAMPLES_PER_MS)
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
    const id = this.#id
    const { emit } = this.#deps
    if (this.#closing) throw new TelephonyError('CLOSED', 'the call has ended')
    this.#recordings ??= new Recordings({
      ended: (recordId, result, ended) => emit('recordEnded', { id, recordId, result, ended }),
      problem: (message) => emit('warning', { id, message }),
    })
    // A recording that begins before the connection has silence until then.
    this.#pace(this.#intervalMs)
    return this.#recordings.start(record)
  }

  /** Stops the oldest recording without an id; null if there is no recording. */
  async stopRecord(recordId?: string): Promise<RecordResult | null> {
    return (await this.#recordings?.stop(recordId)) ?? null
  }

  tap(tap: MediaTap | null): void {
    this.flushTap()
    const { clock, emit } = this.#deps
    const events = () => this.#receiver.format.eventTypes
    this.#transport.tap = tap
      ? new PacketTap({ clock, emit: (batch) => emit('tapped', { id: this.#id, ...batch }), eventTypes: events }, tap)
      : undefined
  }

  flushTap(): void {
    this.#transport.tap?.flush()
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

  async #close(reason: 'hangup' | 'failed'): Promise<MediaStats> {
    const { clock, ports } = this.#deps
    this.#removeFromPacer?.()
    this.#sender.close(reason)
    const bye = this.#rtcp.buildBye(clock.now(), clock.wall())
    if (bye) this.#transport.sendGoodbye(bye)
    await this.#recordings?.close()
    this.flushTap()
    ports.release(this.#transport.close())
    return this.stats()
  }
}

/** The supported interval that is nearest to the packet length of the peer. */
function nearestInterval(ptimeMs: number): number {
  const distance = (ms: number) => Math.abs(ms - ptimeMs)
  return INTERVALS_MS.reduce((best, ms) => (distance(ms) < distance(best) ? ms : best))
}
