import { isIP } from 'node:net'
import { type AccountPeers, checkAccount } from '../account/account.js'
import { checkPatterns } from '../account/outbound-policy.js'
import { TelephonyError } from '../base/errors.js'
import { MAX_PORT } from '../base/limits.js'
import type { SipProtocol } from '../sip/types.js'
import { parseAdvertised } from './endpoints.js'
import type { Destination } from './local-address.js'
import { checkMediaAddress } from './media-address.js'
import type { AccountConfig, InboundRule, TransferPolicy, TransportConfig } from './protocol.js'
import { parseStunServer } from './public-address.js'
import { listenersOf, STREAMS } from './transport-ports.js'
import { socketTls } from './transport-tls.js'

const TRANSFERS: readonly string[] = ['deny', 'flow', 'follow'] satisfies TransferPolicy[]
const MIN_KEEP_ALIVE_MS = 5_000
const MAX_KEEP_ALIVE_MS = 3_600_000
const ANY_ADDRESSES = ['0.0.0.0', '::']

/** The settings whose change requires a new account; others (names, codecs, times) are read when they are needed. */
export function wireSettings(config: AccountConfig): unknown {
  const { transport, proxy } = config
  return {
    ...config,
    name: '',
    codecs: [],
    ringTimeoutMs: 0,
    dtmfToneMs: 0,
    exposeHeaders: [],
    mediaTimeoutMs: 0,
    abandonedAfterMs: 0,
    orphanedCalls: '',
    dialPlan: null,
    transfers: 'deny',
    delayedOffer: false,
    redirects: '',
    callerIdBy: '',
    dtmfMode: '',
    maxCallsPerMinute: 0,
    allowedTargets: [],
    blockedTargets: [],
    allowEmergency: false,
    transport: { ...transport, name: '', rtpPortMin: 0, rtpPortMax: 0, tls: socketTls(transport), trace: false },
    proxy: proxy ? proxy.hops : null,
  }
}

/** Destination of the first packet of this account. */
export function firstDestination({ transport }: AccountConfig, { next, protocol }: AccountPeers): Destination {
  const first = protocol ?? listenersOf(transport)[0]?.protocol ?? 'udp'
  return { ...next, protocol: first, ipVersion: transport.ipVersion ?? 'prefer-4' }
}

function checkTransport(transport: TransportConfig, { protocol }: AccountPeers): void {
  const bind = transport.bindAddress.trim()
  const version = transport.ipVersion ?? 'prefer-4'
  if (bind !== '' && isIP(bind) === 0) {
    throw new TelephonyError('BAD_CONFIG', `“${bind}” is not a valid IP address. Use one like 192.0.2.1 or ::1`)
  }
  const isOnly = version === '4' || version === '6'
  if (bind !== '' && isOnly && String(isIP(bind)) !== version) {
    throw new TelephonyError(
      'BAD_CONFIG',
      `${bind} is not an IPv${version} address, and the IP version is IPv${version} only`,
    )
  }
  const listeners = listenersOf(transport)
  const has = listeners.map((listener) => listener.protocol.toUpperCase()).join(' and ')
  if (protocol === 'udp' && transport.ports.udp === undefined) {
    throw new TelephonyError(
      'BAD_CONFIG',
      `the account uses UDP, but its transport has ${has || 'no port'}. Choose another protocol, or give the transport a UDP port`,
    )
  }
  if (protocol === undefined && listeners.length === 0) {
    throw new TelephonyError(
      'BAD_CONFIG',
      'the transport has no port, and the account does not name a protocol. Choose a protocol for the account, or give the transport a port',
    )
  }
}

/** TCP, TLS, WS and WSS all listen by TCP: each needs a port of its own. */
function checkPorts(transport: TransportConfig): void {
  const users = new Map<number, SipProtocol>()
  for (const { protocol, port } of listenersOf(transport)) {
    if (!(port >= 0 && port <= MAX_PORT))
      throw new TelephonyError('BAD_CONFIG', `port ${port} is not between 0 and ${MAX_PORT}`)
    if (port === 0 || !STREAMS.includes(protocol)) continue
    const other = users.get(port)
    if (other) {
      const both = `${other.toUpperCase()} and ${protocol.toUpperCase()}`
      throw new TelephonyError(
        'BAD_CONFIG',
        `${both} cannot use the same port ${port}. Use another port for one of them`,
      )
    }
    users.set(port, protocol)
  }
}

/** RFC 3261 21.3: a 3xx would have to name addresses, which a rule does not have. */
export function checkedRule(rule: InboundRule): InboundRule {
  const { mode, rejectStatus } = rule
  if (mode !== 'reject' || (Number.isInteger(rejectStatus) && rejectStatus >= 400 && rejectStatus <= 699)) return rule
  throw new TelephonyError('BAD_CONFIG', `${rejectStatus} cannot refuse a call. Use a SIP status from 400 to 699.`)
}

/** RFC 4028 5: 90 s at least. */
function checkSession({ sessionExpiresSec = 0 }: AccountConfig): void {
  const isValid = Number.isInteger(sessionExpiresSec) && (sessionExpiresSec === 0 || sessionExpiresSec >= 90)
  if (isValid && sessionExpiresSec <= 86_400) return
  throw new TelephonyError(
    'BAD_CONFIG',
    `a session timer of ${sessionExpiresSec} s is not possible. Use 90 to 86400 s, or 0 for none`,
  )
}

/** Checks that need no open socket. Throws BAD_CONFIG with the reason. */
export function checkConfig(config: AccountConfig): AccountPeers {
  const { transport, codecs } = config
  const portsFit =
    transport.rtpPortMin > 0 && transport.rtpPortMax <= MAX_PORT && transport.rtpPortMax > transport.rtpPortMin
  if (!portsFit)
    throw new TelephonyError(
      'BAD_CONFIG',
      `the RTP port range ${transport.rtpPortMin}-${transport.rtpPortMax} is not valid. Use at least two ports between 1 and ${MAX_PORT}`,
    )
  checkPorts(transport)
  if (ANY_ADDRESSES.includes(transport.bindAddress.trim()) && transport.publicAddress.trim() === '') {
    // RFC 3261 18.1.1, RFC 4566 5.7: Via, Contact and SDP must contain an address that peers can reach.
    throw new TelephonyError(
      'BAD_CONFIG',
      `the bind address ${transport.bindAddress.trim()} needs a public address. Set one, or leave the bind address empty`,
    )
  }
  parseAdvertised(transport.publicAddress)
  checkMediaAddress(transport.mediaAddress)
  const { keepAliveMs } = transport
  if (
    keepAliveMs !== undefined &&
    keepAliveMs !== 0 &&
    !(keepAliveMs >= MIN_KEEP_ALIVE_MS && keepAliveMs <= MAX_KEEP_ALIVE_MS)
  ) {
    throw new TelephonyError(
      'BAD_CONFIG',
      `a keep-alive every ${keepAliveMs} ms is not possible. Use 5 s to one hour, or 0 for none`,
    )
  }
  if (transport.stunServer?.trim()) parseStunServer(transport.stunServer)
  if (!TRANSFERS.includes(config.transfers ?? 'deny'))
    throw new TelephonyError('BAD_CONFIG', `transfers “${config.transfers}” is not valid. Use deny, flow or follow`)
  if (codecs.length === 0) throw new TelephonyError('BAD_CONFIG', 'the account has no codec. Choose at least one')
  checkPatterns(config)
  checkSession(config)
  const peers = checkAccount(config)
  checkTransport(transport, peers)
  return peers
}
