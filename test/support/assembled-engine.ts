/** An engine in this thread with real SIP sockets, and some of its parts chosen by the test. */
import type { Clock } from '../../src/base/clock.js'
import { assembleEngine } from '../../src/engine/assemble.js'
import type { Engine, EngineCommands, EngineEvents, EngineInit } from '../../src/engine/protocol.js'
import type { TelephonyEngine } from '../../src/engine/telephony-engine.js'
import type { MediaService, MediaSession } from '../../src/media/client.js'
import { createLogger, type LogSink } from '../../src/trace/logger.js'
import { FakeMediaSession } from './fake-media.js'

/** Calls without sound: neither sockets nor threads, and nothing kept of a call that is over. */
export class NoSound implements MediaService {
  #nextPort = 0

  async open(init: { id: string; address: string }): Promise<MediaSession> {
    this.#nextPort = (this.#nextPort + 2) % 20_000
    return new FakeMediaSession(init.id, init.address, 40_000 + this.#nextPort)
  }

  async tap(): Promise<void> {}

  async flushTaps(): Promise<void> {}

  async close(): Promise<void> {}
}

export class AssembledEngine implements Engine {
  readonly #engine: TelephonyEngine

  constructor(init: EngineInit, parts: { clock?: Clock; media?: MediaService; sink?: LogSink } = {}) {
    const { sink, ...others } = parts
    const log = createLogger({ level: init.logLevel, ...(sink ? { sink } : {}) })
    this.#engine = assembleEngine(init, log, others)
  }

  async call<Op extends keyof EngineCommands>(
    op: Op,
    arg: Parameters<EngineCommands[Op]>[0],
  ): Promise<Awaited<ReturnType<EngineCommands[Op]>>> {
    const handler = this.#engine.commands[op] as (arg: unknown) => ReturnType<EngineCommands[Op]>
    return await handler(arg)
  }

  on<Name extends keyof EngineEvents>(name: Name, listener: (data: EngineEvents[Name]) => void): () => void {
    return this.#engine.on(name, listener as never)
  }

  close(): Promise<void> {
    return this.#engine.shutdown()
  }
}
