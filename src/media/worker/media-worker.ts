import { randomInt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import type { Clock } from '../../base/clock.js'
import { TelephonyError } from '../../base/errors.js'
import { newToken } from '../../base/ids.js'
import { TransientMap } from '../../base/transient-map.js'
import type { EmitMediaEvent, MediaCommands, MediaOpen, MediaPorts, MediaStats, PortRange } from '../protocol.js'
import { CallMedia } from './call-media.js'
import { Pacer } from './pacer.js'
import type { PortPair } from './port-pair.js'
import { PortPool } from './port-pool.js'
import type { ReporterInit } from './rtcp-reporter.js'

export interface MediaWorkerInit {
  rtcpIntervalMs: number
}

/** All calls of one media worker, and the commands that reach them. */
export class MediaWorker {
  readonly #clock: Clock
  readonly #emit: EmitMediaEvent
  readonly #rtcp: ReporterInit
  readonly #pacer: Pacer
  readonly #ports: PortPool
  readonly #calls = new TransientMap<string, CallMedia>()
  #ended = { packetsSent: 0, latePackets: 0 }

  readonly commands: MediaCommands = {
    open: (a) => this.#open(a),
    connect: (a) => this.#call(a.id).connect(a),
    move: (a) => this.#move(a),
    play: (a) => this.#call(a.id).play(a),
    stopPlay: (a) => this.#call(a.id).stopPlay(a),
    echo: (a) => this.#call(a.id).echo(a.on),
    hold: (a) => this.#call(a.id).hold(a.on, a.music),
    mute: (a) => this.#call(a.id).mute(a.on),
    sendDigits: (a) => this.#call(a.id).sendDigits(a),
    startRecord: (a) => this.#call(a.id).startRecord(a),
    watchLull: (a) => this.#call(a.id).watchLull(a),
    stopRecord: (a) => this.#call(a.id).stopRecord(a.recordId),
    tap: (a) => this.#call(a.id).tap(a.tap),
    flushTap: (a) => this.#call(a.id).flushTap(),
    stats: (a) => this.#call(a.id).stats(),
    close: (a) => this.#close(a.id),
    leasePorts: ({ have, ...range }) => this.#ports.lease(range, have),
    returnPorts: ({ ports, ...range }) => this.#ports.giveBack(range, ports),
    freePorts: (range) => this.#ports.free(range),
    load: () => this.#load(),
  }

  constructor(deps: { clock: Clock; emit: EmitMediaEvent }, init: MediaWorkerInit) {
    this.#clock = deps.clock
    this.#emit = deps.emit
    // RFC 7022 4.2: a CNAME that says nothing about the machine.
    this.#rtcp = { intervalMs: init.rtcpIntervalMs, newCname: () => newToken(12), random: Math.random }
    this.#pacer = new Pacer({ clock: deps.clock })
    this.#ports = new PortPool({
      clock: deps.clock,
      random: (below) => randomInt(below),
      recall: (range, keep) => deps.emit('leasesRecalled', { ...range, keep }),
    })
  }

  #call(id: string): CallMedia {
    const call = this.#calls.get(id)
    if (!call) throw new TelephonyError('CLOSED', `the call ${id} has no media`)
    return call
  }

  #open({ id, leasedPort, ...range }: MediaOpen): MediaPorts | Promise<MediaPorts> {
    if (this.#calls.has(id)) throw new TelephonyError('BAD_ARGUMENT', `the call ${id} already has media`)
    // At once, because the next command to this call may be in the same message.
    if (leasedPort !== undefined) return this.#add(id, this.#ports.takeLeased(range, leasedPort))
    return this.#ports.take(range).then((pair) => this.#add(id, pair))
  }

  #add(id: string, pair: PortPair): MediaPorts {
    const onFailed = (reason: string) => this.#fail(id, reason)
    const call = new CallMedia(
      { clock: this.#clock, pacer: this.#pacer, ports: this.#ports, pair, emit: this.#emit, onFailed },
      // RFC 3550 5.1: SSRC, sequence number and timestamp start anywhere.
      { id, ssrc: randomInt(2 ** 32), sequence: randomInt(2 ** 16), timestamp: randomInt(2 ** 32), rtcp: this.#rtcp },
    )
    this.#calls.set(id, call)
    return { port: pair.port, rtcpPort: pair.rtcpPort }
  }

  async #move({ id, ...range }: PortRange & { id: string }): Promise<MediaPorts> {
    const call = this.#call(id)
    const pair = await this.#ports.take(range)
    call.moveTo(pair)
    return { port: pair.port, rtcpPort: pair.rtcpPort }
  }

  #fail(id: string, reason: string): void {
    if (!this.#calls.has(id)) return
    // The ends of its plays and recordings are reported first.
    void this.#close(id, 'failed')
      .catch(() => undefined)
      .then(() => this.#emit('failed', { id, reason }))
  }

  async #close(id: string, reason: 'hangup' | 'failed' = 'hangup'): Promise<MediaStats> {
    const call = this.#call(id)
    this.#calls.delete(id)
    const stats = await call.close(reason)
    this.#ended.packetsSent += stats.packetsSent
    this.#ended.latePackets += stats.latePackets
    return stats
  }

  /** Ends all calls and closes all ports; a thread that ends does the same. */
  async close(): Promise<void> {
    await Promise.all([...this.#calls.values()].map((call) => call.close()))
    this.#calls.clear()
    await this.#ports.close()
  }

  #load(): ReturnType<MediaCommands['load']> {
    const all = { ...this.#ended }
    for (const call of this.#calls.values()) {
      const { packetsSent, latePackets } = call.stats()
      all.packetsSent += packetsSent
      all.latePackets += latePackets
    }
    return { cpuMs: threadCpuMs(), maxLateMs: this.#pacer.maxLateMs, ...all }
  }
}

/** CPU time of this thread. Linux reports it in ns; elsewhere the active time of the event loop is used. */
function threadCpuMs(): number {
  try {
    return Number(readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ')[0]) / 1e6
  } catch {
    return performance.eventLoopUtilization().active
  }
}
