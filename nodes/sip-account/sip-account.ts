import type { AccountConfig, ProxyConfig, TransportConfig } from '../../src/engine/protocol.js'
import { type ConfigContext, defineConfig, referred } from '../shared/define-config.js'
import { isAddressRange, isAor, isCountryCode, isHeaderName, isPattern, isPrefix } from '../shared/editor/validate.js'
import { FieldError, reported } from '../shared/errors.js'
import { labelsOf } from '../shared/labels.js'
import type { RED } from '../shared/red.js'
import { flag, list, number, oneOf, requiredText, secondsAsMs, shaped, text } from '../shared/settings.js'
import { type AccountState, accountStatus, statusDot } from '../shared/status.js'
import { telephony } from '../shared/telephony.js'
import { automaticTransport } from '../shared/transport-config.js'
import { type Config, type Credentials, defaults } from './config.js'
import { migrations } from './migrations.js'
import { twinsOf } from './twins.js'

type Context = ConfigContext<AccountConfig, Credentials>

/**
 * A SIP identity: address, password, registrar, transport, codecs and limits. The account with its registration and its calls
 * survives deploys that do not change it. Deleting the node hangs up and unregisters.
 * Status nodes on the tabs of its users get `registered`, `failed 480` …
 */
export default function sipAccount(RED: RED): void {
  defineConfig<Config, AccountConfig, Credentials>(RED, {
    type: 'sip-account',
    defaults,
    migrations,
    credentials: { password: { type: 'password' } },
    parse,
    open: (account) => telephony.accounts.attach(account),
    close: ({ id }, removed) => telephony.accounts.detach(id, removed),
  })
  showStates(RED)
}

function parse(config: Config, context: Context): AccountConfig {
  const { RED, node, id } = context
  const transport =
    config.transport === '' ? automaticTransport() : referred<TransportConfig>(RED, 'transport', config.transport, node)
  const proxy = config.proxy === '' ? null : referred<ProxyConfig>(RED, 'proxy', config.proxy, node)
  const codecs = list(config.codecs).map((codec) => oneOf('codecs', codec, ['PCMA', 'PCMU']))
  if (codecs.length === 0) throw new FieldError('BAD_CONFIG', 'codecs', 'choose at least one')
  const aor = shaped('aor', requiredText('aor', config.aor), isAor, 'address. Write it like alice@example.com')
  const register = flag(config.register)
  return {
    id,
    name: text(config.name) || aor,
    transport,
    proxy,
    // Flows of older versions do not have this field.
    protocol: oneOf('protocol', config.protocol ?? defaults.protocol, ['auto', 'udp', 'tcp', 'tls', 'ws', 'wss']),
    aor,
    displayName: text(config.displayName),
    authUser: text(config.authUser),
    password: node.credentials?.password ?? '',
    realm: text(config.realm),
    registrar: text(config.registrar),
    register,
    // Fields that the form hides may hold invalid values.
    expiresSec: number('expires', register ? config.expires : defaults.expires, { min: 1, max: 86_400, integer: true }),
    codecs,
    ringTimeoutMs: secondsAsMs('ringTimeout', config.ringTimeout, { min: 1, max: 600 }),
    dtmfToneMs: number('dtmfTone', config.dtmfTone, { min: 40, max: 5_000, integer: true }),
    maxCalls: number('maxCalls', config.maxCalls, { min: 1, max: 10_000, integer: true }),
    maxCallsPerMinute: number('callsPerMinute', config.callsPerMinute, {
      min: 0,
      max: 10_000,
      integer: true,
      empty: 0,
    }),
    allowedTargets: list(config.allowedTargets).map((p) => shaped('allowedTargets', p, isPattern, 'pattern')),
    blockedTargets: list(config.blockedTargets).map((p) => shaped('blockedTargets', p, isPattern, 'pattern')),
    allowEmergency: flag(config.allowEmergency),
    inboundFrom: oneOf('inboundFrom', config.inboundFrom, ['known', 'anyone']),
    allowedSources: list(config.allowedSources).map((s) =>
      shaped('allowedSources', s, isAddressRange, 'IP address or network'),
    ),
    strangers: oneOf('strangers', config.strangers, ['silence', '403']),
    exposeHeaders: list(config.exposeHeaders).map((h) => shaped('exposeHeaders', h, isHeaderName, 'header name')),
    mediaTimeoutMs: secondsAsMs('mediaTimeout', config.mediaTimeout, { max: 86_400 }),
    // Flows of older versions do not have this field.
    abandonedAfterMs: secondsAsMs('abandonedAfter', config.abandonedAfter ?? defaults.abandonedAfter, { max: 86_400 }),
    dialPlan: {
      stripPrefix: shaped('stripPrefix', config.stripPrefix, isPrefix, 'prefix of digits'),
      addPrefix: shaped('addPrefix', config.addPrefix, isPrefix, 'prefix of digits'),
      countryCode: shaped('countryCode', config.countryCode, isCountryCode, 'country code').replace(/^(\+|00)/, ''),
    },
    transfers: oneOf('transfers', config.transfers ?? defaults.transfers, ['deny', 'flow', 'follow']),
    // Flows of older versions do not have these fields.
    reliableProvisional: oneOf('reliableProvisional', config.reliableProvisional ?? defaults.reliableProvisional, [
      'off',
      'supported',
      'required',
    ]),
    sessionExpiresSec: number('sessionExpires', config.sessionExpires ?? defaults.sessionExpires, {
      min: 0,
      max: 86_400,
      integer: true,
    }),
    delayedOffer: flag(config.delayedOffer ?? defaults.delayedOffer),
    outbound: flag(config.outbound ?? defaults.outbound),
    rewriteContact: flag(config.rewriteContact ?? defaults.rewriteContact),
    keepFlow: flag(config.keepFlow ?? defaults.keepFlow),
    redirects: oneOf('redirects', config.redirects, ['follow', 'own-domain', 'refuse']),
    callerIdBy: oneOf('callerIdBy', config.callerIdBy, ['from', 'pai', 'ppi']),
    dtmfMode: oneOf('dtmfMode', config.dtmfMode, ['auto', 'rfc4733', 'info']),
    // Flows of older versions do not have this field.
    mediaSource: oneOf('mediaSource', config.mediaSource ?? defaults.mediaSource, ['auto', 'latch']),
    orphanedCalls: oneOf('orphanedCalls', config.orphanedCalls, ['hangup', 'keep']),
  }
}

