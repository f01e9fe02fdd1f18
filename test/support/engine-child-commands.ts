import type {
  AccountConfig,
  EngineCommands,
  EngineInit,
  InboundRule,
  TransportConfig,
} from '../../src/engine/protocol.js'
import type { MediaStats } from '../../src/media/protocol.js'

export interface ChildInit {
  folder: string
  /** `hosted`: in a worker, as Node-RED has it. `assembled`: in the main thread. */
  kind: 'hosted' | 'assembled'
  logLevel?: EngineInit['logLevel']
  /** Calls without media: neither sockets nor sound. Of an assembled engine only. */
  noSound?: boolean
  /** All timers of SIP run so many times as fast. Of an assembled engine only. */
  speed?: number
  account?: Partial<Omit<AccountConfig, 'id' | 'transport'>>
  transport?: Partial<Omit<TransportConfig, 'id'>>
  rule?: Partial<InboundRule>
  /** So many accounts share the transport with the first one; each has a source of its own. */
  neighbours?: number
  /** A tone for ever, in every answered call. */
  plays?: boolean
}

export interface Usage {
  rssOctets: number
  /** After a collection, where the process may ask for one. */
  heapOctets: number
  fds: number
  threads: number
  /** CPU time of this process, user and system. */
  cpuMs: number
}

export type ChildCommands = {
  start: (init: ChildInit) => Promise<{ host: string; port: number }>
  /** Whatever else the engine can be told. */
  engine: (init: { op: keyof EngineCommands; arg: unknown }) => Promise<unknown>
  /** Keeps the main thread busy `busyMs` of every `busyMs + restMs`. */
  spin: (init: { busyMs: number; restMs: number; forMs: number }) => Promise<number>
  /** Places calls at this rate, or slower where that would be too many at once; each is ended as soon as it is answered. Resolves when all are over, with what they ended by. */
  dial: (init: { target: string; count: number; perSecond: number }) => Promise<Record<string, number>>
  /** Records every live call for so long; the files. */
  hear: (init: { forMs: number }) => Promise<string[]>
  stats: (init: null) => Promise<MediaStats[]>
  usage: (init: null) => Promise<Usage>
  /** Calls that live, the most that lived at once, and how many have ended by which cause. */
  calls: (init: null) => Promise<{ live: number; most: number; ended: Record<string, number> }>
  /** Lines of the level `error` in the log. */
  faults: (init: null) => Promise<string[]>
  close: (init: null) => Promise<void>
}
