import type { Dialog } from 'sip.js/lib/core/index.js'
import {
  InviteClientTransaction,
  InviteServerTransaction,
  type ResponseOptions,
  TransactionState,
  type UserAgentServer,
} from 'sip.js/lib/core/index.js'
import type { Clock } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import type { Accounts } from './accounts.js'
import type { CallPlace, SourceLimits } from './admission/source-limits.js'
import { TokenBucket } from './admission/token-bucket.js'
import { type SharedMaps, sideKey } from './core/account-core.js'
import { ACCEPT, ALLOW, refusalLines } from './core/core-settings.js'
import { acceptSequence, type CanReach, receiveAck, refreshRemoteTarget } from './core/dialog-internals.js'
import { InviteClient } from './core/user-agent-clients.js'
import { NULL_TAG, type ParsedRequest, type ParsedResponse } from './message/parsed-message.js'
import { ReceivedRequest } from './message/received.js'
import { checkRequest, checkTargetRefresh, remoteTarget } from './request-checks.js'
import type { ClientTransactions } from './transaction/client-transactions.js'
import { serverKey } from './transaction/key.js'
import type { ServerTransactions } from './transaction/server-transactions.js'
import { hostPort } from './transport/address.js'
import { uriAt } from './transport/reach.js'
import type { SipAddress } from './types.js'
import type { DialogReceiver } from './user-agent/account-context.js'
import type { AccountUserAgent } from './user-agent/account-user-agent.js'

interface DispatcherDeps {
  clock: Clock
  log: Logger
  accounts: Accounts
  maps: SharedMaps
  /** Ours, by sip.js' dialog id. */
  dialogs: Pick<ReadonlyMap<string, DialogReceiver>, 'get'>
  clients: ClientTransactions
  servers: ServerTransactions
  limits: SourceLimits
  /** Answers from the request alone; kept where the request has a transaction. */
  reply(request: ParsedRequest, options: ResponseOptions): void
  canReach: CanReach
}

/**
 * Every message from the network comes by here, and one look into a map each finds its transaction, its dialog or its
 * account (RFC 3261 8.2, 12.2.2, 18).
 */
export class Dispatcher {
  readonly #deps: DispatcherDeps
  /** RFC 3261 8.2.2.2: ongoing requests and their transactions, to notice one that has come by another path as well. */
  readonly #merged = new Map<string, string>()
  readonly #logged: TokenBucket

  constructor(deps: DispatcherDeps) {
    this.#deps = deps
    this.#logged = new TokenBucket(LOGGED_STRANGERS.burst, deps.clock.now())
  }

  receiveResponse(message: ParsedResponse): void {
    if (message.fields.all('via').length > 1) return // 8.1.3.3: meant for somebody else
    const { viaBranch: branch, method, statusCode: status } = message
    if (this.#deps.clients.receive({ branch, method, status })) return
    const client = this.#deps.maps.clients.get(branch + method)
    if (method === 'INVITE' && status > 100 && status < 300) completeForCore(message, client instanceof InviteClient)
    client?.transaction.receiveResponse(message)
  }

  /** Whether a source gets an answer to what is no request, or belongs to no call. It says as much as an answer to OPTIONS. */
  answers({ host }: SipAddress): boolean {
    const { accounts, limits } = this.#deps
    const standing = accounts.sources.standing(host)
    return standing === 'known' || (standing !== 'silent' && limits.request(host) === 'take')
  }

  receiveRequest(message: ParsedRequest): void {
    const { servers, maps } = this.#deps
    const key = keyOf(message, message.method)
    if (servers.receive(key, message.method)) return
    // Core knows server transactions by this field alone; RFC 3261 17.2.3 wants sent-by and method as well.
    message.viaBranch = key
    if (!message.toTag && IN_DIALOG_ONLY.has(message.method)) this.#addToTag(message)
    const server = maps.servers.get(key)
    if (message.method === 'CANCEL') this.#cancel(message, key)
    else if (message.method === 'ACK' && server && server.transaction.state !== TransactionState.Accepted) {
      server.transaction.receiveRequest(message)
    } else if (message.toTag) this.#inDialog(message, key)
    else if (message.method !== 'ACK') this.#outOfDialog(message, key)
  }

  /** RFC 3261 12.2.1.1 wants it there. Some peers leave it out; Call-ID and the peer's own tag still say which dialog is meant. */
  #addToTag(message: ParsedRequest): void {
    const dialog = this.#deps.maps.byPeer.get(sideKey(message.callId, message.fromTag))
    if (dialog) message.toTag = dialog.localTag
  }

