import { backoffMs } from '../base/backoff.js'
import type { Clock, Timer } from '../base/clock.js'
import { TelephonyError } from '../base/errors.js'
import { newId, newSipCallId, randomBetween } from '../base/ids.js'
import { contentTypeOf, type StateReader, stateReader } from '../presence/packages.js'
import { customHeaders } from '../sip/message/custom-headers.js'
import { isLocal, type OutgoingSubscription, type SubscriptionEnd, type SubscriptionHandlers } from '../sip/types.js'
import type { FindPlace } from './places.js'
import type { SubscribeCommand, SubscriptionEvent } from './protocol.js'
import { retryAfter } from './retry.js'

interface StandingDeps {
  clock: Clock
  place: FindPlace
  tell: (event: SubscriptionEvent) => void
}

type Parts<Type extends SubscriptionEvent['type']> = Omit<
  Extract<SubscriptionEvent, { type: Type }>,
  'accountId' | 'at' | 'subscriptionId' | 'owner' | 'target' | 'event'
>

const DEFAULT_EXPIRES_SEC = 600
const MAX_EXPIRES_SEC = 86_400
const BACKOFF = { baseMs: 5_000, maxMs: 300_000, floor: 0.5 }
/** A subscription that lasted this long was a success. */
const STEADY_MS = 60_000

/** Our subscriptions. Each is made again after an end that allows it. */
export class StandingSubscriptions {
  readonly #deps: StandingDeps
  readonly #all = new Map<string, StandingSubscription>()

  constructor(deps: StandingDeps) {
    this.#deps = deps
  }

  /** Throws NO_ACCOUNT, BAD_TARGET, BAD_HEADER, BAD_ARGUMENT. */
  subscribe(command: SubscribeCommand): string {
    const { expiresSec = DEFAULT_EXPIRES_SEC } = command
    if (!(Number.isInteger(expiresSec) && expiresSec >= 0 && expiresSec <= MAX_EXPIRES_SEC))
      throw new TelephonyError('BAD_ARGUMENT', `${expiresSec} s is not a valid time. Use 0 to ${MAX_EXPIRES_SEC}`)
    const id = command.subscriptionId ?? newId()
    this.unsubscribe(id)
    const standing = new StandingSubscription(this.#deps, { ...command, expiresSec, subscriptionId: id }, () => {
      if (this.#all.get(id) === standing) this.#all.delete(id)
    })
    this.#all.set(id, standing)
    try {
      standing.begin()
    } catch (error) {
      this.#all.delete(id)
      throw error
    }
    return id
  }

  unsubscribe(subscriptionId: string): void {
    this.#all.get(subscriptionId)?.leave()
  }

  /** Ends the subscriptions of an account, or all. */
  leaveAll(accountId?: string): void {
    for (const standing of [...this.#all.values()])
      if (accountId === undefined || standing.init.accountId === accountId) standing.leave()
  }
}

class StandingSubscription {
  readonly init: SubscribeCommand & { subscriptionId: string; expiresSec: number }
  readonly #deps: StandingDeps
  readonly #over: () => void
  #current: OutgoingSubscription | undefined
  #timer: Timer | undefined
  #read: StateReader
  #shown = ''
  #failures = 0
  #beganMs = 0
  #isLeaving = false

  constructor(deps: StandingDeps, init: StandingSubscription['init'], over: () => void) {
    this.#deps = deps
    this.init = init
    this.#over = over
    this.#read = stateReader(init.event)
  }

  begin(): void {
    const { accountId, target, event, expiresSec, headers, accept } = this.init
    const place = this.#deps.place(accountId)
    const types = accept ?? contentTypeOf(event)
    this.#beganMs = this.#deps.clock.now()
    this.#shown = ''
    this.#read = stateReader(event)
    this.#current = place.userAgent.subscribe(
      {
        target: place.target(target).uri,
        sipCallId: newSipCallId(place.host),
        event,
        expiresSec,
        ...(types.length > 0 && { accept: types }),
        headers: customHeaders(headers),
      },
      {
        notified: (notification) => this.#notified(notification),
        ended: (end) => this.#ended(end),
      },
    )
  }

  leave(): void {
    if (this.#isLeaving) return
    this.#isLeaving = true
    this.#timer?.cancel()
    if (this.#current) this.#current.unsubscribe()
    else this.#over()
  }

  #notified({ state, request }: Parameters<SubscriptionHandlers['notified']>[0]): void {
    if (state.state !== 'terminated' && state.state !== this.#shown) {
      this.#shown = state.state
      this.#tell({ type: `subscription.${state.state}` })
    }
    const { contentType = '', content = '' } = request.body ?? {}
    if (content === '' && state.state === 'terminated') return
    this.#tell({ type: 'subscription.notify', state: this.#read(contentType, content), contentType, body: content })
  }

  #ended(end: SubscriptionEnd): void {
    this.#current = undefined
    const { clock } = this.#deps
    if (clock.now() - this.#beganMs >= STEADY_MS) this.#failures = 0
    const wait = this.#isLeaving || this.init.expiresSec === 0 ? 'never' : retryAfter(end)
    const waitMs =
      wait === 'never'
        ? undefined
        : this.#failures === 0 && wait.atOnce
          ? 0
          : Math.max(wait.minMs, backoffMs(BACKOFF, this.#failures, randomBetween))
    this.#failures++
    const refusal = end.kind === 'refused' ? end.response : undefined
    this.#tell({
      type: 'subscription.ended',
      cause: causeOf(end),
      status: refusal?.status ?? 0,
      reason: refusal?.reason ?? '',
      retryAt: waitMs === undefined ? null : new Date(clock.wall() + waitMs).toISOString(),
    })
    if (waitMs === undefined) this.#over()
    else this.#timer = clock.setTimeout(() => this.#again(), waitMs)
  }

  #again(): void {
    try {
      this.begin()
    } catch {
      // The account is away for now.
      this.#timer = this.#deps.clock.setTimeout(
        () => this.#again(),
        backoffMs(BACKOFF, this.#failures++, randomBetween),
      )
    }
  }

  #tell<Type extends SubscriptionEvent['type']>(parts: Parts<Type> & { type: Type }): void {
    const { accountId, subscriptionId, owner = null, target, event } = this.init
    const at = new Date(this.#deps.clock.wall()).toISOString()
    this.#deps.tell({ ...parts, accountId, at, subscriptionId, owner, target, event } as unknown as SubscriptionEvent)
  }
}

function causeOf(end: SubscriptionEnd): string {
  if (end.kind === 'terminated') return end.reason || 'terminated'
  if (end.kind === 'silent') return 'no-notify'
  if (end.kind === 'refused') return isLocal(end.response) ? 'no-answer' : 'refused'
  return end.kind
}
