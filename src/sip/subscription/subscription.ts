import type { Timer } from '../../base/clock.js'
import { newToken, randomBetween } from '../../base/ids.js'
import { ALLOW } from '../capabilities.js'
import { Dialog } from '../dialog/dialog.js'
import type { NotifyTaker } from '../dialog/dialog-index.js'
import { displayed } from '../message/display-name.js'
import { dialogHeaderLines } from '../message/header-check.js'
import { OutgoingRequest } from '../message/outgoing-request.js'
import type { ParsedRequest, ParsedResponse } from '../message/parsed-message.js'
import { ReceivedRequest } from '../message/received.js'
import type { ServerRequest } from '../server-request.js'
import type {
  FinalResponse,
  OutgoingSubscription,
  SubscribeInit,
  SubscriptionEnd,
  SubscriptionHandlers,
  SubscriptionState,
} from '../types.js'
import { isLocal } from '../types.js'
import { type AccountContext, guarded } from '../user-agent/account-context.js'
import { exchange } from '../user-agent/exchange.js'
import { targetUri } from '../user-agent/target-uri.js'
import { eventLine, parseEvent } from './event-header.js'
import { parseSubscriptionState, seconds } from './subscription-state.js'

/** RFC 6665 4.1.2.4: 64*T1. Counted from the 2xx, because an authenticated SUBSCRIBE is sent twice. */
const TIMER_N_MS = 32_000
/** Refreshes at least once a day. */
const MAX_EXPIRES_SEC = 86_400
/** Refreshes of many subscribers are spread. */
const REFRESH_SHARE = { min: 0.5, max: 0.75 }
const MIN_RETRY_MS = 5_000
/** RFC 6665 4.1.2.2: after these answers to a refresh the subscription is over. After others it lasts until its time is over. */
const ENDED_BY = new Set([404, 405, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604])
/** An expiry time that differs less is the same one. */
const SAME_TIME_MS = 2_000

/**
 * Our subscription, from the first SUBSCRIBE to its end (RFC 6665 4.1). The first NOTIFY makes the dialog, before or after the 2xx; a NOTIFY
 * of another fork gets 481, and that fork ends its own subscription (RFC 6665 4.5.2 leaves the choice to us).
 */
export class Subscription implements OutgoingSubscription, NotifyTaker {
  readonly localTag = newToken()
  readonly callId: string
  readonly #context: AccountContext
  readonly #init: SubscribeInit
  readonly #handlers: SubscriptionHandlers
  readonly #event: string
  readonly #eventId: string
  #cseq = 1
  #expiresSec: number
  #dialog: Dialog | undefined
  /** Refresh, Timer N, or the retry of a refresh. */
  #timer: Timer | undefined
  #untilMs = Number.POSITIVE_INFINITY
  #isLeaving = false
  #isOver = false

  constructor(context: AccountContext, init: SubscribeInit, handlers: SubscriptionHandlers) {
    this.#context = context
    this.#init = init
    this.#handlers = handlers
    this.#event = init.event.toLowerCase()
    this.#eventId = init.eventId ?? ''
    this.#expiresSec = Math.min(init.expiresSec, MAX_EXPIRES_SEC)
    const target = targetUri(init.target)
    const request = new OutgoingRequest({
      method: 'SUBSCRIBE',
      target,
      routeSet: context.routes.to(target),
      from: `${displayed(context.init.displayName)}<${context.aor.text}>`,
      fromTag: this.localTag,
      to: `<${target.text}>`,
      callId: init.sipCallId,
      cseq: this.#cseq,
      contact: context.contacts,
      lines: this.#lines(this.#expiresSec),
    })
    this.callId = request.callId
    context.dialogs.addNotifyTaker(this)
    void this.#begin(request)
  }

