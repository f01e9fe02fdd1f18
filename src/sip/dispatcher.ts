import type { Clock } from '../base/clock.js'
import { flat } from '../base/flat.js'
import { hostPort } from '../base/host-port.js'
import { newToken } from '../base/ids.js'
import type { Logger } from '../base/logger.js'
import type { Standing } from './admission/source-index.js'
import type { CallPlace, SourceLimits } from './admission/source-limits.js'
import { TokenBucket } from './admission/token-bucket.js'
import { CAPABILITY_LINES } from './capabilities.js'
import type { DialogIndex, DialogUsage, NotifyTaker } from './dialog/dialog-index.js'
import type { ParsedRequest, ParsedResponse } from './message/parsed-message.js'
import { checkRequest, checkTargetRefresh } from './request-checks.js'
import { ServerRequest } from './server-request.js'
import type { Recipient, Refusal, Service } from './service.js'
import type { ServerUser } from './transaction/transaction.js'
import type { Transactions } from './transaction/transactions.js'

import type { Way } from './transport/flow.js'
import type { SipAddress } from './types.js'

interface DispatcherDeps {
  clock: Clock
  log: Logger
  /** Asked in their order for requests outside of dialogs. */
  services: readonly Service[]
  dialogs: DialogIndex
  transactions: Transactions
  limits: SourceLimits
  /** Answers from the request alone; nothing is kept. */
  reply(request: ParsedRequest, refusal: Refusal): void
  /** The way for responses to a request. */
  wayBack(request: ParsedRequest): Way
}

/**
 * Gets every message from the network and hands it to its transaction, its dialog or its recipient, each found by one look into a map
 * (RFC 3261 8.2, 12.2.2, 18).
 */
export class Dispatcher {
  readonly #deps: DispatcherDeps
  /** RFC 3261 8.2.2.2: ongoing requests and their transactions, to notice a request that comes a second time, by another path. */
  readonly #ongoing = new Map<string, ParsedRequest['transactionKey']>()
  readonly #logged: TokenBucket

  constructor(deps: DispatcherDeps) {
    this.#deps = deps
    this.#logged = new TokenBucket(LOGGED_STRANGERS.burst, deps.clock.now())
  }

  receiveResponse(message: ParsedResponse): void {
    if (message.vias.length > 1) return // 8.1.3.3: meant for another client
    this.#deps.transactions.receiveResponse(message)
  }

  /** Whether a source gets an answer to a malformed message, or to a request within an unknown dialog: if it would get one to OPTIONS. */
  answers({ host }: SipAddress): boolean {
    const standing = this.#standing(host)
    return standing === 'known' || (standing !== 'silent' && this.#deps.limits.request(host) === 'take')
  }

  receiveRequest(message: ParsedRequest): void {
    const { transactions, dialogs } = this.#deps
    const { method, toTag } = message
    if (transactions.receiveRequest(message)) return
    if (method === 'CANCEL') {
      this.#cancel(message)
      return
    }
    // Some peers leave out the To tag that 12.2.1.1 demands; Call-ID and the peer's own tag still identify the dialog.
    const meant = toTag === '' && IN_DIALOG_ONLY.has(method) ? dialogs.findByPeer(message) : undefined
    const found = meant ?? (toTag === '' ? undefined : dialogs.find(message))
    const usage = found ?? (method === 'NOTIFY' ? dialogs.findReferrer(message) : undefined)
    const taker = method === 'NOTIFY' && !usage ? dialogs.findNotifyTaker(message) : undefined
    if (method === 'ACK') usage?.receiveAck(message)
    else if (usage) this.#inDialog(usage, message)
    else if (taker) this.#notify(taker, message)
    else if (toTag === '') this.#outOfDialog(message)
    // 14.2: a re-INVITE that overtakes the answer to our INVITE.
    else if (method === 'INVITE' && dialogs.hasSentInvite(message.callId, toTag))
      this.#deps.reply(message, { status: 491 })
    else this.#belongsToNothing(message)
  }

  /** RFC 3261 9.2: 200 if its INVITE is known, even if that has its final response. */
  #cancel(message: ParsedRequest): void {
    const { transactions } = this.#deps
    const invite = transactions.inviteOf(message)
    if (!invite?.isCancelledBy(message)) {
      this.#belongsToNothing(message)
      return
    }
    this.#open(message, { toTag: invite.toTag, known: true }).respond(200)
    invite.cancel(message)
  }

