import type { SipProtocol } from '../sip/types.js'
import type { TransportConfig } from './protocol.js'

/** In order of preference. */
export const PROTOCOLS: readonly SipProtocol[] = ['udp', 'tcp', 'tls', 'ws', 'wss']

/** Those that listen by TCP. */
export const STREAMS: readonly SipProtocol[] = ['tcp', 'tls', 'ws', 'wss']

export interface ListeningPort {
  protocol: SipProtocol
  /** 0: any free port. */
  port: number
}

/** The ports that a transport listens on, the preferred protocol first. */
export const listenersOf = ({ ports }: Pick<TransportConfig, 'ports'>): ListeningPort[] =>
  PROTOCOLS.flatMap((protocol) => {
    const port = ports[protocol]
    return port === undefined ? [] : [{ protocol, port }]
  })

/** Whether it takes free ports, so that two transports with the same settings are still two. */
export const hasAnyPort = (transport: Pick<TransportConfig, 'ports'>): boolean =>
  listenersOf(transport).some(({ port }) => port === 0)
