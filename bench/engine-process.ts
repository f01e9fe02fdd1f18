import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { TransportConfig } from '../src/engine/protocol.js'
import type { SipAddress } from '../src/sip/types.js'
import { peerFolder } from '../test/support/peers/peer-folder.js'

export type HostCommand =
  | ({ kind: 'start'; folder: string } & EngineProcessInit)
  | { kind: 'dial'; target: string; count: number; perSecond: number }
  | { kind: 'stats' }
  | ({ kind: 'register' } & Registering)
  | { kind: 'registered' }
  | { kind: 'memory' }
  | { kind: 'close' }

export interface EngineProcessInit {
  plays: boolean
  hosted: boolean
  /** Of its account, as far as it is not as in `Phone`. */
  transport?: Partial<Omit<TransportConfig, 'id'>>
}

/** Accounts of one transport. Their users are `user` with a number. */
export interface Registering {
  user: string
  /** Absent: none. */
  password?: string
  domain: string
  /** Absent: the domain. */
  registrar?: string
  count: number
  expiresSec: number
}

export type HostReply =
  | { kind: 'started'; address: string; listeners: SipAddress[] }
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
  /** Of a start with `transport`. */
  readonly listeners: readonly SipAddress[]
  readonly #child: ChildProcess
  readonly #exited: Promise<unknown>

  private constructor(child: ChildProcess, exited: Promise<unknown>, started: Extract<HostReply, { kind: 'started' }>) {
    this.#child = child
    this.#exited = exited
    this.address = started.address
    this.listeners = started.listeners
  }

  static async start(init: Partial<EngineProcessInit> = {}): Promise<EngineProcess> {
    const child = fork(join(import.meta.dirname, 'engine-host.js'), {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      execArgv: ['--expose-gc'],
    })
    const exited = once(child, 'exit')
    const folder = peerFolder.folder('engine')
    const command: HostCommand = { kind: 'start', folder, plays: false, hosted: false, ...init }
    return new EngineProcess(child, exited, await ask(child, exited, command, 'started'))
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

  /** Creates these accounts; resolves when all are registered. */
  register(accounts: Registering): Promise<Extract<HostReply, { kind: 'registered' }>> {
    return ask(this.#child, this.#exited, { kind: 'register', ...accounts }, 'registered')
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