  #inDialog(usage: DialogUsage, message: ParsedRequest): void {
    const refusal = checkRequest(message) ?? checkTargetRefresh(message)
    if (refusal) this.#deps.reply(message, refusal)
    else {
      const request = this.#open(message, { toTag: usage.dialog.localTag, known: true })
      request.cancelledBy = usage
      this.#run(request, () => usage.receive(request))
    }
  }

  /** RFC 6665 4.4.1: a NOTIFY may make a dialog. */
  #notify(taker: NotifyTaker, message: ParsedRequest): void {
    const refusal = checkRequest(message)
    if (refusal) this.#deps.reply(message, refusal)
    else {
      const request = this.#open(message, { toTag: taker.localTag, known: true })
      this.#run(request, () => taker.receive(request))
    }
  }

  #belongsToNothing(message: ParsedRequest): void {
    if (this.answers(message.source)) this.#deps.reply(message, { status: 481 })
  }

  /** Checks the source before the request, so that the cost of a stranger's request does not depend on its content. */
  #outOfDialog(message: ParsedRequest): void {
    const { reply } = this.#deps
    const standing = this.#standing(message.source.host)
    const isStranger = standing === 'silent' || standing === 'refused'
    if (isStranger) this.#logStranger(message)
    if (standing === 'silent' || (standing !== 'known' && !this.#hasRoom(message))) return
    const recipient = isStranger ? undefined : this.#recipientOf(message)
    const refusal = isStranger ? FORBIDDEN : this.#refuse(recipient, message)
    if (refusal) reply(message, refusal)
    else if (recipient) this.#begin(recipient, message, standing === 'known')
  }

  #standing(host: string): Standing {
    const standings = this.#deps.services.map((service) => service.standing(host))
    return RANK.find((standing) => standings.includes(standing)) ?? 'unknown'
  }

  /** A recipient that does not hear the source counts as absent: a scanner gets the same answer for users that exist and that do not. */
  #recipientOf(message: ParsedRequest): Recipient | undefined {
    for (const service of this.#deps.services) {
      const found = service.find(message)
      if (found === 'hidden') this.#logStranger(message)
      else if (found) return found
    }
    return undefined
  }

  #hasRoom(message: ParsedRequest): boolean {
    const { limits, reply } = this.#deps
    const verdict = limits.request(message.source.host)
    if (verdict === 'tell') reply(message, OVERLOADED)
    return verdict === 'take'
  }

  /** Policy first, then the checks of RFC 3261 8.2. Undefined: the recipient may have the request. */
  #refuse(recipient: Recipient | undefined, message: ParsedRequest): Refusal | undefined {
    const wrong = recipient?.admit(message) ?? checkRequest(message) ?? checkTargetRefresh(message)
    if (wrong) return wrong
    if (recipient) return undefined
    return pingsEndpoint(message) ? CAPABILITIES : { status: 404 }
  }

  #begin(recipient: Recipient, message: ParsedRequest, known: boolean): void {
    const { limits, reply } = this.#deps
    const mergeKey = mergeKeyOf(message)
    if (this.#ongoing.has(mergeKey)) {
      reply(message, { status: 482 })
      return
    }
    const place = message.method === 'INVITE' ? limits.call(message.source.host, known) : NO_CALL
    if (!place) {
      reply(message, OVERLOADED)
      return
    }
    const over = this.#rememberOngoing(mergeKey, message)
    const request = this.#open(message, { toTag: newToken(), known, over })
    this.#run(request, () => recipient.receive(request, untilOver(place, over)))
  }

  /** Returns an idempotent function that removes it. That function stays for 32 s: its scope must not hold the request, so it is made here. */
  #rememberOngoing(mergeKey: string, { transactionKey }: ParsedRequest): () => void {
    this.#ongoing.set(mergeKey, transactionKey)
    return () => {
      if (this.#ongoing.get(mergeKey) === transactionKey) this.#ongoing.delete(mergeKey)
    }
  }

  #open(message: ParsedRequest, init: { toTag: string; known: boolean; over?: () => void }): ServerRequest {
    const { transactions, wayBack, log } = this.#deps
    const { known, toTag, over } = init
    const user = new RequestUser(log, over)
    const transaction = transactions.open(message, wayBack(message), { known, toTag, user })
    const request = new ServerRequest(message, transaction, toTag)
    user.request = request
    return request
  }

  /** Answers with 500 if the recipient throws. */
  #run(request: ServerRequest, receive: () => void): void {
    try {
      receive()
    } catch (error) {
      const { method, callId: sipCallId } = request.message
      this.#deps.log.error({ err: error, method, sipCallId }, 'a SIP request could not be handled')
      if (request.transaction.isUnanswered) request.respond(500)
    }
  }

  #logStranger({ method, source, uri }: ParsedRequest): void {
    const { clock, log } = this.#deps
    if (!this.#logged.take(LOGGED_STRANGERS, clock.now())) return
    log.info({ method, source: hostPort(source), target: uri.text }, 'request of a stranger: not taken')
  }
}

