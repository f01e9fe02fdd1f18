import { InviteUserAgentServer } from 'sip.js/lib/core/index.js'
import { TelephonyError } from '../../base/errors.js'
import { newToken } from '../../base/ids.js'
import type { CallPlace } from '../admission/source-limits.js'
import { EstablishedDialog } from '../dialog/established-dialog.js'
import { sessionBody } from '../message/body.js'
import { checkText, headerLines } from '../message/header-check.js'
import type { ParsedRequest } from '../message/parsed-message.js'
import type {
  AccountSources,
  FinalResponse,
  OutgoingInvite,
  OutgoingInviteHandlers,
  OutgoingInviteInit,
  SipAddress,
  SipDialog,
  UserAgent,
  UserAgentInit,
} from '../types.js'
import { type AccountContext, guarded } from './account-context.js'
import { SentInvite } from './outgoing-invite.js'
import { ReceivedInvite } from './received-invite.js'
import { sendRequest, withCredentials } from './send-request.js'
import { targetUri } from './target-uri.js'

type RequestInit = Parameters<UserAgent['request']>[0]

/** Where the endpoint finds its accounts. */
interface AccountIndex {
  setSources(agent: AccountUserAgent, sources: AccountSources): void
  remove(agent: AccountUserAgent): void
}

/** One account on an endpoint. */
export class AccountUserAgent implements UserAgent {
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
    return this.#context.contactUri
  }

  async request(init: RequestInit): Promise<{ response: FinalResponse; cseq: number }> {
    const { core, init: account } = this.#context
    const target = targetUri(init.target)
    const from = targetUri(init.from ?? account.aor)
    const to = targetUri(init.to ?? init.target)
    const lines = headerLines(init.headers)
    const callId = checkText('Call-ID', init.sipCallId)
    const body = sessionBody(init.body)
    const fromTag = newToken()
    let cseq = init.cseq - 1
    const response = await sendRequest(this.#context, (credentials) =>
      core.makeOutgoingRequestMessage(
        checkText('method', init.method),
        target,
        from,
        to,
        { callId, cseq: ++cseq, fromTag },
        withCredentials(lines, credentials),
        body,
      ),
    )
    return { response, cseq }
  }

  invite(init: OutgoingInviteInit, handlers: OutgoingInviteHandlers): OutgoingInvite {
    return new SentInvite(this.#context, init, handlers)
  }

  adopt(dialog: SipDialog): void {
    if (!(dialog instanceof EstablishedDialog)) throw new TelephonyError('INTERNAL', 'no dialog of this layer')
    dialog.moveTo(this.#context)
  }

  keepAlive(to: SipAddress): void {
    this.#context.keepAlive(to)
  }

  setSources(sources: AccountSources): void {
    this.#accounts.setSources(this, sources)
  }

  close(): void {
    this.#accounts.remove(this)
  }

  /** An INVITE that policy let in; its server transaction exists from here on. */
  receiveInvite(message: ParsedRequest, place: CallPlace): void {
    try {
      this.#receiveInvite(message, place)
    } catch (error) {
      place.ended()
      throw error
    }
  }

  #receiveInvite(message: ParsedRequest, place: CallPlace): void {
    const { core, log, init } = this.#context
    const server = new InviteUserAgentServer(core, message)
    Object.assign(server, { toTag: newToken() }) // RFC 3261 19.3: cryptographically random, which sip.js' tags are not
    const invite = new ReceivedInvite({ context: this.#context, server, place }, message)
    const told = guarded(log, 'invite', () => {
      init.handlers.invite(invite)
      return true
    })
    if (!told) invite.reject(500)
  }
}
