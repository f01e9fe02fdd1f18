import type { Clock } from '../base/clock.js'
import { TelephonyError } from '../base/errors.js'
import { documentOf, isKnownPackage } from '../presence/packages.js'
import type { IncomingSubscription, Notifier, SipBody } from '../sip/types.js'
import type { SubscriptionEvent } from './protocol.js'

interface NotifiersDeps {
  clock: Clock
  tell: (event: SubscriptionEvent) => void
}

export interface PublishedState {
  state: unknown
  contentType?: string | undefined
}

interface Subscriber {
  notifier: Notifier
  resource: string
  /** RFC 4235 4.1: of the documents of this subscription. */
  version: number
  entity: string
}

/** The state of one event package of one account, and its subscribers. */
interface Published {
  /** By user of the subscribed address; '' for all others. */
  states: Map<string, PublishedState>
  subscribers: Set<Subscriber>
}

/** More subscribers than this of one account are refused. */
const MAX_SUBSCRIBERS = 1_000

/** The states that our accounts show to subscribers (RFC 6665 4.2). */
export class Notifiers {
  readonly #deps: NotifiersDeps
  readonly #accounts = new Map<string, Map<string, Published>>()

  constructor(deps: NotifiersDeps) {
    this.#deps = deps
  }

  /** Returns the number of subscribers that get it. Throws BAD_ARGUMENT. */
  set(accountId: string, event: string, resource: string, published: PublishedState): number {
    const isGone = published.state === null
    if (!isGone) checkState(event, published)
    const packages = this.#accounts.get(accountId) ?? new Map<string, Published>()
    const found: Published = packages.get(event) ?? { states: new Map(), subscribers: new Set() }
    if (isGone) found.states.delete(resource)
    else {
      this.#accounts.set(accountId, packages.set(event, found))
      found.states.set(resource, published)
    }
    const concerned = [...found.subscribers].filter(
      (each) => each.resource === resource || (resource === '' && !found.states.has(each.resource)),
    )
    for (const subscriber of concerned) this.#notify(event, found, subscriber)
    if (found.states.size === 0) packages.delete(event)
    return concerned.length
  }

  /** A SUBSCRIBE from a source that the account hears. */
  take(accountId: string, aor: string, incoming: IncomingSubscription): void {
    const packages = this.#accounts.get(accountId)
    const { event, request } = incoming
    const published = packages?.get(event)
    if (!packages || !published) {
      // RFC 6665 8.3.2; 489 names the packages that there are.
      const events = packages && packages.size > 0 ? [['Allow-Events', [...packages.keys()].join(', ')] as const] : []
      incoming.reject(489, { headers: events })
      return
    }
    const resource = published.states.has(request.to.user) ? request.to.user : ''
    if (!published.states.has(resource)) {
      incoming.reject(404)
      return
    }
    const count = [...packages.values()].reduce((sum, { subscribers }) => sum + subscribers.size, 0)
    if (count >= MAX_SUBSCRIBERS) {
      incoming.reject(503, { headers: [['Retry-After', '60']] })
      return
    }
    const isFetch = incoming.expiresSec === 0
    const notifier = incoming.accept({
      refreshed: () => this.#notify(event, published, subscriber),
      ended: (why) => {
        if (why === 'unsubscribed' || why === 'expired') this.#notify(event, published, subscriber)
        if (published.subscribers.delete(subscriber))
          this.#tell('subscriber.removed', accountId, event, subscriber, published)
      },
    })
    const { user, uri } = request.to
    const subscriber: Subscriber = { notifier, resource: user || resource, entity: user === '' ? aor : uri, version: 0 }
    if (!isFetch) {
      published.subscribers.add(subscriber)
      this.#tell('subscriber.added', accountId, event, subscriber, published)
    }
    this.#notify(event, published, subscriber)
  }

  /** The account is gone: its subscriptions end. */
  forget(accountId: string): void {
    const packages = this.#accounts.get(accountId)
    this.#accounts.delete(accountId)
    for (const { subscribers } of packages?.values() ?? [])
      for (const { notifier } of subscribers) notifier.notify(undefined, { end: 'noresource' })
  }

  #notify(event: string, published: Published, subscriber: Subscriber): void {
    const state = published.states.get(subscriber.resource) ?? published.states.get('')
    if (!state) {
      subscriber.notifier.notify(undefined, { end: 'noresource' })
      return
    }
    subscriber.notifier.notify(bodyOf(event, state, subscriber.entity, subscriber.version++))
  }

  #tell(
    type: 'subscriber.added' | 'subscriber.removed',
    accountId: string,
    event: string,
    { notifier, resource }: Subscriber,
    { subscribers }: Published,
  ): void {
    const { uri, user, displayName } = notifier.request.from
    const at = new Date(this.#deps.clock.wall()).toISOString()
    const from = { uri, user, displayName }
    this.#deps.tell({ type, accountId, at, event, resource, from, subscribers: subscribers.size })
  }
}

/** The document of a state. Throws BAD_ARGUMENT. */
export function bodyOf(
  event: string,
  { state, contentType }: PublishedState,
  entity: string,
  version: number,
): SipBody {
  if (typeof state === 'string') return { contentType: contentType || 'text/plain;charset=UTF-8', content: state }
  return documentOf(event, state, { entity, version })
}

export function checkState(event: string, published: PublishedState): void {
  if (typeof published.state !== 'string' && !isKnownPackage(event))
    throw new TelephonyError(
      'BAD_ARGUMENT',
      `there is no writer for the event “${event}”. Pass a text and its content type, or use presence, dialog or message-summary`,
    )
  bodyOf(event, published, 'sip:check@invalid', 0)
}
