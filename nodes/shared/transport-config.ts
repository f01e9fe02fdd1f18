/** Converts a transport's settings for the engine. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { TransportConfig } from '../../src/engine/protocol.js'
import { isHost, isHostPort, isIp, isOrigin, isUrlPath } from './editor/validate.js'
import { FieldError } from './errors.js'
import { flag, list, number, oneOf, secondsAsMs, shaped, text } from './settings.js'

/** The settings of a `sip-transport` node. */
export const defaults = {
  version: 3,
  name: '',
  /** '' : no listener for this protocol. '0': any free port. */
  udpPort: '5060',
  tcpPort: '',
  tlsPort: '',
  wsPort: '',
  wssPort: '',
  /** Applies if `bindAddress` is empty. `prefer-…` falls back to the other version. */
  ipVersion: 'prefer-4' as 'prefer-4' | 'prefer-6' | '4' | '6',
  /** '' : the address this machine uses to reach the account's proxy or registrar. */
  bindAddress: '',
  /** PEM files, below the user directory unless absolute. Without a certificate, TLS and WSS listen with that of Node-RED. */
  tlsCertificate: '',
  tlsKey: '',
  /** '' : the public authorities. */
  tlsCa: '',
  tlsVerify: 'name' as 'name' | 'chain' | 'off',
  tlsWildcards: false,
  /** Whether peers that connect are asked for a certificate. */
  tlsClients: 'off' as 'off' | 'request' | 'require',
  /** Origins of web pages, separated by commas; '' : pages of the same host. */
  wsOrigins: '',
  wsPath: '/',
  publicAddress: '',
  stunServer: '',
  mediaAddress: '',
  /** Seconds; '' : 25 by UDP, 95 to 120 by connections. '0': none. */
  keepAlive: '',
  userAgent: '',
  rtpPortMin: '10000',
  rtpPortMax: '20000',
  /** SIP messages go to Node-RED's log. */
  trace: false,
}
export type Config = typeof defaults
export interface Credentials {
  tlsPassphrase?: string
}

interface TransportContext {
  id: string
  /** Folder of relative file names. */
  folder?: string
  credentials?: Credentials | undefined
}

/** All accounts without a transport share this one. */
export const automaticTransport = (): TransportConfig => parseTransport(defaults, { id: 'automatic' })

export function parseTransport(config: Config, context: TransportContext): TransportConfig {
  const port = (field: string, value: string, min: number) => number(field, value, { min, max: 65_535, integer: true })
  const [rtpPortMin, rtpPortMax] = [
    port('rtpPortMin', config.rtpPortMin, 1024),
    port('rtpPortMax', config.rtpPortMax, 1024),
  ]
  // RFC 3550 11: a call takes two ports, an even one for RTP and the next one for RTCP.
  if (rtpPortMax - rtpPortMin < 1) {
    throw new FieldError(
      'BAD_CONFIG',
      'rtpPortMax',
      `${rtpPortMax} must be greater than the first RTP port, ${rtpPortMin}`,
    )
  }
  return {
    id: context.id,
    name: text(config.name),
    ports: portsOf(config),
    ipVersion: oneOf('ipVersion', config.ipVersion, ['prefer-4', 'prefer-6', '4', '6']),
    bindAddress: shaped('bindAddress', config.bindAddress, isIp, 'IP address'),
    publicAddress: shaped('publicAddress', config.publicAddress, isHostPort, 'host or host:port'),
    stunServer: shaped('stunServer', config.stunServer, isHostPort, 'host or host:port'),
    mediaAddress: shaped('mediaAddress', config.mediaAddress, (host) => isHost(host) || isIp(host), 'host'),
    ...keepAliveOf(config),
    ...tlsOf(config, context),
    ...wsOf(config),
    ...(flag(config.trace) && { trace: true }),
    userAgent: text(config.userAgent) || ownName(),
    rtpPortMin,
    rtpPortMax,
  }
}

function portsOf(config: Config): TransportConfig['ports'] {
  const ports: TransportConfig['ports'] = {}
  for (const protocol of ['udp', 'tcp', 'tls', 'ws', 'wss'] as const) {
    const field = `${protocol}Port` as const
    if (text(config[field]) !== '') ports[protocol] = number(field, config[field], { max: 65_535, integer: true })
  }
  return ports
}

function keepAliveOf({ keepAlive }: Config): Pick<TransportConfig, 'keepAliveMs'> {
  if (text(keepAlive) === '') return {}
  const min = text(keepAlive) === '0' ? 0 : 5
  return { keepAliveMs: secondsAsMs('keepAlive', keepAlive, { min, max: 3_600 }) }
}

function tlsOf(config: Config, { folder = '', credentials }: TransportContext): Pick<TransportConfig, 'tls'> {
  const file = (name: string) => (text(name) === '' ? undefined : { file: resolve(folder, text(name)) })
  const [certificate, key, ca] = [config.tlsCertificate, config.tlsKey, config.tlsCa].map(file)
  if (certificate && !key)
    throw new FieldError('BAD_CONFIG', 'tlsKey', 'must not be empty, because the certificate needs it')
  if (key && !certificate)
    throw new FieldError('BAD_CONFIG', 'tlsCertificate', 'must not be empty, because the key needs it')
  const passphrase = credentials?.tlsPassphrase
  const verify = oneOf('tlsVerify', config.tlsVerify, ['name', 'chain', 'off'])
  const clientCertificate = oneOf('tlsClients', config.tlsClients, ['off', 'request', 'require'])
  const tls: NonNullable<TransportConfig['tls']> = {
    ...(certificate && key && { pair: { certificate, key, ...(passphrase && { passphrase }) } }),
    ...(ca && { ca }),
    ...(verify !== 'name' && { verify }),
    ...(flag(config.tlsWildcards) && { allowWildcards: true }),
    ...(clientCertificate !== 'off' && { clientCertificate }),
  }
  return Object.keys(tls).length > 0 ? { tls } : {}
}

function wsOf(config: Config): Pick<TransportConfig, 'ws'> {
  const origins = list(config.wsOrigins).map((origin) => shaped('wsOrigins', origin, isOrigin, 'origin of a web page'))
  const path = shaped('wsPath', config.wsPath, isUrlPath, 'path of a URL') || '/'
  const ws = { ...(origins.length > 0 && { origins }), ...(path !== '/' && { path }) }
  return Object.keys(ws).length > 0 ? { ws } : {}
}

/** The User-Agent for an empty setting. This file runs as dist/nodes/shared/transport-config.js. */
function ownName(): string {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')
  return `Ringflow/${(JSON.parse(text) as { version: string }).version}`
}
