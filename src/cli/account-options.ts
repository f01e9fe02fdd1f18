import { randomUUID } from 'node:crypto'
import { MAX_PORT } from '../base/limits.js'
import type { AccountConfig, IpVersion, TransportConfig } from '../engine/protocol.js'
import { checkIdentity } from './addresses.js'
import { bracketed, parseListen, protocolsFrom } from './listen.js'
import { type Options, UsageError } from './options.js'
import { tlsFrom, wsFrom } from './tls-options.js'

const DEFAULT_USER = 'ringflow'
const DEFAULT_RTP = { min: 16_384, max: 32_766 }
/** Number of calls that the range from --rtp-start-port holds, two ports each. */
const CALLS_OF_START_PORT = 100
const RING_TIMEOUT_MS = 30_000
const MEDIA_TIMEOUT_MS = 20_000
const CODECS = ['PCMA', 'PCMU'] as const

export interface AccountDefaults {
  /** Host of the target; used without a server. */
  targetHost?: string
  target?: string
  register: boolean
  anyUser?: boolean
  /** Accepted callers without `--from`. */
  inboundFrom?: 'known' | 'anyone'
}

/** The account of this run, from the options. */
export function accountFrom(options: Options, version: string, defaults: AccountDefaults): AccountConfig {
  checkIdentity(options)
  const listen = parseListen(options.text('listen'))
  const server = options.text('server') ?? ''
  const user = options.text('user') ?? DEFAULT_USER
  const domain = server || defaults.targetHost || bracketed(listen.host) || '127.0.0.1'
  const proxy = options.text('outbound-proxy')
  const inbound = inboundFrom(options.text('from'), defaults.inboundFrom ?? 'known')
  const protocols = protocolsFrom(options, listen, [proxy, server, defaults.target])
  return {
    // Random, because the contact is derived from it and must not be guessed.
    id: randomUUID(),
    name: 'ringflow',
    transport: transportFrom(options, { host: listen.host, ports: protocols.ports }, version),
    protocol: protocols.account,
    proxy: proxy ? { id: 'proxy', name: 'proxy', hops: [proxy] } : null,
    aor: user.includes('@') ? user : `${user}@${domain.replace(/^sips?:/i, '').replace(/;.*$/, '')}`,
    displayName: options.text('display-name') ?? '',
    authUser: options.text('auth-user') ?? '',
    password: options.password(),
    realm: options.text('realm') ?? '',
    registrar: server,
    register: defaults.register,
    expiresSec: options.integer('expires', 1, 86_400) ?? 600,
    codecs: codecsFrom(options.text('codecs')),
    ringTimeoutMs: options.durationMs('ring-timeout') ?? RING_TIMEOUT_MS,
    dtmfToneMs: 160,
    anyUser: defaults.anyUser ?? false,
    maxCalls: options.integer('max-calls', 1, 10_000) ?? 10,
    allowEmergency: options.flag('allow-emergency'),
    ...inbound,
    exposeHeaders: [],
    mediaTimeoutMs: MEDIA_TIMEOUT_MS,
    mediaSource: options.oneOf('audio-from', ['sdp', 'any'] as const) === 'any' ? 'any' : 'auto',
    orphanedCalls: 'hangup',
  }
}

function transportFrom(
  options: Options,
  { host, ports }: { host: string; ports: TransportConfig['ports'] },
  version: string,
): TransportConfig {
  const rtp = rtpPortsFrom(options)
  return {
    id: 'transport',
    name: 'transport',
    ipVersion: ipVersionFrom(options),
    bindAddress: host,
    ports,
    publicAddress: options.text('public-address') ?? '',
    stunServer: options.text('stun-server') ?? '',
    mediaAddress: options.text('media-address') ?? '',
    userAgent: options.text('user-agent') ?? `ringflow/${version}`,
    ...keepAliveFrom(options),
    ...tlsFrom(options, ports),
    ...wsFrom(options),
    rtpPortMin: rtp.min,
    rtpPortMax: rtp.max,
  }
}

function keepAliveFrom(options: Options): Pick<TransportConfig, 'keepAliveMs'> {
  const seconds = options.integer('keep-alive', 0, 3_600)
  return seconds === undefined ? {} : { keepAliveMs: seconds * 1_000 }
}

function ipVersionFrom(options: Options): IpVersion {
  if (options.flag('ipv6-only')) return '6'
  return options.flag('ipv6') ? 'prefer-6' : 'prefer-4'
}

function rtpPortsFrom(options: Options): { min: number; max: number } {
  const range = options.text('rtp-ports')
  const first = options.integer('rtp-start-port', 1024, MAX_PORT - 1)
  if (first === undefined) return range === undefined ? DEFAULT_RTP : parseRange(range)
  if (range !== undefined) throw new UsageError('use either --rtp-ports or --rtp-start-port, not both')
  const calls = Math.max(CALLS_OF_START_PORT, options.integer('max-calls', 1, 10_000) ?? 0)
  return { min: first, max: Math.min(MAX_PORT, first + 2 * calls - 1) }
}

function parseRange(text: string): { min: number; max: number } {
  const [, min, max] = /^(\d{1,5})-(\d{1,5})$/.exec(text) ?? []
  if (!min || !max || Number(min) >= Number(max) || Number(max) > MAX_PORT) {
    throw new UsageError(`--rtp-ports ${text} is not a valid range. Use one like 16384-32766`)
  }
  return { min: Number(min), max: Number(max) }
}

function codecsFrom(text: string | undefined): AccountConfig['codecs'] {
  const names = (text ?? CODECS.join()).split(',').map((name) => name.trim().toUpperCase())
  return names.map((name) => {
    const codec = CODECS.find((known) => known === name)
    if (!codec) throw new UsageError(`--codecs ${text}: the codec “${name}” is not supported. Use ${CODECS.join(', ')}`)
    return codec
  })
}

function inboundFrom(
  text: string | undefined,
  byDefault: 'known' | 'anyone',
): Pick<AccountConfig, 'inboundFrom' | 'allowedSources'> {
  if (text === undefined) return { inboundFrom: byDefault, allowedSources: [] }
  if (text === 'anyone') return { inboundFrom: 'anyone', allowedSources: [] }
  const allowedSources = text.split(',').map((source) => source.trim())
  return { inboundFrom: 'known', allowedSources }
}
