import { type InviteUserAgentServer, SessionDialog } from 'sip.js/lib/core/index.js'
import type { Timer } from '../../base/clock.js'
import { TelephonyError } from '../../base/errors.js'
import { readable } from '../../base/octets.js'
import type { CallPlace } from '../admission/source-limits.js'
import { keepInReach } from '../core/dialog-internals.js'
import { EstablishedDialog } from '../dialog/established-dialog.js'
import { sessionBody } from '../message/body.js'
import { checkText, dialogHeaderLines, headerLines } from '../message/header-check.js'
import type { ParsedRequest } from '../message/parsed-message.js'
import { ReceivedRequest } from '../message/received.js'
import type { HeaderField, IncomingInvite, SipBody, SipDialog, SipRequest } from '../types.js'
import { type AccountContext, guarded } from './account-context.js'
import { sendTrying } from './trying.js'

/** RFC 3261 17.2.1: 100 is owed where no other answer comes within 200 ms. */
const TRYING_MS = 100

interface AnswerInit {
  reason?: string
  headers?: readonly HeaderField[]
  body?: SipBody
}

/**
 * RFC 3261 13.3: an INVITE that waits for somebody's decision. What comes after the decision (or after a CANCEL) is
 * ignored, but for `accept`, which throws.
 */
export class ReceivedInvite implements IncomingInvite {
  readonly request: SipRequest
  handlers: IncomingInvite['handlers'] = {}
  readonly #context: AccountContext
  readonly #server: InviteUserAgentServer
  readonly #place: CallPlace
  #trying: Timer | undefined
  #decided = false

  constructor(
    deps: { context: AccountContext; server: InviteUserAgentServer; place: CallPlace },
    message: ParsedRequest,
  ) {
    const { context, server, place } = deps
    const trying = () => guarded(context.log, 'trying', () => sendTrying(context.core, message))
    this.request = new ReceivedRequest(message)
    this.#context = context
    this.#server = server
    this.#place = place
    server.delegate = {
      onCancel: (cancel) => this.#terminate(cancel.getHeaders('reason')),
      onTransportError: (error) => context.log.warn({ err: error }, 'an answer to INVITE could not be sent'),
    }
    if (context.init.handlers.decidesAtOnce?.()) this.#trying = context.clock.setTimeout(trying, TRYING_MS)
    else trying()
  }

  progress(status: number, init: AnswerInit = {}): void {
    if (this.#decided) return
    this.#trying?.cancel()
    const { session } = this.#server.progress(options(status, init))
    // 15: the caller may end an early dialog by BYE instead of CANCEL
    session.delegate = {
      onBye: (bye) => {
        bye.accept()
        this.#terminate(bye.message.getHeaders('reason'))
      },
    }
  }

  accept(init: { headers?: readonly HeaderField[]; body: SipBody }): SipDialog {
    if (this.#decided) throw new TelephonyError('WRONG_STATE', 'this INVITE has been answered or cancelled')
    const answer = options(200, init)
    this.#decided = true
    this.#trying?.cancel()
    const { session } = this.#server.accept(answer)
    if (!(session instanceof SessionDialog)) throw new TelephonyError('INTERNAL', 'sip.js made no dialog')
    keepInReach(session, this.request.source, this.#context.canReach)
    return new EstablishedDialog(this.#context, session, {
      established: () => {
        this.#keepBytesOnly()
        this.#place.established()
      },
      ended: () => {
        this.#keepBytesOnly()
        this.#place.ended()
      },
    })
  }

  reject(status: number, init: AnswerInit = {}): void {
    if (this.#decided) return
    const answer = options(status, init)
    this.#decided = true
    this.#trying?.cancel()
    if (status < 400) this.#server.redirect([], answer)
    else this.#server.reject(answer)
    this.#place.ended()
    this.#keepBytesOnly()
  }

  /**
   * ServerTransactions has what it takes to repeat a failure and to absorb what comes late (17.2.1, RFC 6026 7.1). Core's
   * transaction would hold the whole call for another 32 s.
   */
  #keepBytesOnly(): void {
    const { core } = this.#context
    core.userAgentServers.delete(this.#server.transaction.id)
    this.#server.dispose()
  }

  #terminate(reasons: readonly string[]): void {
    if (this.#decided) return
    this.reject(487) // RFC 3261 9.2, 15.1.2
    guarded(this.#context.log, 'cancelled', () => this.handlers.cancelled?.(reasons.map(readable)))
  }
}

function options(statusCode: number, init: AnswerInit) {
  const body = sessionBody(init.body)
  return {
    statusCode,
    ...(init.reason === undefined ? {} : { reasonPhrase: checkText('reason', init.reason) }),
    // A redirection is what its Contact says (RFC 3261 21.3).
    extraHeaders: statusCode < 300 ? dialogHeaderLines(init.headers) : headerLines(init.headers),
    ...(body ? { body } : {}),
  }
}
