import type { Engine, EngineInit } from './protocol.js'

/** The engine in a worker of its own; restarted when it dies. For Node-RED: nothing of the engine is loaded into the caller's thread. */
export async function startHostedEngine(init: EngineInit): Promise<Engine> {
  const { HostedEngine } = await import('./hosted-engine.js')
  return HostedEngine.start(init)
}

/** The engine in the caller's thread (media in workers all the same). For the command line, tests and use as a library. */
export async function startLocalEngine(init: EngineInit): Promise<Engine> {
  const { LocalEngine } = await import('./local-engine.js')
  return new LocalEngine(init)
}