/** The transaction user of a received request. */
class RequestUser implements ServerUser {
  readonly over: (() => void) | undefined
  request: ServerRequest | undefined = undefined
  readonly #log: Logger

  constructor(log: Logger, over: (() => void) | undefined) {
    this.#log = log
    this.over = over
  }

  cancelled(cancel: ParsedRequest): void {
    this.request?.cancelledBy?.cancelled(cancel.headers('reason'))
  }

  unsent(error: Error): void {
    this.#log.warn({ err: error }, 'a response could not be sent')
  }
}

/** Methods that exist within dialogs only. */
const IN_DIALOG_ONLY = new Set(['ACK', 'BYE', 'INFO', 'UPDATE'])

/** The services' opinions of a source by precedence: the first that one of them has counts. */
const RANK: readonly Standing[] = ['known', 'unknown', 'silent', 'refused']

/** RFC 3261 21.5.4 */
const OVERLOADED: Refusal = { status: 503, lines: ['Retry-After: 5'] }
const FORBIDDEN: Refusal = { status: 403 }
/** A scanner must not fill the log: ten lines a minute. */
const LOGGED_STRANGERS = { perSecond: 1 / 6, burst: 10 }

/** An answered INVITE stops being ongoing when its call ends, if that is earlier than the end of its transaction. */
function untilOver(place: CallPlace, over: () => void): CallPlace {
  let stands = false
  return {
    established() {
      stands = true
      place.established()
    },
    ended() {
      place.ended()
      if (stands) over()
    },
  }
}

const NO_CALL: CallPlace = { established() {}, ended() {} }

/** RFC 3261 11: OPTIONS without a user asks the endpoint itself. Dispatchers and gateways ping like that, and take a 404 for "down". */
const pingsEndpoint = (message: ParsedRequest): boolean => message.method === 'OPTIONS' && message.target.user === ''

/** RFC 3261 11.2 */
const CAPABILITIES: Refusal = { status: 200, lines: CAPABILITY_LINES }

/** Flat, because it stays as long as the transaction. */
const mergeKeyOf = ({ fromTag, callId, cseq, method }: ParsedRequest): string =>
  flat(`${fromTag} ${callId} ${cseq} ${method}`)