  /** RFC 3261 9.2 */
  #cancel(message: ParsedRequest, key: string): void {
    const { servers, maps, reply } = this.#deps
    const inviteKey = keyOf(message, 'INVITE')
    if (!servers.has(inviteKey)) {
      this.#belongsToNothing(message)
      return
    }
    const server = maps.servers.get(inviteKey)
    const toTag = server && toTagOf(server)
    this.#deliver(key, message, () => reply(message, { statusCode: 200, ...(toTag ? { toTag } : {}) }))
    const transaction = server?.transaction
    if (transaction instanceof InviteServerTransaction && transaction.state === TransactionState.Proceeding) {
      server?.receiveCancel(message)
    }
  }

  #inDialog(message: ParsedRequest, key: string): void {
    const { maps, reply } = this.#deps
    const { callId, toTag, fromTag } = message
    // A peer that has answered without a tag of its own may still have one in its requests.
    const dialog = maps.dialogs.get(callId + toTag + fromTag) ?? maps.dialogs.get(callId + toTag + NULL_TAG)
    if (message.method === 'ACK') dialog && receiveAck(dialog, message)
    else if (dialog) this.#checkInDialog(dialog, message, key)
    // RFC 3261 14.2: a re-INVITE that overtakes the answer to our INVITE.
    else if (message.method === 'INVITE' && maps.inviting.has(sideKey(callId, toTag)))
      reply(message, { statusCode: 491 })
    else this.#belongsToNothing(message)
  }

  #checkInDialog(dialog: Dialog, message: ParsedRequest, key: string): void {
    const refusal = checkRequest(message) ?? checkTargetRefresh(message)
    if (refusal) this.#deps.reply(message, refusal)
    else this.#deliver(key, message, () => this.#handToDialog(dialog, message))
  }

  #handToDialog(dialog: Dialog, message: ParsedRequest): void {
    const { dialogs, reply } = this.#deps
    const { method } = message
    const isEarlyInvite = method === 'INVITE' && dialog.early
    if (method !== 'OPTIONS' && method !== 'UPDATE' && !isEarlyInvite) dialog.receiveRequest(message)
    else if (acceptSequence(dialog, message)) {
      const ours = dialogs.get(dialog.id)
      if (method === 'OPTIONS') reply(message, CAPABILITIES)
      else if (method === 'UPDATE' && ours) ours.receiveUpdate(message)
      else this.#answerEarly(dialog, message)
    }
  }

  /** A re-INVITE or UPDATE before the final answer to the INVITE. */
  #answerEarly(dialog: Dialog, message: ParsedRequest): void {
    const { reply, canReach } = this.#deps
    if (message.method === 'UPDATE' && message.body === '') {
      // RFC 3311 5.2: without an offer it only refreshes.
      refreshRemoteTarget(dialog, message, canReach)
      reply(message, {
        statusCode: 200,
        extraHeaders: [`Contact: ${dialog.userAgentCore.configuration.contact}`, ALLOW],
      })
    } else if (madeHere(dialog))
      reply(message, { statusCode: 491 }) // RFC 3261 14.2: our INVITE is in progress
    else reply(message, { statusCode: 500, extraHeaders: ['Retry-After: 1'] }) // our answer is still due
  }

  #belongsToNothing(message: ParsedRequest): void {
    if (this.answers(message.source)) this.#deps.reply(message, { statusCode: 481 })
  }

  /** The source is looked at before the request: what a stranger costs does not depend on what it asks for, or of whom. */
  #outOfDialog(message: ParsedRequest, key: string): void {
    const { accounts, reply } = this.#deps
    const standing = accounts.sources.standing(message.source.host)
    const isStranger = standing === 'silent' || standing === 'refused'
    if (isStranger) this.#logStranger(message)
    if (standing === 'silent' || (standing !== 'known' && !this.#hasRoom(message))) return
    const account = isStranger ? undefined : this.#accountFor(message)
    const refusal = isStranger ? FORBIDDEN : this.#refuse(account, message)
    if (refusal) reply(message, refusal)
    else if (account) this.#begin(account, message, { key, known: standing === 'known' })
  }

  /** To sources that it does not hear an account is not there: a scanner gets the same for users that exist and that do not. */
  #accountFor(message: ParsedRequest): AccountUserAgent | undefined {
    const { accounts } = this.#deps
    const account = accounts.find(message.requestUri)
    if (!account || accounts.sources.hears(account, message.source.host)) return account
    this.#logStranger(message)
    return undefined
  }

  #hasRoom(message: ParsedRequest): boolean {
    const { limits, reply } = this.#deps
    const verdict = limits.request(message.source.host)
    if (verdict === 'tell') reply(message, OVERLOADED)
    return verdict === 'take'
  }

  #begin(account: AccountUserAgent, message: ParsedRequest, how: { key: string; known: boolean }): void {
    const { limits, reply } = this.#deps
    const place = message.method === 'INVITE' ? limits.call(message.source.host, how.known) : NO_CALL
    if (!place) {
      reply(message, OVERLOADED)
      return
    }
    const over = this.#rememberMerge(mergeKeyOf(message), how.key)
    const run = () => this.#handToAccount(account, message, untilOver(place, over))
    this.#deliver(how.key, message, run, { over, known: how.known })
  }

  /** Returns what forgets it; idempotent. In a function of its own: what is kept for 32 s shall not keep the request as well. */
  #rememberMerge(mergeKey: string, key: string): () => void {
    this.#merged.set(mergeKey, key)
    return () => {
      if (this.#merged.get(mergeKey) === key) this.#merged.delete(mergeKey)
    }
  }

  /** Policy first, then what RFC 3261 8.2 checks. Undefined: there is an account, and it may have the request. */
  #refuse(account: AccountUserAgent | undefined, message: ParsedRequest): ResponseOptions | undefined {
    const admission = account?.init.handlers.admit(new ReceivedRequest(message))
    if (admission && !admission.admit) {
      const { status, reason } = admission
      return { statusCode: status, ...(reason === undefined ? {} : { reasonPhrase: reason }) }
    }
    const wrong = checkRequest(message) ?? checkTargetRefresh(message)
    if (wrong) return wrong
    if (!account) return pingsEndpoint(message) ? CAPABILITIES : { statusCode: 404 }
    return this.#merged.has(mergeKeyOf(message)) ? { statusCode: 482 } : undefined
  }

  #handToAccount(account: AccountUserAgent, message: ParsedRequest, place: CallPlace): void {
    const { reply } = this.#deps
    if (message.method === 'INVITE') account.receiveInvite(message, place)
    else if (message.method === 'OPTIONS') reply(message, CAPABILITIES)
    else if (message.method === 'MESSAGE' || message.method === 'NOTIFY') {
      const statusCode = account.init.handlers.request?.(new ReceivedRequest(message)) ?? 405
      reply(message, { statusCode, extraHeaders: refusalLines(statusCode) })
    } else reply(message, { statusCode: 481 }) // BYE, INFO, UPDATE belong to a dialog
  }

  #logStranger({ method, source, requestUri }: ParsedRequest): void {
    const { clock, log } = this.#deps
    if (!this.#logged.take(LOGGED_STRANGERS, clock.now())) return
    log.info({ method, source: hostPort(source), target: requestUri.text }, 'request of a stranger: not taken')
  }

  /** Opens the transaction and sees to it that it has an answer, or somebody who will give one. */
  #deliver(
    key: string,
    message: ParsedRequest,
    run: () => void,
    init: { over?: () => void; known?: boolean } = {},
  ): void {
    const { servers, maps, log } = this.#deps
    const { method, source } = message
    servers.begin(key, { method, source, known: init.known ?? true }, init.over)
    try {
      run()
    } catch (error) {
      log.error({ err: error, method: message.method, sipCallId: message.callId }, 'a SIP request could not be handled')
    }
    if (!servers.isOpen(key) || maps.servers.has(key)) return
    this.#deps.reply(message, { statusCode: 500 })
  }
}

