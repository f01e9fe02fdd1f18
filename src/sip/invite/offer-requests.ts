import { ALLOW } from '../capabilities.js'
import type { Dialog } from '../dialog/dialog.js'
import type { ParsedRequest } from '../message/parsed-message.js'
import { ReceivedRequest } from '../message/received.js'
import type { ServerRequest } from '../server-request.js'
import type { RequestHandler, SipBody } from '../types.js'
import type { AccountContext } from '../user-agent/account-context.js'
import type { DialogOffers } from './dialog-offers.js'
import type { ReliableProvisionals } from './reliable-provisionals.js'
import type { Session } from './session.js'
import { tooShort } from './session-terms.js'

/** A received INVITE, as its early dialog sees it. */
export interface EarlyCall {
  /** Kept after the answer as well: the last PRACK may come after it. Absent: no response was reliable. */
  readonly provisionals: ReliableProvisionals | undefined
  /** The caller has ended the early dialog by BYE (RFC 3261 15); `reasons`: the values of its Reason. */
  cancelled(reasons: readonly string[]): void
  /** A PRACK has come. `answer`: the peer's answer, if the response carried our offer. */
  acknowledged(answer: { body: SipBody | undefined } | undefined): void
}

/** The dialog that the requests belong to. */
interface OfferHost {
  readonly context: AccountContext
  readonly dialog: Dialog
  readonly offers: DialogOffers
  readonly session: Session
  readonly isEarly: boolean
  /** Undefined: offers are refused with 488. */
  readonly offerHandler: RequestHandler | undefined
  readonly received: Pick<EarlyCall, 'acknowledged'> | undefined
  readonly provisionals: ReliableProvisionals | undefined
}

type Answer = (host: OfferHost, request: ServerRequest) => void

/** RFC 3261 14.2 allows 0 to 10 s. */
const LATER = 'Retry-After: 1'
/** RFC 4028 7.4 */
const REFRESHES = new Set(['INVITE', 'UPDATE'])

/** The methods that may carry an offer within a dialog, with their answers (RFC 3261 14.2, RFC 3311 5.2, RFC 3262 3). */
export const OFFER_REQUESTS: Readonly<Record<'INVITE' | 'UPDATE' | 'PRACK', Answer>> = {
  INVITE: (host, request) => {
    if (!isTooShort(host, request) && !isRefused(host, request)) decide(host, request)
  },
  UPDATE: (host, request) => {
    if (!isTooShort(host, request)) receiveUpdate(host, request)
  },
  PRACK: receivePrack,
}

function receiveUpdate(host: OfferHost, request: ServerRequest): void {
  const { context, dialog, isEarly, offers, session } = host
  const { message } = request
  const isRefresh = message.body === '' && (isEarly || !offers.isNegotiating)
  if (!isRefresh) {
    if (!isRefused(host, request)) decide(host, request)
    return
  }
  dialog.refresh(message, context.canReach)
  const { lines, terms } = sessionAnswer(host, message)
  respond(host, request, 200, [request.contactLine(context.contacts), ALLOW, ...lines])
  if (!isEarly) session.agree(terms)
}

/** RFC 3262 3, 5 */
function receivePrack(host: OfferHost, request: ServerRequest): void {
  const { message } = request
  const { offers, provisionals, received } = host
  const acknowledged = provisionals?.acknowledge(message.header('rack'))
  if (!acknowledged) {
    respond(host, request, 481)
    return
  }
  if (acknowledged.carries) offers.first = 'answered'
  const isAnswer = acknowledged.carries === 'offer'
  if (isAnswer || message.body === '') respond(host, request, 200)
  else if (!isRefused(host, request)) decide(host, request)
  received?.acknowledged(isAnswer ? { body: new ReceivedRequest(message).body } : undefined)
}

/** RFC 4028 9: true if it has been refused with 422. */
function isTooShort(host: OfferHost, request: ServerRequest): boolean {
  const minimum = tooShort(request.message)
  if (minimum) respond(host, request, 422, minimum)
  return minimum !== undefined
}

/** An offer that comes while another one is open is refused (14.2, RFC 3311 5.2); true if it has been. */
function isRefused(host: OfferHost, request: ServerRequest): boolean {
  const status = host.offers.refusalOf(request, host.isEarly)
  if (status !== undefined) respond(host, request, status, status === 500 ? [LATER] : [])
  return status !== undefined
}

function decide(host: OfferHost, request: ServerRequest): void {
  const { context, dialog, offers, session, offerHandler: handler } = host
  const { message } = request
  const { lines, terms, isRefresh } = sessionAnswer(host, message)
  // RFC 6141 4: a request that is refused does not move the target.
  const accepted = (): void => {
    dialog.refresh(message, context.canReach)
    if (isRefresh) session.agree(terms)
  }
  offers.peers.decide(context, request, { handler, accepted, lines })
}

/** The session begins with the 2xx to the INVITE; PRACK has no part in it. */
function sessionAnswer({ isEarly, session }: OfferHost, message: ParsedRequest) {
  const isRefresh = !isEarly && REFRESHES.has(message.method)
  return { isRefresh, ...(isRefresh ? session.answerTo(message) : { lines: [], terms: undefined }) }
}

function respond(host: OfferHost, request: ServerRequest, status: number, lines: readonly string[] = []): void {
  request.respond(status, { lines: [...lines, ...host.context.userAgentLines] })
}
