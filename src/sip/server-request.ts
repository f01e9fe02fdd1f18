import type { ParsedRequest } from './message/parsed-message.js'
import { responseText } from './message/response-text.js'
import type { InviteServer } from './transaction/invite-server.js'
import type { NonInviteServer } from './transaction/non-invite-server.js'
import type { SipBody } from './types.js'
import type { Contacts } from './user-agent/contacts.js'

export interface ResponseInit {
  reason?: string | undefined
  /** Header lines, `Name: value`. */
  lines?: readonly string[]
  body?: SipBody | undefined
}

/** RFC 3261 12.1, RFC 6665 4.1.2, RFC 3515 2.4.4 */
const MAKE_DIALOGS = new Set(['INVITE', 'SUBSCRIBE', 'REFER'])

/** Ends by a CANCEL, and gets its Reason headers (RFC 3326). */
export interface Cancellable {
  cancelled(reasons: readonly string[]): void
}

/** A received request with its transaction and the To tag of its responses. */
export class ServerRequest<Transaction extends InviteServer | NonInviteServer = InviteServer | NonInviteServer> {
  readonly message: ParsedRequest
  readonly transaction: Transaction
  /** RFC 3261 8.2.6.2: the same in all responses but 100. Written only if the request has no To tag. */
  readonly toTag: string
  /** Hears of a CANCEL before the final response (9.2). */
  cancelledBy: Cancellable | undefined

  constructor(message: ParsedRequest, transaction: Transaction, toTag: string) {
    this.message = message
    this.transaction = transaction
    this.toTag = toTag
  }

  /** Returns the text of the response. */
  respond(status: number, init: ResponseInit = {}): string {
    const { reason, lines = [], body } = init
    const { fields, method, toTag } = this.message
    const text = responseText(fields, {
      status,
      reason,
      toTag: status === 100 || toTag !== '' ? '' : this.toTag,
      headers: lines,
      body,
      // 12.1.1: a response that makes a dialog repeats the Record-Route.
      recordRoute: MAKE_DIALOGS.has(method) && status > 100 && status < 300,
    })
    this.transaction.respond(status, text)
    return text
  }

  /** RFC 3261 12.1.1: our Contact in the response; a SIPS URI if the request came by one. */
  contactLine(contacts: Contacts): string {
    const { uri, recordRoutes } = this.message
    return contacts.lineFor(this.transaction.way, uri.scheme === 'sips' || recordRoutes[0]?.uri.scheme === 'sips')
  }

  /** 8.2.6.1, 17.2.1: with the Timestamp of the request. */
  trying(): void {
    const timestamp = this.message.header('timestamp')
    this.respond(100, timestamp === undefined ? {} : { lines: [`Timestamp: ${timestamp}`] })
  }
}
