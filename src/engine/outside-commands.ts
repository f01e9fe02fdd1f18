import type { Clock } from '../base/clock.js'
import { Outside } from '../outside/outside.js'
import type { Place } from '../outside/places.js'
import type { MessageEvent, PeerEvent, SubscriptionEvent } from '../outside/protocol.js'
import type { AccountEntry } from './account-entry.js'
import type { EngineAccounts } from './engine-accounts.js'
import type { EngineCalls } from './engine-calls.js'

interface OutsideCommandsDeps {
  clock: Clock
  accounts: Pick<EngineAccounts, 'get'>
  calls: Pick<EngineCalls, 'targetOf'>
  message: (event: MessageEvent) => void
  peer: (event: PeerEvent) => void
  subscription: (event: SubscriptionEvent) => void
}

/** The commands outside of calls, on the engine's accounts. */
export const outsideOf = ({ accounts, calls, ...deps }: OutsideCommandsDeps): Outside =>
  new Outside({ ...deps, place: (accountId) => placeOf(accounts.get(accountId), calls) })

function placeOf(entry: AccountEntry, calls: OutsideCommandsDeps['calls']): Place {
  const { account, config, lease } = entry
  const { aor, routeSet, registrar } = account.peers
  return {
    userAgent: account.userAgent,
    host: lease.endpoint.advertised.host,
    aor: aor.uri,
    server: routeSet[0]?.replace(/^<|>.*$/g, '') ?? registrar,
    exposed: config.exposeHeaders,
    target: (text) => account.target(text, config.dialPlan),
    allowedTarget: (text) => calls.targetOf(entry, text),
  }
}