let showing: RED | undefined

/** Shows the account's state as the status of the node that has its id now. One listener for the lifetime of the process. */
function showStates(RED: RED): void {
  if (!showing) {
    // Status and Catch nodes get it through the account's users, so the users have to exist.
    telephony.accounts.on('change', (accountId, state) => {
      // A retry: the failure before it is shown already.
      if (state.state === 'registering' && telephony.accounts.shown(accountId) !== state) return
      void telephony.deploys.settled().then(() => showState(accountId, state))
    })
    telephony.deploys.on('started', warnOfTwins)
  }
  showing = RED
}

function showState(accountId: string, state: AccountState): void {
  const node = showing?.nodes.getNode(accountId)
  if (!showing || node?.type !== 'sip-account') return
  node.status(statusDot(accountStatus(state)))
  if (state.state === 'broken') node.error(reported(state.error, labelsOf(node.type)), {})
}

/** Pairs that were reported already. A pair is reported once while both accounts exist. */
let warned = new Set<string>()

function warnOfTwins(): void {
  const twins = twinsOf(telephony.accounts.configs())
  for (const [first, second] of twins) {
    if (warned.has(pairOf(first, second))) continue
    const { name, aor, transport } = second
    const other = first.name === name ? 'another account' : `the account ${first.name}`
    const [port = 0] = Object.values(transport.ports)
    const socket = port === 0 ? 'the same transport' : `the same port ${port}`
    const text = `Account ${name}: ${other} has the same address ${aor} on ${socket}. Calls reach only one of them. Delete one, or give it another address`
    showing?.nodes.getNode(second.id)?.warn(text)
  }
  warned = new Set(twins.map(([first, second]) => pairOf(first, second)))
}

const pairOf = (first: AccountConfig, second: AccountConfig): string => [first.id, second.id].sort().join()
