import { TelephonyError } from '../../base/errors.js'
import { type HostPort, hostPort } from '../../base/host-port.js'

import { TlsError } from './tls/tls-error.js'

const HINTS = new Map([
  ['EADDRINUSE', 'another program, or another transport node, uses this address: choose another port (or 0 for any)'],
  ['EADDRNOTAVAIL', 'this machine has no such address: choose one of its own, or 0.0.0.0'],
  ['EACCES', 'ports below 1024 need privileges: choose another port'],
])

export function bindError(protocol: string, error: NodeJS.ErrnoException, init: HostPort): TelephonyError {
  const hint = HINTS.get(error.code ?? '') ?? error.message
  return new TelephonyError('TRANSPORT', `cannot listen on ${protocol} ${hostPort(init)}: ${hint}`, {
    cause: Object.assign(error, { protocol }),
  })
}

export function sendError(to: { protocol: string } & HostPort, error: Error): TelephonyError {
  // A reason of TLS names the peer.
  const message =
    error instanceof TlsError ? error.message : `cannot send to ${to.protocol} ${hostPort(to)}: ${error.message}`
  return new TelephonyError('TRANSPORT', message, { cause: error })
}

export const closedError = (): TelephonyError => new TelephonyError('CLOSED', 'the SIP endpoint is closed')
