import type { Timer } from '../../base/clock.js'
import { ALLOW } from '../capabilities.js'
import { Dialog } from '../dialog/dialog.js'
import type { DialogUsage } from '../dialog/dialog-index.js'
import type { ParsedMessage, ParsedRequest } from '../message/parsed-message.js'
import type { ServerRequest } from '../server-request.js'
import type { Refusal } from '../service.js'
import { isLocal, type Notifier, type NotifierHandlers, type SipBody, type SipRequest } from '../types.js'
import { type AccountContext, guarded } from '../user-agent/account-context.js'
import { exchange } from '../user-agent/exchange.js'
import { type EventName, eventLine, parseEvent } from './event-header.js'
import { seconds, subscriptionStateLine } from './subscription-state.js'

/** RFC 6665 4.2.1.1: a briefer subscription costs more than it gives. */
const MIN_EXPIRES_SEC = 30
const MAX_EXPIRES_SEC = 3600
export const TOO_BRIEF = `Min-Expires: ${MIN_EXPIRES_SEC}`

/** The granted time of a SUBSCRIBE, at most an hour; undefined: it is too brief, or malformed (423). */
export function acceptedExpiry(message: ParsedMessage): number | undefined {
  const text = message.header('expires')
  const asked = text === undefined ? MAX_EXPIRES_SEC : seconds(text)
  if (asked === undefined || (asked > 0 && asked < MIN_EXPIRES_SEC)) return undefined
  return Math.min(asked, MAX_EXPIRES_SEC)
}

interface NotifierDialogInit {
  server: ServerRequest
  request: SipRequest
  event: EventName
  handlers: NotifierHandlers
}

interface State {
  body: SipBody | undefined
  end?: string | undefined
  pending?: boolean | undefined
}

/** A peer's subscription to our state, from the 200 to the last NOTIFY (RFC 6665 4.2). */
export class NotifierDialog implements Notifier, DialogUsage {
  readonly dialog: Dialog
  readonly request: SipRequest
  readonly #context: AccountContext
  readonly #event: EventName
  readonly #handlers: NotifierHandlers
  #untilMs = 0
  #expiry: Timer | undefined
  /** Waits until the NOTIFY before it has its answer. */
  #next: State | undefined
  #isSending = false
  /** The subscription is over, and the last NOTIFY is due. */
  #isLeaving = false
  /** The last NOTIFY has been handed in. */
  #isLastDue = false
  #isOver = false

  constructor(context: AccountContext, init: NotifierDialogInit) {
    const { message, toTag } = init.server
    this.#context = context
    this.#event = init.event
    this.#handlers = init.handlers
    this.request = init.request
    this.dialog = Dialog.ofRequest(message, toTag)
    this.dialog.keepInReach(message.source, context.canReach)
  }

  begin(server: ServerRequest, expiresSec: number): void {
    this.#context.dialogs.add(this, true)
    this.#grant(server, expiresSec)
    if (expiresSec === 0) this.#isLeaving = true
  }

  notify(body: SipBody | undefined, { end, pending }: { end?: string; pending?: boolean } = {}): void {
    if (this.#isOver) return
    const last = end ?? (this.#isLeaving ? 'timeout' : undefined)
    if (this.#isLastDue) return
    this.#isLastDue = last !== undefined
    this.#next = { body, end: last, pending }
    void this.#send()
  }

  /** A refresh or the end of the subscription (RFC 6665 4.2.1.3). */
  receive(request: ServerRequest): void {
    const { message } = request
    const { userAgentLines, canReach } = this.#context
    const refusal = this.#refusal(message)
    const expiresSec = acceptedExpiry(message)
    if (refusal || expiresSec === undefined) {
      const { status, lines = [] } = refusal ?? { status: 423, lines: [TOO_BRIEF] }
      request.respond(status, { lines: [...lines, ...userAgentLines] })
      return
    }
    this.dialog.refresh(message, canReach)
    this.#grant(request, expiresSec)
    if (expiresSec === 0) this.#leave('unsubscribed')
    else this.#guarded('refreshed', () => this.#handlers.refreshed())
  }

  #refusal(message: ParsedRequest): Refusal | undefined {
    if (!this.dialog.acceptSequence(message.cseq)) return { status: 500 } // RFC 3261 12.2.2
    if (message.method !== 'SUBSCRIBE') return { status: 405, lines: [ALLOW] }
    const event = parseEvent(message.header('event'))
    if (event?.event !== this.#event.event || event.eventId !== this.#event.eventId) return { status: 489 }
    return this.#isLeaving ? { status: 481 } : undefined
  }

  receiveAck(): void {}

  cancelled(): void {}

  close(): void {
    this.#end('closed')
  }

  #grant(request: ServerRequest, expiresSec: number): void {
    const { clock, contacts, userAgentLines } = this.#context
    request.respond(200, { lines: [request.contactLine(contacts), `Expires: ${expiresSec}`, ...userAgentLines] })
    this.#untilMs = clock.now() + expiresSec * 1000
    this.#expiry?.cancel()
    if (expiresSec > 0) this.#expiry = clock.setTimeout(() => this.#leave('expired'), expiresSec * 1000)
  }

  #leave(why: 'unsubscribed' | 'expired'): void {
    this.#isLeaving = true
    this.#expiry?.cancel()
    this.#guarded('ended', () => this.#handlers.ended(why))
    this.notify(undefined)
  }

  async #send(): Promise<void> {
    // RFC 6665 4.2.2: the next NOTIFY waits for the answer, so that none overtakes another.
    while (!this.#isSending && this.#next && !this.#isOver) {
      const state = this.#next
      this.#next = undefined
      this.#isSending = true
      const isTaken = await this.#deliver(state)
      this.#isSending = false
      if (!isTaken || state.end !== undefined) this.#end('lost')
    }
  }

  /** False: the subscriber does not know the subscription any more, or does not answer (RFC 6665 4.2.2). */
  async #deliver({ body, end, pending }: State): Promise<boolean> {
    const { clock, contacts, userAgentLines } = this.#context
    const expiresSec = Math.max(0, Math.ceil((this.#untilMs - clock.now()) / 1000))
    const line = subscriptionStateLine(
      end === undefined ? { state: pending ? 'pending' : 'active', expiresSec } : { state: 'terminated', reason: end },
    )
    const request = this.dialog.request('NOTIFY', {
      contact: contacts,
      lines: [eventLine(this.#event), line, ALLOW, ...userAgentLines],
      body,
    })
    const response = await exchange(this.#context, request, {
      inDialog: true,
      nextSeq: () => this.dialog.nextSeq(),
      accepted: (accepted) => this.dialog.refresh(accepted, this.#context.canReach),
    })
    const { status } = response
    return status < 300 || (!isLocal(response) && status >= 500 && status < 600)
  }

  #end(why: 'lost' | 'closed'): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#next = undefined
    this.#expiry?.cancel()
    this.#context.dialogs.remove(this)
    if (!this.#isLeaving) this.#guarded('ended', () => this.#handlers.ended(why))
  }

  #guarded(what: string, run: () => void): void {
    guarded(this.#context.log, what, run)
  }
}