/** An ACK, and what is answered 481 where there is no dialog. */
const IN_DIALOG_ONLY = new Set(['ACK', 'BYE', 'INFO', 'UPDATE'])

/** Whether our INVITE has made the dialog. sip.js declares the transaction private. */
const madeHere = (dialog: Dialog): boolean =>
  (dialog as unknown as { initialTransaction?: unknown }).initialTransaction instanceof InviteClientTransaction

/** RFC 3261 21.5.4: too much at the moment. Kept by nobody, so that it costs nothing. */
const OVERLOADED: ResponseOptions = { statusCode: 503, extraHeaders: ['Retry-After: 5'] }
const FORBIDDEN: ResponseOptions = { statusCode: 403 }
/** A scanner must not fill the log: ten lines a minute. */
const LOGGED_STRANGERS = { perSecond: 1 / 6, burst: 10 }
/** After a 2xx and its ACK the INVITE counts as ongoing as long as its call, at most: repeats may still come. */
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

/** RFC 3261 11: OPTIONS to a host asks what stands there. Dispatchers and gateways ping so, and take a 404 for "down". */
const pingsEndpoint = (message: ParsedRequest): boolean =>
  message.method === 'OPTIONS' && message.requestUri.parts.user === ''

/** RFC 3261 11.2 */
const CAPABILITIES: ResponseOptions = { statusCode: 200, extraHeaders: [ALLOW, ACCEPT] }

const keyOf = ({ hop, callId, cseq, from }: ParsedRequest, method: string): string =>
  serverKey({ hop, method, callId, cseq, from: from.text })

const mergeKeyOf = ({ fromTag, callId, cseq, method }: ParsedRequest): string =>
  `${fromTag} ${callId} ${cseq} ${method}`

/** The tag that the INVITE is being answered with (RFC 3261 9.2). sip.js declares it protected. */
const toTagOf = (server: UserAgentServer): string | undefined => (server as unknown as { toTag?: string }).toTag

/**
 * Core drops a 1xx or 2xx without To tag or Contact. RFC 3261 12.1.2 wants the first accepted, as a null tag; plain phones leave out the
 * other: what makes a dialog leads back to where it came from then.
 */
function completeForCore(message: ParsedResponse, makesDialog: boolean): void {
  message.toTag ||= NULL_TAG
  if (makesDialog && !remoteTarget(message))
    message.fields.set('contact', [`<${uriAt(message.source, undefined).text}>`])
}
