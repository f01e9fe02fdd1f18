import { TelephonyError } from '../base/errors.js'
import { newToken } from '../base/ids.js'
import type { CallPlace } from './admission/source-limits.js'
import { CAPABILITY_LINES } from './capabilities.js'
import { InviteDialog } from './invite/invite-dialog.js'
import { extensionRefusal } from './invite/invite-extensions.js'
import { ReceivedInvite } from './invite/received-invite.js'
import { displayed, SentInvite } from './invite/sent-invite.js'
import { checkText, headerLines } from './message/header-check.js'
import { OutgoingRequest } from './message/outgoing-request.js'
import type { ParsedRequest } from './message/parsed-message.js'
import { ReceivedRequest } from './message/received.js'
import type { ServerRequest } from './server-request.js'
import type { Recipient, Refusal } from './service.js'
import type { InviteServer } from './transaction/invite-server.js'
import type {
  AccountBinding,
  AccountSources,
  OutgoingInvite,
  OutgoingInviteHandlers,
  OutgoingInviteInit,
  RequestResult,
  SipAddress,
  SipDialog,
  UserAgent,
  UserAgentInit,
} from './types.js'
import { type AccountContext, guarded } from './user-agent/account-context.js'
import { AnswerableRequest } from './user-agent/answerable-request.js'
import { ContactWith } from './user-agent/contacts.js'
import { exchange } from './user-agent/exchange.js'
import { targetUri } from './user-agent/target-uri.js'

type RequestInit = Parameters<UserAgent['request']>[0]

/** Where the endpoint finds its accounts. */
interface AccountIndex {
  setSources(agent: AccountUserAgent, sources: AccountSources): void
  remove(agent: AccountUserAgent): void
}

/** One account on an endpoint. */
export class AccountUserAgent implements UserAgent, Recipient {
  readonly #context: AccountContext
  readonly #accounts: AccountIndex

  constructor(context: AccountContext, accounts: AccountIndex) {
    this.#context = context
    this.#accounts = accounts
  }

  get init(): UserAgentInit {
    return this.#context.init
  }

  get contactUri(): string {
    return this.#context.contacts.uri
  }

  publish(address: { host: string; port: number } | undefined): boolean {
    return this.#context.contacts.publish(address)
  }

  async request(init: RequestInit): Promise<RequestResult> {
    const context = this.#context
    const target = targetUri(init.target)
    const from = targetUri(init.from ?? context.aor)
    const to = targetUri(init.to ?? init.target)
    const { contactParams, oldContacts } = init
    const contact =
      contactParams === undefined ? undefined : new ContactWith(context.contacts, contactParams, oldContacts)
    let { cseq } = init
    const request = new OutgoingRequest({
      method: checkText('method', init.method),
      target,
      routeSet: init.method === 'REGISTER' ? context.routes.toRegistrar(target) : context.routes.to(target),
      from: `${displayed(context.init.displayName)}<${from.text}>`,
      fromTag: newToken(),
      to: `<${to.text}>`,
      callId: checkText('Call-ID', init.sipCallId),
      cseq,
      contact,
      lines: [...headerLines(init.headers), ...context.userAgentLines],
      body: init.body,
    })
    const response = await exchange(context, request, { inDialog: false, nextSeq: () => ++cseq, signal: init.signal })
    const contactUri = contact?.uri
    return contactUri === undefined ? { response, cseq } : { response, cseq, contactUri }
  }

  invite(init: OutgoingInviteInit, handlers: OutgoingInviteHandlers): OutgoingInvite {
    return new SentInvite(this.#context, init, handlers)
  }

  adopt(dialog: SipDialog): void {
    if (!(dialog instanceof InviteDialog)) throw new TelephonyError('INTERNAL', 'not a dialog of this layer')
    dialog.moveTo(this.#context)
  }

  keepAlive(to: SipAddress): void {
    this.#context.keepAlive(to)
  }

  openFlow(target: string): Promise<SipAddress> {
    const uri = targetUri(target)
    const [first] = this.#context.routes.toRegistrar(uri)
    return this.#context.openFlow(first?.uri ?? uri)
  }

  setBinding(binding: AccountBinding | undefined): void {
    this.#context.contacts.bind(binding)
    this.#context.routes.serviceRoute = binding?.serviceRoute ?? []
  }

  setSources(sources: AccountSources): void {
    this.#accounts.setSources(this, sources)
  }

  close(): void {
    this.#accounts.remove(this)
  }

  admit(message: ParsedRequest): Refusal | undefined {
    const admission = this.init.handlers.admit(new ReceivedRequest(message))
    if (admission.admit) return undefined
    const { status, reason } = admission
    return reason === undefined ? { status } : { status, reason }
  }

  /** A request that policy let in. */
  receive(request: ServerRequest, place: CallPlace): void {
    const { method } = request.message
    const { userAgentLines } = this.#context
    if (method === 'INVITE') this.#receiveInvite(request as ServerRequest<InviteServer>, place)
    else if (method === 'OPTIONS') request.respond(200, { lines: [...CAPABILITY_LINES, ...userAgentLines] })
    else if (method === 'MESSAGE' || method === 'NOTIFY')
      new AnswerableRequest(this.#context, request).decideBy(this.init.handlers.request)
    // RFC 5589 4: the call that a REFER would transfer is named by its dialog; another one is not taken.
    else if (method === 'REFER') request.respond(403, { lines: userAgentLines })
    else request.respond(481, { lines: userAgentLines }) // BYE, INFO, UPDATE belong to a dialog
  }

  #receiveInvite(request: ServerRequest<InviteServer>, place: CallPlace): void {
    const { log, init, userAgentLines } = this.#context
    const refusal = extensionRefusal(request.message, init)
    if (refusal) {
      request.respond(refusal.status, { lines: [...(refusal.lines ?? []), ...userAgentLines] })
      place.ended()
      return
    }
    const invite = new ReceivedInvite(this.#context, request, place)
    request.cancelledBy = invite
    const handled = guarded(log, 'invite', () => {
      init.handlers.invite(invite)
      return true
    })
    if (!handled) invite.reject(500)
  }
}
