import { TelephonyError } from '../base/errors.js'
import type { RootLogger } from '../trace/logger.js'
import type { TelephonyEngine } from './engine.js'
import type { EngineInit } from './protocol.js'

/** The real parts put together: sockets, media workers, the system's clock. */
export function assembleEngine(_init: EngineInit, _log: RootLogger): TelephonyEngine {
  throw new TelephonyError('INTERNAL', 'not yet: waits for the SIP endpoint and the media service')
}
