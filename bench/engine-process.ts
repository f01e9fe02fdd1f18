import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { peerFolder } from '../test/support/peers/peer-folder.js'

export type HostCommand =
  | { kind: 'start'; folder: string; hosted: boolean; plays: boolean }
  | { kind: 'dial'; target: string; count: number; perSecond: number }
  | { kind: 'stats' }
  | { kind: 'register'; registrar: string; count: number; expiresSec: number }
  | { kind: 'registered' }
  | { kind: 'memory' }
  | { kind: 'close' }

export type HostReply =
  | { kind: 'started'; address: string }
  | { kind: 'dialled'; placedMs: number; failed: number; setupMs: number[] }
  | {
      kind: 'stats'
      calls: number
      packetsSent: number
      packetsReceived: number
      packetsLost: number
      latePackets: number
    }
  | { kind: 'registered'; ms: number; count: number }
  | { kind: 'memory'; octets: number }
  | { kind: 'closed' }
  | { kind: 'failed'; reason: string }

export type HostStats = Extract<HostReply, { kind: 'stats' }>

/** The engine in a process of its own. One command at a time. */
export class EngineProcess {
  readonly address: string
  readonly #child: ChildProcess
  readonly #exited: Promise<unknown>

  private constructor(child: ChildProcess, exited: Promise<unknown>, address: string) {
    this.#child = child
    this.#exited = exited
    this.address = address
  }

  static async start(init: { plays: boolean; hosted?: boolean }): Promise<EngineProcess> {
    const child = fork(join(import.meta.dirname, 'engine-host.js'), {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      execArgv: ['--expose-gc'],
    })
    const exited = once(child, 'exit')
    const { plays, hosted = false } = init
    const command = { kind: 'start', folder: peerFolder.folder('engine'), hosted, plays } as const
    const started = await ask(child, exited, command, 'started')
    return new EngineProcess(child, exited, started.address)
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  dial(target: string, count: number, perSecond: number): Promise<Extract<HostReply, { kind: 'dialled' }>> {
    return ask(this.#child, this.#exited, { kind: 'dial', target, count, perSecond }, 'dialled')
  }

  stats(): Promise<HostStats> {
    return ask(this.#child, this.#exited, { kind: 'stats' }, 'stats')
  }

  /** Creates this number of accounts; resolves when all are registered. */
  register(registrar: string, count: number, expiresSec: number): Promise<Extract<HostReply, { kind: 'registered' }>> {
    return ask(this.#child, this.#exited, { kind: 'register', registrar, count, expiresSec }, 'registered')
  }

  /** The number of accounts that are registered now. */
  registered(): Promise<Extract<HostReply, { kind: 'registered' }>> {
    return ask(this.#child, this.#exited, { kind: 'registered' }, 'registered')
  }

  /** Octets in use on the engine's thread after a collection, buffers too. */
  async memory(): Promise<number> {
    return (await ask(this.#child, this.#exited, { kind: 'memory' }, 'memory')).octets
  }

  async close(): Promise<void> {
    const kill = setTimeout(() => this.#child.kill('SIGKILL'), 10_000)
    await ask(this.#child, this.#exited, { kind: 'close' }, 'closed')
    await this.#exited
    clearTimeout(kill)
  }
}

async function ask<Kind extends HostReply['kind']>(
  child: ChildProcess,
  exited: Promise<unknown>,
  command: HostCommand,
  kind: Kind,
): Promise<Extract<HostReply, { kind: Kind }>> {
  const replied = once(child, 'message') as Promise<[HostReply]>
  child.send(command)
  const first = await Promise.race([replied, exited.then(() => undefined)])
  if (!first) throw new Error(`the engine's process has ended before it was "${kind}"`)
  const [reply] = first
  if (reply.kind === 'failed') throw new Error(reply.reason)
  if (reply.kind !== kind) throw new Error(`"${reply.kind}" instead of "${kind}"`)
  return reply as Extract<HostReply, { kind: Kind }>
}
