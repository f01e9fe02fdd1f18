import { randomUUID } from 'node:crypto'
import type { AccountConfig, TransportConfig } from '../engine/protocol.js'
import { bracketed, type Listen, parseListen, protocolsFrom } from './listen.js'
import { type Options, UsageError } from './options.js'

const DEFAULT_USER = 'ringflow'
const DEFAULT_RTP = { min: 16_384, max: 32_766 }
const RING_TIMEOUT_MS = 30_000
const MEDIA_TIMEOUT_MS = 20_000
const CODECS = ['PCMA', 'PCMU'] as const

export interface AccountDefaults {
  /** Host of what is called, where there is no server. */
  targetHost?: string
  target?: string
  register: boolean
  anyUser?: boolean
  /** Whether callers may come from anywhere when nobody said. */
  inboundFrom?: 'known' | 'anyone'
}

/** One account of one engine, from what was typed. */
export function accountFrom(options: Options, version: string, defaults: AccountDefaults): AccountConfig {
  const listen = parseListen(options.text('listen'))
  const server = options.text('server') ?? ''
  const user = options.text('user') ?? DEFAULT_USER
  const domain = server || defaults.targetHost || bracketed(listen.host) || '127.0.0.1'
  // Calls to numbers of user@domain go where the registration goes: the domain need not be a machine.
  const elsewhere = user.includes('@') && server !== '' && !user.endsWith(`@${server}`)
  const proxy = options.text('outbound-proxy') ?? (elsewhere ? server : undefined)
  const inbound = inboundFrom(options.text('from'), defaults.inboundFrom ?? 'known')
  const protocols = protocolsFrom(options, listen, [proxy, server, defaults.target])
  return {
    // Unguessable, because the contact is made from it.
    id: randomUUID(),
    name: 'ringflow',
    transport: transportFrom(options, { ...listen, protocol: protocols.transport }, version),
    protocol: protocols.account,
    proxy: proxy ? { id: 'proxy', name: 'proxy', hops: proxy.split(',').map(hopFrom) } : null,
    aor: user.includes('@') ? user : `${user}@${domain.replace(/^sip:/i, '').replace(/;.*$/, '')}`,
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
    orphanedCalls: 'hangup',
  }
}

function hopFrom(text: string): string {
  const hop = text.trim()
  return /^sip:/i.test(hop) ? hop : `sip:${hop};lr`
}

function transportFrom(options: Options, listen: Listen, version: string): TransportConfig {
  const rtp = parseRange(options.text('rtp-ports'))
  return {
    id: 'transport',
    name: 'transport',
    protocol: listen.protocol ?? 'udp',
    ipVersion: options.flag('ipv6') ? '6' : 'auto',
    bindAddress: listen.host,
    bindPort: listen.port,
    publicAddress: options.text('public-address') ?? '',
    userAgent: `ringflow/${version}`,
    rtpPortMin: rtp.min,
    rtpPortMax: rtp.max,
  }
}

function parseRange(text: string | undefined): { min: number; max: number } {
  if (text === undefined) return DEFAULT_RTP
  const [, min, max] = /^(\d{1,5})-(\d{1,5})$/.exec(text) ?? []
  if (!min || !max || Number(min) >= Number(max) || Number(max) > 65_535) {
    throw new UsageError(`--rtp-ports ${text}: write it like 16384-32766`)
  }
  return { min: Number(min), max: Number(max) }
}

function codecsFrom(text: string | undefined): AccountConfig['codecs'] {
  const names = (text ?? CODECS.join()).split(',').map((name) => name.trim().toUpperCase())
  return names.map((name) => {
    const codec = CODECS.find((known) => known === name)
    if (!codec) throw new UsageError(`--codecs ${text}: known are ${CODECS.join(', ')}`)
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
