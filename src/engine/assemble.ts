import { systemClock } from '../base/clock.js'
import { startMediaService } from '../media/client.js'
import { openSipEndpoint } from '../sip/endpoint.js'
import type { SipTraceLine } from '../sip/types.js'
import type { RootLogger } from '../trace/logger.js'
import { TelephonyEngine } from './engine.js'
import { localAddressTowards, systemLookup } from './local-address.js'
import type { EngineInit } from './protocol.js'

/** The real parts put together: the system's clock, sockets, media workers. */
export function assembleEngine(init: EngineInit, log: RootLogger): TelephonyEngine {
  const clock = systemClock
  const engine: TelephonyEngine = new TelephonyEngine(
    {
      clock,
      log,
      media: startMediaService({ log, clock }),
      openEndpoint: (endpoint) => openSipEndpoint({ clock, log, ...trace }, endpoint),
      lookup: systemLookup,
      localAddress: (peer) => localAddressTowards(peer, systemLookup),
    },
    init,
  )
  const trace = init.traceSip
    ? { trace: (line: SipTraceLine) => engine.tell('trace', { ...line, text: log.secrets.mask(line.text) }) }
    : {}
  return engine
}
