import { createServer } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { TelephonyError } from '../../base/errors.js'
import type { TlsSettings } from '../types.js'
import {
  openStreamTransport,
  type StreamKind,
  type StreamTransportDeps,
  type StreamTransportInit,
} from './stream-transport.js'
import { TlsAcceptor } from './tls/tls-acceptor.js'
import { TlsClient, VERIFIED } from './tls/tls-client.js'
import { TlsFiles } from './tls/tls-files.js'
import type { SipTransport } from './transport.js'

/** SIP over TLS (RFC 3261 26.2, RFC 5922). Rejects with BAD_CONFIG if a file cannot be used. */
export async function openTls(
  settings: TlsSettings,
  deps: StreamTransportDeps,
  init: StreamTransportInit,
): Promise<SipTransport> {
  const kind = await tlsConnections(settings, deps, init.port !== undefined)
  try {
    return await openStreamTransport(kind, deps, init)
  } catch (error) {
    kind.close?.()
    throw error
  }
}

/** Connections by TLS, for SIP or for what else begins with them. */
export async function tlsConnections(
  settings: TlsSettings,
  deps: Pick<StreamTransportDeps, 'clock' | 'log'>,
  listens: boolean,
): Promise<StreamKind> {
  if (listens && !settings.pair) {
    throw new TelephonyError('BAD_CONFIG', 'a TLS listener needs a certificate: set its file and the file of its key')
  }
  const { clock, log } = deps
  const files = await TlsFiles.open({ clock, log }, settings)
  const client = new TlsClient({ clock, files }, settings)
  const acceptors = new Set<TlsAcceptor>()
  return {
    protocol: 'tls',
    readyEvent: VERIFIED,
    createServer: (ready) => {
      const acceptor = new TlsAcceptor({ clock, log, files, secured: ready }, settings)
      acceptors.add(acceptor)
      return createServer((socket) => acceptor.accept(socket))
    },
    connect: (to, { localAddress }) => client.connect(to, localAddress === undefined ? {} : { localAddress }),
    serves: (socket, name) => client.serves(socket as TLSSocket, name),
    reasonOf: (error, to) => client.reasonOf(error, to),
    renewTls: (renewed) => files.use(renewed),
    close: () => {
      for (const acceptor of acceptors) acceptor.close()
      files.close()
    },
  }
}
