import { accessSync, constants } from 'node:fs'
import { resolve } from 'node:path'
import type { TransportConfig } from '../engine/protocol.js'
import { type Options, UsageError } from './options.js'

/** What is said of --tls-insecure at each start. */
export const INSECURE =
  'warning: --tls-insecure: certificates are not checked, so anyone on the way can listen to calls and change them. Use --tls-ca instead'

/** Certificates and the rules for them. */
export function tlsFrom(options: Options, ports: TransportConfig['ports']): Pick<TransportConfig, 'tls'> {
  const certificate = fileFrom(options, 'tls-cert')
  const key = fileFrom(options, 'tls-key')
  const ca = fileFrom(options, 'tls-ca')
  if (certificate && !key)
    throw new UsageError(`--tls-cert ${certificate.file}: its key is missing. Add --tls-key <file>`)
  if (key && !certificate)
    throw new UsageError(`--tls-key ${key.file}: its certificate is missing. Add --tls-cert <file>`)
  const listener = ports.tls === undefined ? (ports.wss === undefined ? undefined : 'WSS') : 'TLS'
  if (listener && !certificate)
    throw new UsageError(
      `a ${listener} port needs a certificate. Add --tls-cert <file> and --tls-key <file>, both in PEM format`,
    )
  const passphrase = options.text('tls-passphrase')
  const pair = certificate && key && { certificate, key, ...(passphrase === undefined ? {} : { passphrase }) }
  const isInsecure = options.flag('tls-insecure')
  if (!pair && !ca && !isInsecure) return {}
  return { tls: { ...(pair && { pair }), ...(ca && { ca }), ...(isInsecure && { verify: 'off' }) } }
}

/** Web pages that may connect, and the path of servers. */
export function wsFrom(options: Options): Pick<TransportConfig, 'ws'> {
  const origins = options
    .text('ws-origin')
    ?.split(',')
    .map((origin) => origin.trim())
  const path = options.text('ws-path')
  if (origins === undefined && path === undefined) return {}
  return { ws: { ...(origins && { origins }), ...(path !== undefined && { path }) } }
}

function fileFrom(options: Options, name: string): { file: string } | undefined {
  const text = options.text(name)
  if (text === undefined) return undefined
  const file = resolve(text)
  try {
    accessSync(file, constants.R_OK)
  } catch {
    throw new UsageError(`--${name} ${text}: the file cannot be read. Check its name and permissions`)
  }
  return { file }
}
