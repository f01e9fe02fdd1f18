import { TelephonyError } from '../base/errors.js'
import { plainCopy } from '../base/plain-copy.js'
import { createLogger } from '../trace/logger.js'
import { assembleEngine } from './assemble.js'
import type { Engine, EngineCommands, EngineEvents, EngineInit } from './protocol.js'
import type { TelephonyEngine } from './telephony-engine.js'

/** An engine in the caller's thread that behaves like a hosted one: it copies arguments, results and events, errors have codes. */
export class LocalEngine implements Engine {
  readonly #engine: TelephonyEngine
  #closing: Promise<void> | undefined

  constructor(init: EngineInit) {
    this.#engine = assembleEngine(init, createLogger({ level: init.logLevel }))
  }

  async call<Op extends keyof EngineCommands>(
    op: Op,
    arg: Parameters<EngineCommands[Op]>[0],
  ): Promise<Awaited<ReturnType<EngineCommands[Op]>>> {
    if (this.#closing) throw new TelephonyError('CLOSED', 'the telephony engine has been stopped')
    const handler = this.#engine.commands[op] as (arg: unknown) => ReturnType<EngineCommands[Op]>
    try {
      return structuredClone(await handler(structuredClone(arg)))
    } catch (error) {
      throw TelephonyError.from(error)
    }
  }

  on<Name extends keyof EngineEvents>(name: Name, listener: (data: EngineEvents[Name]) => void): () => void {
    return this.#engine.on(name, (data: EngineEvents[Name]) => listener(plainCopy(data)))
  }

  close(): Promise<void> {
    this.#closing ??= this.#engine.shutdown()
    return this.#closing
  }
}
