import { randomInt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import type { Clock } from '../../base/clock.js'
import { TelephonyError } from '../../base/errors.js'
import { newToken } from '../../base/ids.js'
import { TransientMap } from '../../base/transient-map.js'
import type { MediaCommands, MediaOpen, MediaOpened, MediaStats } from '../protocol.js'
import { Pacer } from './pacer.js'
import { CallMedia, type Tell } from './session.js'
import { PortPairs } from './socket.js'

export interface MediaWorkerInit {
  rtcpIntervalMs: number
}

/** All calls of one media worker, and the commands that reach them. */
export class MediaWorker {
  readonly #clock: Clock
  readonly #tell: Tell
  readonly #init: MediaWorkerInit
  readonly #pacer: Pacer
  readonly #ports: PortPairs
  readonly #calls = new TransientMap<string, CallMedia>()
  #ended = { packetsSent: 0, latePackets: 0 }

  readonly commands: MediaCommands = {
    open: (a) => this.#open(a),
    connect: (a) => this.#call(a.id).connect(a),
    move: (a) => this.#move(a),
    play: (a) => this.#call(a.id).play(a),
    stopPlay: (a) => this.#call(a.id).stopPlay(a),
    echo: (a) => this.#call(a.id).echo(a.on),
    sendDigits: (a) => this.#call(a.id).sendDigits(a),
    startRecord: (a) => this.#call(a.id).startRecord(a),
    stopRecord: (a) => this.#call(a.id).stopRecord(a.recordId),
    stats: (a) => this.#call(a.id).stats(),
    close: (a) => this.#close(a.id),
    load: () => this.#load(),
  }

  constructor(deps: { clock: Clock; tell: Tell }, init: MediaWorkerInit) {
    this.#clock = deps.clock
    this.#tell = deps.tell
    this.#init = init
    this.#pacer = new Pacer({ clock: deps.clock })
    this.#ports = new PortPairs({ clock: deps.clock, random: (below) => randomInt(below) })
  }

  #call(id: string): CallMedia {
    const call = this.#calls.get(id)
    if (!call) throw new TelephonyError('CLOSED', `the call ${id} has no media`)
    return call
  }

  async #open({ id, address, portMin, portMax }: MediaOpen): Promise<MediaOpened> {
    if (this.#calls.has(id)) throw new TelephonyError('BAD_ARGUMENT', `the call ${id} already has media`)
    const pair = await this.#ports.bind(address, portMin, portMax)
    const ssrc = randomInt(2 ** 32)
    const onFailed = (reason: string) => this.#fail(id, reason)
    const call = new CallMedia(
      { clock: this.#clock, pacer: this.#pacer, ports: this.#ports, pair, tell: this.#tell, onFailed },
      // RFC 3550 5.1: sequence number and timestamp start anywhere.
      { id, ssrc, sequence: randomInt(2 ** 16), timestamp: randomInt(2 ** 32), rtcp: this.#rtcpInit() },
    )
    this.#calls.set(id, call)
    return { port: pair.port, rtcpPort: pair.rtcpPort, ssrc }
  }

  async #move({ id, address, portMin, portMax }: MediaOpen): Promise<Omit<MediaOpened, 'ssrc'>> {
    const call = this.#call(id)
    const pair = await this.#ports.bind(address, portMin, portMax)
    await call.moveTo(pair)
    return { port: pair.port, rtcpPort: pair.rtcpPort }
  }

  /** RFC 7022 4.2: a CNAME that says nothing about the machine. */
  #rtcpInit() {
    return { intervalMs: this.#init.rtcpIntervalMs, cname: newToken(12), random: Math.random }
  }

  #fail(id: string, reason: string): void {
    if (!this.#calls.has(id)) return
    // The ends of its plays and recordings are reported first.
    void this.#close(id, 'failed')
      .catch(() => undefined)
      .then(() => this.#tell('failed', { id, reason }))
  }

  async #close(id: string, reason: 'hangup' | 'failed' = 'hangup'): Promise<MediaStats> {
    const call = this.#call(id)
    this.#calls.delete(id)
    const stats = await call.close(reason)
    this.#ended.packetsSent += stats.packetsSent
    this.#ended.latePackets += stats.latePackets
    return stats
  }

  #load(): ReturnType<MediaCommands['load']> {
    const all = { ...this.#ended }
    for (const call of this.#calls.values()) {
      const { packetsSent, latePackets } = call.stats()
      all.packetsSent += packetsSent
      all.latePackets += latePackets
    }
    return { cpuMs: threadCpuMs(), calls: this.#calls.size, maxLateMs: this.#pacer.maxLateMs, ...all }
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
