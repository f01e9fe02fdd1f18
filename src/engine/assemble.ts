import { systemClock } from '../base/clock.js'
import { startMediaService } from '../media/client.js'
import { openSipEndpoint } from '../sip/endpoint.js'
import type { RootLogger } from '../trace/logger.js'
import { openEngineNames } from './engine-names.js'
import { EngineTrace } from './engine-trace.js'
import { localAddressFor } from './local-address.js'
import type { EngineInit } from './protocol.js'
import { ownAddresses } from './surroundings.js'
import { type EngineDeps, TelephonyEngine } from './telephony-engine.js'

/** Assembles the real parts: the system's clock, sockets, media workers. Tests replace some of them. */
export function assembleEngine(
  init: EngineInit,
  log: RootLogger,
  parts: Partial<Pick<EngineDeps, 'clock' | 'media'>> = {},
): TelephonyEngine {
  const { clock = systemClock } = parts
  const { names, service } = openEngineNames({ clock, log }, init.dnsServers)
  const media = parts.media ?? startMediaService({ log, clock })
  const trace: EngineTrace = new EngineTrace(
    { secrets: log.secrets, media, tell: (line) => engine.tell('trace', line) },
    { live: init.traceSip ?? false },
  )
  const engine: TelephonyEngine = new TelephonyEngine(
    {
      clock,
      log,
      media,
      trace,
      openEndpoint: (endpoint) => openSipEndpoint({ clock, log, names: service.ours, trace }, endpoint),
      names,
      localAddress: (peer) => localAddressFor(peer, names.servers),
      addresses: ownAddresses,
    },
    init,
  )
  return engine
}
