import {
  InviteUserAgentClient,
  NonInviteClientTransaction,
  type OutgoingRequestDelegate,
  type OutgoingRequestMessage,
  TransactionState,
  type TransportError,
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
    this.receiveResponse(localResponse(503, error.message))
  }
}

export class InviteClient extends InviteUserAgentClient {
  protected override onTransportError(error: TransportError): void {
    // In every other state it is an ACK that could not be sent.
    if (this.transaction.state === TransactionState.Calling) this.receiveResponse(localResponse(503, error.message))
  }
}
