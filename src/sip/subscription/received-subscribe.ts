import { TelephonyError } from '../../base/errors.js'
import { headerLines } from '../message/header-check.js'
import { ReceivedRequest } from '../message/received.js'
import type { ServerRequest } from '../server-request.js'
import type { HeaderField, IncomingSubscription, Notifier, NotifierHandlers, SipRequest } from '../types.js'
import { type AccountContext, guarded } from '../user-agent/account-context.js'
import { parseEvent } from './event-header.js'
import { acceptedExpiry, NotifierDialog, TOO_BRIEF } from './notifier-dialog.js'

/** A SUBSCRIBE outside of dialogs (RFC 6665 4.2.1). */
export class ReceivedSubscribe implements IncomingSubscription {
  readonly request: SipRequest
  readonly event: string
  readonly expiresSec: number
  readonly #context: AccountContext
  readonly #server: ServerRequest
  readonly #eventId: string
  #isAnswered = false

  constructor(context: AccountContext, server: ServerRequest) {
    const { message } = server
    const event = parseEvent(message.header('event'))
    this.request = new ReceivedRequest(message)
    this.event = event?.event ?? ''
    this.#eventId = event?.eventId ?? ''
    this.expiresSec = acceptedExpiry(message) ?? 0
    this.#context = context
    this.#server = server
  }

  /** Hands it to the account, unless its form is wrong. */
  decide(): void {
    const { init, log } = this.#context
    const { subscription } = init.handlers
    if (this.event === '' || !subscription) this.reject(489)
    else if (acceptedExpiry(this.#server.message) === undefined) this.#respond(423, [TOO_BRIEF])
    else {
      guarded(log, 'subscription', () => subscription(this))
      this.reject(500)
    }
  }

  accept(handlers: NotifierHandlers): Notifier {
    if (this.#isAnswered) throw new TelephonyError('WRONG_STATE', 'the SUBSCRIBE has been answered already')
    const dialog = new NotifierDialog(this.#context, {
      server: this.#server,
      request: this.request,
      event: { event: this.event, eventId: this.#eventId },
      handlers,
    })
    this.#isAnswered = true
    dialog.begin(this.#server, this.expiresSec)
    return dialog
  }

  reject(status: number, init: { headers?: readonly HeaderField[] } = {}): void {
    this.#respond(status, headerLines(init.headers))
  }

  #respond(status: number, lines: readonly string[]): void {
    if (this.#isAnswered) return
    this.#isAnswered = true
    this.#server.respond(status, { lines: [...lines, ...this.#context.userAgentLines] })
  }
}
