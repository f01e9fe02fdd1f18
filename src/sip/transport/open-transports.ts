import { TelephonyError } from '../../base/errors.js'
import type { TransportProtocol } from '../types.js'
import { openTcp, type TcpDeps } from './tcp.js'
import type { LocalAddress, SipTransport } from './transport.js'
import { openUdp } from './udp.js'

/** The port that one protocol got may be taken in another. */
const MAX_ATTEMPTS = 10

type OpenProtocol = Exclude<TransportProtocol, 'udp+tcp'>

const OPEN: Record<OpenProtocol, (deps: TcpDeps, init: LocalAddress) => Promise<SipTransport>> = {
  udp: openUdp,
  tcp: openTcp,
}

/** In order of preference. */
const protocolsOf = (protocol: TransportProtocol): OpenProtocol[] => protocol.split('+') as OpenProtocol[]

/** Opens all protocols of an endpoint at the same port, or none. Rejects with TRANSPORT and what to do. */
export async function openTransports(
  deps: TcpDeps,
  init: LocalAddress & { protocol: TransportProtocol },
): Promise<SipTransport[]> {
  for (let attempt = 1; ; attempt++) {
    const opened: SipTransport[] = []
    try {
      for (const protocol of protocolsOf(init.protocol)) {
        const port = opened[0]?.local.port ?? init.port
        opened.push(await OPEN[protocol](deps, { host: init.host, port }))
      }
      return opened
    } catch (error) {
      await Promise.all(opened.map((transport) => transport.close()))
      if (!mayTryAgain(error, init.port, opened.length) || attempt >= MAX_ATTEMPTS) throw error
    }
  }
}

const mayTryAgain = (error: unknown, wantedPort: number, opened: number): boolean =>
  wantedPort === 0 &&
  opened > 0 &&
  error instanceof TelephonyError &&
  (error.cause as NodeJS.ErrnoException | undefined)?.code === 'EADDRINUSE'
