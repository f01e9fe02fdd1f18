import type { Engine, EngineInit, MediaFiles } from './protocol.js'

/** The engine in its own worker, which is restarted when it dies. For Node-RED: the caller's thread loads no part of the engine. */
export async function startHostedEngine(init: EngineInit): Promise<Engine> {
  const { HostedEngine } = await import('./hosted-engine.js')
  return HostedEngine.start(init)
}

/** The engine in the caller's thread, media still in workers. For the command line, tests and use as a library. */
export async function startLocalEngine(init: EngineInit): Promise<Engine> {
  const { LocalEngine } = await import('./local-engine.js')
  return new LocalEngine(init)
}

/** The files that an engine with these `mediaRoots` plays by name, as a list for people. Needs no running engine. */
export async function mediaFiles(mediaRoots: readonly string[]): Promise<MediaFiles> {
  const { listMediaFiles } = await import('./media-files.js')
  return listMediaFiles(mediaRoots)
}
