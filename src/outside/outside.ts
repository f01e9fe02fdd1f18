import type { Clock } from '../base/clock.js'
import { TelephonyError } from '../base/errors.js'
import { customHeaders } from '../sip/message/custom-headers.js'
import type { IncomingRequest, IncomingSubscription, SipRequest } from '../sip/types.js'
import { Notifiers } from './notifiers.js'
import { PeerWatches } from './peer-watches.js'
import type { FindPlace, Place } from './places.js'
import type {
  MessageEvent,
  OutsideCommands,
  PeerEvent,
  PingCommand,
  PingResult,
  SubscriptionEvent,
} from './protocol.js'
import { Publications } from './publications.js'
import { checkContent, messageResult, ping, single } from './requests.js'
import { StandingSubscriptions } from './standing-subscriptions.js'

interface OutsideDeps {
  clock: Clock
  place: FindPlace
  message: (event: MessageEvent) => void
  peer: (event: PeerEvent) => void
  subscription: (event: SubscriptionEvent) => void
}

const TEXT = 'text/plain;charset=UTF-8'
const MAX_TIMEOUT_MS = 32_000
const MAX_TEXT = 4_096

/** What accounts do outside of calls. */
export class Outside {
  readonly #deps: OutsideDeps
  readonly #takers = new Map<string, Set<string>>()
  readonly #watches: PeerWatches
  readonly #subscriptions: StandingSubscriptions
  readonly #notifiers: Notifiers
  readonly #publications: Publications

  constructor(deps: OutsideDeps) {
    this.#deps = deps
    const { clock, place, peer, subscription: tell } = deps
    this.#watches = new PeerWatches({
      clock,
      ping: (command) => this.#ping(command),
      tell: peer,
    })
    this.#subscriptions = new StandingSubscriptions({ clock, place, tell })
    this.#notifiers = new Notifiers({ clock, tell })
    this.#publications = new Publications({ clock, place })
  }

  readonly commands: OutsideCommands = {
    sendMessage: async ({ accountId, target, text, contentType, headers }) => {
      const place = this.#deps.place(accountId)
      const content = checkContent(text)
      if (content === '') throw new TelephonyError('BAD_ARGUMENT', 'the message is empty. Pass a text')
      const init = {
        method: 'MESSAGE',
        target: place.allowedTarget(target).uri,
        headers: customHeaders(headers),
        body: { contentType: contentType || TEXT, content },
      }
      return messageResult(await single(place.userAgent, place.host, init))
    },
    takeMessages: ({ accountId, taker, on }) => {
      const takers = this.#takers.get(accountId) ?? new Set()
      if (on) this.#takers.set(accountId, takers.add(taker))
      else if (takers.delete(taker) && takers.size === 0) this.#takers.delete(accountId)
    },
    ping: (command) => this.#ping(command),
    watchPeer: (watch) => this.#watches.watch(watch),
    unwatchPeer: ({ watchId }) => this.#watches.unwatch(watchId),
    subscribe: (command) => ({ subscriptionId: this.#subscriptions.subscribe(command) }),
    unsubscribe: ({ subscriptionId }) => this.#subscriptions.unsubscribe(subscriptionId),
    notify: ({ accountId, event, resource = '', state, contentType }) => ({
      subscribers: this.#notifiers.set(accountId, event.toLowerCase(), resource, { state, contentType }),
    }),
    publish: (command) => this.#publications.publish(command),
  }

  /** A MESSAGE that the account's policy has admitted, outside or within a call. */
  takeMessage(accountId: string, incoming: IncomingRequest): void {
    const { request } = incoming
    if (request.method !== 'MESSAGE') incoming.reject(481)
    // As for calls without a flow: the sender may try again later.
    else if (!this.#takers.has(accountId)) incoming.reject(480)
    else if (!isReadable(request)) incoming.reject(415)
    else {
      incoming.accept()
      this.#deps.message(this.#messageOf(accountId, request))
    }
  }

  takeSubscription(accountId: string, incoming: IncomingSubscription): void {
    this.#notifiers.take(accountId, this.#deps.place(accountId).aor, incoming)
  }

  /** The account was removed. */
  forget(accountId: string): void {
    this.#takers.delete(accountId)
    this.#watches.stop(accountId)
    this.#subscriptions.leaveAll(accountId)
    this.#notifiers.forget(accountId)
    this.#publications.stop(accountId)
  }

  /** Un-subscribes; nothing is sent later. */
  stop(): void {
    this.#watches.stop()
    this.#subscriptions.leaveAll()
    this.#publications.stop()
  }

  async #ping({ accountId, target = '', timeoutMs }: PingCommand): Promise<PingResult> {
    const place = this.#deps.place(accountId)
    if (timeoutMs !== undefined && !(timeoutMs >= 100 && timeoutMs <= MAX_TIMEOUT_MS))
      throw new TelephonyError('BAD_ARGUMENT', `a time limit of ${timeoutMs} ms is not possible. Use 0.1 to 32 s`)
    const { uri } = place.target(target.trim() === '' ? place.server : target)
    return ping(this.#deps.clock, place.userAgent, {
      host: place.host,
      target: uri,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    })
  }

  #messageOf(accountId: string, request: SipRequest): MessageEvent {
    const { from, to, body } = request
    return {
      type: 'message.received',
      accountId,
      at: new Date(this.#deps.clock.wall()).toISOString(),
      from: { uri: from.uri, user: from.user, displayName: from.displayName },
      to: { uri: to.uri, user: to.user },
      contentType: body?.contentType ?? '',
      text: body?.content ?? '',
      headers: exposedHeaders(request, this.#deps.place(accountId)),
      sipCallId: request.callId,
    }
  }
}

/** Reports of telephones to each other (RFC 3994, RFC 5438): no messages for a person. */
const REPORTS = new Set(['application/im-iscomposing+xml', 'message/imdn+xml'])

/** RFC 3261 8.2.3: a compressed body is refused, so that the sender repeats it as it is. */
function isReadable(request: SipRequest): boolean {
  const encodings = request.headers('Content-Encoding')
  if (encodings.some((encoding) => encoding.trim().toLowerCase() !== 'identity')) return false
  return !REPORTS.has(request.body?.contentType ?? '')
}

function exposedHeaders(request: SipRequest, { exposed }: Place): Record<string, string> {
  return Object.fromEntries(
    exposed.flatMap((name) => {
      const values = request.headers(name)
      return values.length === 0 ? [] : [[name, values.join(', ').slice(0, MAX_TEXT)] as const]
    }),
  )
}