  unsubscribe(): void {
    if (this.#isOver || this.#isLeaving) return
    this.#isLeaving = true
    if (this.#dialog) void this.#leave()
  }

  /** The endpoint or the account closes: nothing more is sent. */
  close(): void {
    this.#end({ kind: 'closed' })
  }

  /** A NOTIFY. */
  receive(request: ServerRequest): void {
    const { message } = request
    const { userAgentLines, canReach } = this.#context
    const state = parseSubscriptionState(message.header('subscription-state'))
    const isFirst = !this.#dialog
    const refused = this.#refusal(message, state)
    if (refused !== undefined || !state) {
      request.respond(refused ?? 400, { lines: userAgentLines })
      return
    }
    this.#dialog ??= Dialog.ofRequest(message, this.localTag, this.#cseq)
    request.respond(200, { lines: userAgentLines })
    this.#dialog.refresh(message, canReach)
    this.#take(state, new ReceivedRequest(message), isFirst)
  }

  #refusal(message: ParsedRequest, state: SubscriptionState | undefined): number | undefined {
    const event = parseEvent(message.header('event'))
    if (event?.event !== this.#event || event.eventId !== this.#eventId) return 489
    if (!state) return 400
    const dialog = this.#dialog
    if (!dialog) return undefined
    if (message.fromTag !== dialog.remoteTag) return 481
    return dialog.acceptSequence(message.cseq) ? undefined : 500 // RFC 3261 12.2.2
  }

  #take(state: SubscriptionState, request: ReceivedRequest, isFirst: boolean): void {
    if (!this.#isLeaving) this.#guarded('notified', () => this.#handlers.notified({ state, request }))
    if (this.#isOver) return
    const { state: name, reason = '', retryAfterSec, expiresSec } = state
    if (name === 'terminated')
      this.#end(
        this.#isLeaving
          ? { kind: 'unsubscribed' }
          : this.#init.expiresSec === 0
            ? { kind: 'fetched' }
            : { kind: 'terminated', reason, ...(retryAfterSec === undefined ? {} : { retryAfterSec }) },
      )
    else if (this.#init.expiresSec === 0) this.#end({ kind: 'fetched' })
    else if (this.#isLeaving && isFirst) void this.#leave()
    else if (!this.#isLeaving) this.#noteExpiry(expiresSec, isFirst)
  }

  /** RFC 6665 4.1.3: the notifier may shorten the time with any NOTIFY. */
  #noteExpiry(expiresSec: number | undefined, isFirst: boolean): void {
    const untilMs = expiresSec === undefined ? this.#untilMs : this.#now + expiresSec * 1000
    const askedMs = this.#now + this.#expiresSec * 1000
    if (isFirst) this.#granted((Math.min(untilMs, this.#untilMs, askedMs) - this.#now) / 1000)
    else if (untilMs < this.#untilMs - SAME_TIME_MS) this.#granted((untilMs - this.#now) / 1000)
  }

  async #begin(request: OutgoingRequest): Promise<void> {
    const response = await this.#exchange(request, false, () => ++this.#cseq)
    if (this.#isOver) return
    if (isLocal(response) || response.status >= 300) {
      this.#end({ kind: 'refused', response, isRefresh: false })
      return
    }
    const granted = Math.min(seconds(response.header('Expires')) ?? this.#expiresSec, MAX_EXPIRES_SEC)
    this.#untilMs = this.#now + granted * 1000
    if (this.#isLeaving && this.#dialog) return
    if (this.#dialog) this.#granted(granted)
    else this.#timer = this.#context.clock.setTimeout(() => this.#silent(), TIMER_N_MS)
  }

  #silent(): void {
    this.#end(this.#isLeaving ? { kind: 'unsubscribed' } : { kind: 'silent' })
  }

  #granted(expiresSec: number): void {
    this.#untilMs = this.#now + Math.min(expiresSec, MAX_EXPIRES_SEC) * 1000
    this.#planRefresh()
  }

  #planRefresh(): void {
    const leftMs = this.#untilMs - this.#now
    this.#wait(randomBetween(REFRESH_SHARE.min * leftMs, REFRESH_SHARE.max * leftMs))
  }

  #wait(ms: number): void {
    this.#timer?.cancel()
    this.#timer = this.#context.clock.setTimeout(() => void this.#refresh(), ms)
  }

  async #refresh(): Promise<void> {
    if (this.#now >= this.#untilMs) {
      this.#end({ kind: 'expired' })
      return
    }
    const response = await this.#send(this.#expiresSec)
    if (this.#isOver || this.#isLeaving || !response) return
    const { status } = response
    if (!isLocal(response) && status < 300) {
      this.#granted(seconds(response.header('Expires')) ?? this.#expiresSec)
    } else if (ENDED_BY.has(status)) {
      this.#end({ kind: 'refused', response, isRefresh: true })
    } else {
      const leftMs = Math.max(0, this.#untilMs - this.#now)
      this.#wait(Math.min(leftMs, Math.max(MIN_RETRY_MS, leftMs / 2)))
    }
  }

  /** RFC 6665 4.1.2.3: a SUBSCRIBE with Expires 0, which the last NOTIFY follows. */
  async #leave(): Promise<void> {
    this.#timer?.cancel()
    const response = await this.#send(0)
    if (this.#isOver) return
    if (!response || response.status >= 300) this.#end({ kind: 'unsubscribed' })
    else this.#timer = this.#context.clock.setTimeout(() => this.#silent(), TIMER_N_MS)
  }

  async #send(expiresSec: number): Promise<FinalResponse | undefined> {
    const dialog = this.#dialog
    if (!dialog) return undefined
    const { contacts } = this.#context
    const request = dialog.request('SUBSCRIBE', { contact: contacts, lines: this.#lines(expiresSec) })
    return this.#exchange(request, true, () => dialog.nextSeq())
  }

  #exchange(request: OutgoingRequest, inDialog: boolean, nextSeq: () => number): Promise<FinalResponse> {
    let hasRaised = false
    return exchange(this.#context, request, {
      inDialog,
      nextSeq,
      again: (response) => {
        const longer = hasRaised ? undefined : this.#raised(response)
        hasRaised = true
        return longer
      },
      accepted: (response) => this.#dialog?.refresh(response, this.#context.canReach),
    })
  }

  /** RFC 6665 4.1.2.1, RFC 3261 21.4.17: the interval was too brief. */
  #raised(response: ParsedResponse): readonly string[] | undefined {
    const minSec = response.status === 423 ? seconds(response.header('min-expires')) : undefined
    if (minSec === undefined || minSec <= this.#expiresSec || minSec > MAX_EXPIRES_SEC) return undefined
    this.#expiresSec = minSec
    return [`Expires: ${minSec}`]
  }

  #lines(expiresSec: number): string[] {
    const { accept = [], headers } = this.#init
    return [
      eventLine({ event: this.#event, eventId: this.#eventId }),
      `Expires: ${expiresSec}`,
      ...(accept.length > 0 ? [`Accept: ${accept.join(', ')}`] : []),
      ALLOW,
      ...dialogHeaderLines(headers),
      ...this.#context.userAgentLines,
    ]
  }

  #end(end: SubscriptionEnd): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#timer?.cancel()
    this.#context.dialogs.removeNotifyTaker(this)
    this.#guarded('ended', () => this.#handlers.ended(end))
  }

  get #now(): number {
    return this.#context.clock.now()
  }

  #guarded(what: string, run: () => void): void {
    guarded(this.#context.log, what, run)
  }
}
