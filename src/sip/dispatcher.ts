import type { Dialog } from 'sip.js/lib/core/index.js'
import {
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
import type { SharedMaps } from './core/account-core.js'
import { ACCEPT, ALLOW } from './core/core-settings.js'
import { acceptSequence } from './core/dialog-internals.js'
import type { ParsedRequest, ParsedResponse } from './message/parsed-message.js'
import { ReceivedRequest } from './message/received.js'
import { checkRequest, checkTargetRefresh, remoteTarget } from './request-checks.js'
import type { ClientTransactions } from './transaction/client-transactions.js'
import { serverKey } from './transaction/key.js'
import type { ServerTransactions } from './transaction/server-transactions.js'
import { hostPort } from './transport/address.js'
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
}

/**
 * Every message from the network comes by here, and one look into a map each finds its transaction, its dialog or its
 * account (RFC 3261 8.2, 12.2.2, 18).
 */
export class Dispatcher {
  readonly #deps: DispatcherDeps
  /** RFC 3261 8.2.2.2: requests in progress, to tell those that have come by another way as well. */
  readonly #merged = new Set<string>()
  readonly #logged: TokenBucket

  constructor(deps: DispatcherDeps) {
    this.#deps = deps
    this.#logged = new TokenBucket(LOGGED_STRANGERS.burst, deps.clock.now())
  }

  receiveResponse(message: ParsedResponse): void {
    if (message.fields.all('via').length > 1) return // 8.1.3.3: meant for somebody else
    const { viaBranch: branch, method, statusCode: status } = message
    if (this.#deps.clients.receive({ branch, method, status })) return
    if (method === 'INVITE' && status > 100 && status < 300 && !completeForCore(message)) return
    this.#deps.maps.clients.get(branch + method)?.transaction.receiveResponse(message)
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
    const server = maps.servers.get(key)
    if (message.method === 'CANCEL') this.#cancel(message, key)
    else if (message.method === 'ACK' && server && server.transaction.state !== TransactionState.Accepted) {
      server.transaction.receiveRequest(message)
    } else if (message.toTag) this.#inDialog(message, key)
    else if (message.method !== 'ACK') this.#outOfDialog(message, key)
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
    const dialog = maps.dialogs.get(message.callId + message.toTag + message.fromTag)
    if (message.method === 'ACK') dialog?.receiveRequest(message)
    else if (!dialog) this.#belongsToNothing(message)
    else {
      const refusal = checkRequest(message) ?? checkTargetRefresh(message)
      if (refusal) reply(message, refusal)
      else this.#deliver(key, message, () => this.#handToDialog(dialog, message))
    }
  }

  #handToDialog(dialog: Dialog, message: ParsedRequest): void {
    const { dialogs, reply } = this.#deps
    if (message.method !== 'OPTIONS' && message.method !== 'UPDATE') dialog.receiveRequest(message)
    else if (acceptSequence(dialog, message)) {
      const ours = dialogs.get(dialog.id)
      if (message.method === 'OPTIONS') reply(message, CAPABILITIES)
      else if (ours) ours.receiveUpdate(message)
      // RFC 3311 5.2: in an early dialog our answer to the INVITE's offer is still due.
      else reply(message, { statusCode: 500, extraHeaders: ['Retry-After: 1'] })
    }
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
    const ended = this.#rememberMerge(mergeKeyOf(message))
    this.#deliver(how.key, message, () => this.#handToAccount(account, message, place), { ended, known: how.known })
  }

  /** Returns what forgets it. In a function of its own: what is kept for 32 s shall not keep the request as well. */
  #rememberMerge(mergeKey: string): () => void {
    this.#merged.add(mergeKey)
    return () => this.#merged.delete(mergeKey)
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
      reply(message, { statusCode, extraHeaders: statusCode === 405 ? [ALLOW] : [] })
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
    init: { ended?: () => void; known?: boolean } = {},
  ): void {
    const { servers, maps, log } = this.#deps
    const { method, source } = message
    servers.begin(key, { method, source, known: init.known ?? true }, init.ended)
    try {
      run()
    } catch (error) {
      log.error({ err: error, method: message.method, sipCallId: message.callId }, 'a SIP request could not be handled')
    }
    if (!servers.isOpen(key) || maps.servers.has(key)) return
    this.#deps.reply(message, { statusCode: 500 })
  }
}

/** RFC 3261 21.5.4: too much at the moment. Kept by nobody, so that it costs nothing. */
const OVERLOADED: ResponseOptions = { statusCode: 503, extraHeaders: ['Retry-After: 5'] }
const FORBIDDEN: ResponseOptions = { statusCode: 403 }
/** A scanner must not fill the log: ten lines a minute. */
const LOGGED_STRANGERS = { perSecond: 1 / 6, burst: 10 }
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
 * Core drops a 1xx without To tag or Contact, which plain phones send, and a 2xx without Contact: what comes, or names an
 * address out of our reach, goes back to where it came from. False: a 2xx without To tag, which makes no dialog at all (RFC 3261 12.1).
 */
function completeForCore(message: ParsedResponse): boolean {
  if (!message.toTag) {
    if (message.statusCode >= 200) return false
    message.toTag = 'no-tag'
  }
  const scheme = remoteTarget(message)?.parts.scheme
  // sips: wants TLS, which only a proxy that stays on the way may have: our ACK and BYE would never leave.
  if (scheme !== 'sip' && !(scheme === 'sips' && message.hasHeader('record-route'))) {
    const { source } = message
    const parameter = source.protocol === 'udp' ? '' : `;transport=${source.protocol}`
    message.fields.set('contact', [`<sip:${hostPort(source)}${parameter}>`])
  }
  return true
}
