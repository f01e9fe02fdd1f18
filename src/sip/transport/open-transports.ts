import type { Clock } from '../../base/clock.js'
import { TelephonyError } from '../../base/errors.js'
import type { HostPort } from '../../base/host-port.js'
import type { Logger } from '../../base/logger.js'
import type { SipEndpointInit, SipProtocol, TlsSettings, WsSettings } from '../types.js'
import { reachable } from './address.js'
import { openTcp, TCP } from './tcp.js'
import { openTls, tlsConnections } from './tls.js'
import type { SipTransport, TransportUser } from './transport.js'
import { openUdp } from './udp.js'
import { openWs } from './ws/ws.js'

/** The port that one protocol got may be taken in another. */
const MAX_ATTEMPTS = 10

interface OpenDeps {
  clock: Clock
  log: Logger
  user: TransportUser
}

type TransportsInit = Pick<SipEndpointInit, 'host' | 'listeners' | 'advertise' | 'tls' | 'ws'>

interface OpenInit {
  host: string
  /** Absent: it only opens connections. */
  port?: number
  advertise: (bound: HostPort) => HostPort
  tls: TlsSettings
  ws: WsSettings
}

/** Protocols that open connections also without a listener. */
const DIALLED: readonly SipProtocol[] = ['tcp', 'tls', 'ws', 'wss']

/**
 * Opens all listeners of an endpoint, or none, and what only opens connections. UDP and TCP share one number if any port will do. Rejects with
 * TRANSPORT and advice.
 */
export async function openTransports(deps: OpenDeps, init: TransportsInit): Promise<SipTransport[]> {
  const sharesPort = init.listeners.filter(isAnyPort).length > 1
  for (let attempt = 1; ; attempt++) {
    const opened: SipTransport[] = []
    try {
      await openAll(deps, init, opened)
      return opened
    } catch (error) {
      await Promise.all(opened.map((transport) => transport.close()))
      if (!sharesPort || !isPortTaken(error) || attempt >= MAX_ATTEMPTS) throw error
    }
  }
}

async function openAll(deps: OpenDeps, init: TransportsInit, opened: SipTransport[]): Promise<void> {
  const { host, listeners, tls = {}, ws = {} } = init
  let shared = 0
  for (const listener of listeners) {
    const port = isAnyPort(listener) ? shared : listener.port
    const advertise = (bound: HostPort): HostPort => advertised(init, listener.port, bound)
    const transport = await open(listener.protocol, deps, { host, port, advertise, tls, ws })
    opened.push(transport)
    if (isAnyPort(listener)) shared = transport.listener?.local.port ?? 0
  }
  for (const protocol of DIALLED) {
    const hasListener = listeners.some((listener) => listener.protocol === protocol)
    if (!hasListener) opened.push(await open(protocol, deps, { host, advertise: (bound) => bound, tls, ws }))
  }
}

function open(protocol: SipProtocol, deps: OpenDeps, init: OpenInit): Promise<SipTransport> {
  switch (protocol) {
    case 'udp':
      return openUdp(deps, { port: 0, ...init })
    case 'tcp':
      return openTcp(deps, init)
    case 'tls':
      return openTls(init.tls, deps, init)
    case 'ws':
      return openWs({ protocol, connections: TCP, settings: init.ws }, deps, init)
    case 'wss':
      return openWss(deps, init)
  }
}

async function openWss(deps: OpenDeps, init: OpenInit): Promise<SipTransport> {
  const connections = await tlsConnections(init.tls, deps, init.port !== undefined)
  try {
    return await openWs({ protocol: 'wss', connections, settings: init.ws }, deps, init)
  } catch (error) {
    connections.close?.()
    throw error
  }
}

/** The address that peers use. A public port is that of the first listener, and of the others with the same port. */
function advertised({ advertise, listeners }: TransportsInit, port: number, bound: HostPort): HostPort {
  const isFirst = listeners[0]?.port === port
  return {
    host: advertise?.host ?? reachable(bound.host),
    port: (isFirst ? advertise?.port : undefined) ?? bound.port,
  }
}

const isAnyPort = ({ protocol, port }: { protocol: SipProtocol; port: number }): boolean =>
  port === 0 && (protocol === 'udp' || protocol === 'tcp')

const isPortTaken = (error: unknown): boolean =>
  error instanceof TelephonyError && (error.cause as NodeJS.ErrnoException | undefined)?.code === 'EADDRINUSE'
