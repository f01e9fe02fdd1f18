import type { Clock } from '../../base/clock.js'
import type { Logger } from '../../base/logger.js'
import type { ParsedRequest, ParsedResponse } from '../message/parsed-message.js'
import type { Way } from '../transport/flow.js'
import type { LocalFinalResponse } from '../types.js'

/** A request as a client transaction sends it; a request that a proxy forwards fits as well. */
export interface ClientRequest {
  readonly method: string
  readonly callId: string
  readonly cseq: number
  /** '' for a request of RFC 2543 that a proxy forwards. */
  readonly fromTag: string
  /** The whole message by this way, with this value as its topmost Via. */
  toText(via: string, way: Way): string
}

export interface ClientInvite extends ClientRequest {
  /** RFC 3261 17.1.1.3: the ACK to a failure, with the To of that response and the whole route of the INVITE. */
  ackText(via: string, to: string, way: Way): string
}

/** The transaction user (RFC 3261 5) of a request that we send, other than INVITE. */
export interface ClientUser {
  /** 1xx, each one. */
  provisional(response: ParsedResponse): void
  /** The final response; not called after `failed`. To an INVITE: 300 to 699, its ACK has been sent. */
  final(response: ParsedResponse): void
  /** No final response will come (RFC 3261 8.1.3.1). */
  failed(failure: LocalFinalResponse): void
}

/** The transaction user of an INVITE that we send. */
export interface InviteUser extends ClientUser {
  /**
   * Each 2xx, also repeats and those of other forks, until Timer M (RFC 6026 7.2); even after `final` or `failed`. The user sends the
   * ACKs (13.2.2.4).
   */
  success(response: ParsedResponse): void
}

/** The transaction user of a received request. */
export interface ServerUser {
  /**
   * The request is not ongoing any more (RFC 3261 8.2.2.2): it has its final response, and its ACK if it is an INVITE that was refused.
   * After a 2xx to INVITE: repeats of the INVITE have ceased. Called without `this`, because nothing else of the user is kept until then.
   */
  over?: (() => void) | undefined
  /** A CANCEL for this INVITE (9.2), which has been answered. */
  cancelled?(cancel: ParsedRequest): void
  /** A response could not be sent. */
  unsent?(error: Error): void
}

/** What the layer gives to each of its transactions. */
export interface TransactionHost {
  readonly clock: Clock
  readonly log: Logger
  /** The transaction is terminated. */
  ended(key: string): void
}

export const timedOut = (): LocalFinalResponse => ({ status: 408, reason: 'Request Timeout', local: true })

/** RFC 3261 8.1.3.1: a transport error counts as a 503. `unsent`: the request has not left. */
export const unavailable = (reason: string, unsent = false): LocalFinalResponse =>
  unsent ? { status: 503, reason, local: true, unsent } : { status: 503, reason, local: true }

/** Calls the transaction user. Its exceptions are only logged: the caller is a packet, a timer or a failed send. */
export function tell(host: TransactionHost, run: () => void): void {
  try {
    run()
  } catch (error) {
    host.log.error({ err: error }, 'the user of a SIP transaction failed')
  }
}

/** Sends by a flow. An error goes to `failed`; without it to the log, because the transaction times out anyway. */
export function transmit(host: TransactionHost, way: Way, text: string, failed?: (error: Error) => void): void {
  way.send(text).catch((error: Error) => {
    if (failed) failed(error)
    else host.log.debug({ err: error }, 'a message could not be sent again')
  })
}
