import type { Engine, EngineInit } from './protocol.js'

/** The engine in a worker of its own; restarted when it dies. For Node-RED. */
export declare function startHostedEngine(init: EngineInit): Promise<Engine>

/** The engine in the caller's thread (media in workers all the same). For the command line, tests and use as a library. */
export declare function startLocalEngine(init: EngineInit): Promise<Engine>
