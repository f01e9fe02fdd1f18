import {
  InviteUserAgentClient,
  NonInviteClientTransaction,
  type OutgoingInviteRequestDelegate,
  type OutgoingRequestDelegate,
  type OutgoingRequestMessage,
  ReInviteUserAgentClient,
  type RequestOptions,
  type SessionDialog,
  TransactionState,
  TransportError,
  UserAgentClient,
  type UserAgentCore,
} from 'sip.js/lib/core/index.js'
import { localResponse } from './local-response.js'

// RFC 3261 8.1.3.1: a transport error counts as a 503. sip.js makes a bare one of it; these keep the reason, such as a name
// that cannot be resolved, for whoever has to find out why a call fails.

export class RequestClient extends UserAgentClient {
  constructor(core: UserAgentCore, message: OutgoingRequestMessage, delegate?: OutgoingRequestDelegate) {
    super(NonInviteClientTransaction, core, message, delegate)
  }

  protected override onTransportError(error: TransportError): void {
    this.receiveResponse(unanswered(error))
  }
}

export class InviteClient extends InviteUserAgentClient {
  /** The ACK to a 2xx could not be sent. */
  ackUnsent: ((reason: string) => void) | undefined

  protected override onTransportError(error: TransportError): void {
    const { state } = this.transaction
    if (state === TransactionState.Calling) this.receiveResponse(unanswered(error))
    else if (state === TransactionState.Accepted) this.ackUnsent?.(error.message)
  }
}

/** RFC 3261 14.1 */
export class ReinviteClient extends ReInviteUserAgentClient {
  readonly #ackUnsent: (reason: string) => void

  constructor(dialog: SessionDialog, delegate: OutgoingInviteRequestDelegate, init: ReinviteInit) {
    super(dialog, delegate, init)
    this.#ackUnsent = init.ackUnsent
  }

  protected override onTransportError(error: TransportError): void {
    const { state } = this.transaction
    if (state === TransactionState.Calling) this.receiveResponse(unanswered(error))
    else if (state === TransactionState.Accepted) this.#ackUnsent(error.message)
  }
}

interface ReinviteInit extends RequestOptions {
  /** The ACK to its 2xx could not be sent. */
  ackUnsent(reason: string): void
}

/** The connection that a request went by has ended: the request may have arrived. */
export class ConnectionEnded extends TransportError {}

const unanswered = (error: TransportError) => localResponse(503, error.message, !(error instanceof ConnectionEnded))
