import type { TransportConfig } from './protocol.js'

/** The TLS settings of a transport without the PEM texts: a renewed certificate needs no new socket. */
export const socketTls = ({ tls }: Pick<TransportConfig, 'tls'>): unknown =>
  tls && JSON.parse(JSON.stringify(tls, (key, value: unknown) => (key === 'pem' ? '' : value)))
