import { type Family, literalAddress } from './transport/address.js'
import { protocolOf } from './transport/reach.js'
import type { Resolve } from './transport/resolver.js'
import type { SipProtocol, Target } from './types.js'
import { DEFAULT_PORT, type SipUri } from './uri/sip-uri.js'

export interface NextHops {
  targets(
    uri: SipUri,
    rules: { protocols: readonly SipProtocol[]; prefer?: SipProtocol; family: Family },
  ): readonly Target[] | Promise<readonly Target[]>
  worked(target: Target): void
  failed(target: Target, retryAfterSec?: number): void
}

export const nextHopsBy = (resolve: Resolve): NextHops => ({
  targets(uri, { protocols, prefer, family }) {
    const named = protocolOf(uri)
    const protocol = named && named !== 'none' ? named : (prefer ?? protocols[0] ?? 'udp')
    const port = uri.port ?? (protocol === 'tls' ? 5061 : DEFAULT_PORT)
    const host = literalAddress(uri.host)
    if (host !== undefined) return [{ protocol, host, port }]
    return resolve(uri.host, family).then((address) => [{ protocol, host: address, port, name: uri.host }])
  },
  worked() {},
  failed() {},
})
