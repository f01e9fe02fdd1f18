/** The peer transfers us: its REFER, our INVITE to the target, and our reports (RFC 3515, 5589). */
import type { Timer } from '../base/clock.js'
import { TelephonyError } from '../base/errors.js'
import { newSipCallId } from '../base/ids.js'
import { SIPFRAG, statusFragment } from '../sip/message/status-fragment.js'
import {
  type FinalResponse,
  type HeaderField,
  type IncomingRequest,
  isLocal,
  type OutgoingInvite,
  type SipDialog,
  type SipResponse,
} from '../sip/types.js'
import { parseReferTo, type ReferTo } from '../sip/uri/refer-to.js'
import { replacesText } from '../sip/uri/replaces.js'
import { causeOfStatus } from './call-state.js'
import type { Negotiation } from './negotiation.js'
import type { TransferHost } from './transfer-host.js'
import type { TransferPlace } from './transfer-rules.js'

type State = 'asked' | 'calling' | 'over'

/** Lifetime of the implicit subscription: longer than any ringing. */
const EXPIRES_SEC = 300
const DECLINED = { status: 603, reason: 'Declined' }
const MAX_TEXT = 256

/** A REFER that was accepted with 202. The call goes on meanwhile, and moves to the target when the target answers. */
export class Referral {
  readonly #host: TransferHost
  readonly #dialog: SipDialog
  readonly #target: ReferTo
  readonly #place: TransferPlace
  readonly #referredBy: string | undefined
  /** Undefined: the peer wants no reports (RFC 4488). */
  readonly #event: string | undefined
  #state: State = 'asked'
  #timer: Timer | undefined
  #invite: OutgoingInvite | undefined
  #negotiation: Negotiation | undefined
  #hasPeerLeft = false
  #reports: Promise<unknown> = Promise.resolve()

  /** `isFirst`: the first REFER of the dialog. */
  constructor(
    host: TransferHost,
    dialog: SipDialog,
    init: { incoming: IncomingRequest; target: ReferTo; place: TransferPlace; isFirst: boolean },
  ) {
    const { request } = init.incoming
    this.#host = host
    this.#dialog = dialog
    this.#target = init.target
    this.#place = init.place
    this.#referredBy = request.header('Referred-By')
    const isReported = request.header('Refer-Sub')?.trim().toLowerCase() !== 'false'
    // RFC 3515 2.4.6: the second and later subscriptions of a dialog have an id.
    this.#event = isReported ? `refer${init.isFirst ? '' : `;id=${request.cseq}`}` : undefined
    init.incoming.accept({ status: 202, headers: isReported ? [] : [['Refer-Sub', 'false']] })
  }

  get isOver(): boolean {
    return this.#state === 'over'
  }

  /** The flow decides within the time limit; without a decision the transfer is declined. */
  ask(decideMs: number): void {
    this.#report({ status: 100, reason: 'Trying' }, 'pending')
    this.#timer = this.#host.clock.setTimeout(() => this.decline(DECLINED), decideMs)
    const { uri, user, replaces } = this.#target
    const referredBy = this.#referredBy?.slice(0, MAX_TEXT)
    this.#host.report({
      type: 'call.transfer-request',
      to: { uri: uri.slice(0, MAX_TEXT), user: user.slice(0, MAX_TEXT) },
      attended: replaces !== undefined,
      ...(referredBy === undefined ? {} : { referredBy }),
    })
  }

  /** Sends the INVITE. Throws WRONG_STATE if the transfer has been decided. */
  follow(): void {
    if (this.#state !== 'asked') throw notOpen()
    this.#timer?.cancel()
    this.#state = 'calling'
    this.#report({ status: 100, reason: 'Trying' }, 'active')
    try {
      this.#call()
    } catch (error) {
      this.#host.log.warn({ err: error }, 'the INVITE of a transfer could not be sent')
      this.#fail({ status: 503, reason: TelephonyError.from(error).message })
    }
  }

  /** Throws WRONG_STATE if the transfer has been decided. */
  decline(answer: { status: number; reason: string }): void {
    if (this.#state !== 'asked') throw notOpen()
    this.#fail(answer, 'rejected')
  }

  /** The peer has sent BYE. True if the call waits for the target all the same. */
  peerLeft(): boolean {
    if (this.#state === 'over') return false
    this.#hasPeerLeft = true
    return true
  }

  /** The call ends. Idempotent. */
  close(): void {
    if (this.#state === 'over') return
    this.#end()
    this.#invite?.cancel()
  }

  #call(): void {
    const { clock, account } = this.#host
    const { userAgent, target, ringTimeoutMs } = this.#place
    const headers: HeaderField[] = []
    if (this.#referredBy !== undefined) headers.push(['Referred-By', this.#referredBy])
    // RFC 3891 5: the peer of the replaced dialog must know Replaces, or two calls would stand.
    if (this.#target.replaces) headers.push(['Replaces', replacesText(this.#target.replaces)], ['Require', 'replaces'])
    this.#negotiation = this.#host.successor()
    this.#timer = clock.setTimeout(() => this.#ringTimeout(), ringTimeoutMs)
    this.#invite = userAgent.invite(
      { target: target.uri, headers, body: this.#negotiation.offer(), sipCallId: newSipCallId(account.rtp.advertise) },
      {
        progress: (response) => this.#progress(response),
        answered: (dialog, response) => this.#answered(dialog, response),
        failed: (response) => this.#failed(response),
      },
    )
  }

  #progress(response: SipResponse): void {
    if (this.#state === 'over') return
    this.#accept(response)
    this.#report(response, 'active')
  }

  /** An answer before the 2xx counts as well: the 2xx need not repeat it after a reliable provisional response (RFC 3262 5). */
  #accept(response: SipResponse): void {
    if (!response.body) return
    try {
      this.#negotiation?.accept(response.body)
    } catch (error) {
      this.#host.log.warn({ err: error, status: response.status }, 'the SDP of the transfer target is not valid')
    }
  }

  #answered(dialog: SipDialog, response: SipResponse): void {
    const isOpen = this.#state === 'calling' && !this.#host.ending
    if (isOpen) this.#accept(response)
    const settled = this.#negotiation?.settled
    if (!isOpen || !settled || !this.#negotiation) {
      // RFC 3261 15: the ACK is sent first, when this has returned.
      void Promise.resolve().then(() => dialog.bye())
      if (isOpen) this.#fail({ status: 488, reason: 'the answer of the transfer target has no usable SDP' })
      return
    }
    this.#end()
    const { uri, user } = this.#target
    const to = { uri: uri.slice(0, MAX_TEXT), user: user.slice(0, MAX_TEXT) }
    this.#host.replacePeer(
      { dialog, negotiation: this.#negotiation, settled, message: response },
      { type: 'call.transferred', to },
      () => this.#part(response),
    )
  }

  /** The last report comes before the BYE, so that the peer knows that the transfer has succeeded. */
  async #part(response: SipResponse): Promise<void> {
    this.#report(response, 'noresource')
    await this.#reports
    if (!this.#hasPeerLeft) await this.#dialog.bye()
  }

  #failed(response: FinalResponse): void {
    if (this.#state === 'calling') this.#fail(response)
  }

  #ringTimeout(): void {
    this.#invite?.cancel()
    this.#fail({ status: 408, reason: 'the transfer target did not answer in time' })
  }

  #fail({ status, reason }: { status: number; reason: string }, why: 'noresource' | 'rejected' = 'noresource'): void {
    if (this.#state === 'over') return
    this.#end()
    this.#report({ status, reason }, why)
    const { uri, user } = this.#target
    const to = { uri: uri.slice(0, MAX_TEXT), user: user.slice(0, MAX_TEXT) }
    this.#host.report({ type: 'call.transfer-failed', to, status, reason: reason.slice(0, MAX_TEXT) })
    if (!this.#hasPeerLeft) return
    this.#host.finish({
      by: 'remote',
      cause: causeOfStatus(status),
      sipCode: status,
      reason: `the peer left the call, and its transfer failed: ${reason}`.slice(0, MAX_TEXT),
    })
  }

  #end(): void {
    this.#state = 'over'
    this.#timer?.cancel()
  }

  /** NOTIFYs leave one after the other, so that a later one does not overtake. */
  #report(
    { status, reason }: { status: number; reason: string },
    state: 'pending' | 'active' | 'noresource' | 'rejected',
  ): void {
    const event = this.#event
    if (event === undefined || this.#hasPeerLeft) return
    const isOpen = state === 'pending' || state === 'active'
    const subscription = isOpen ? `${state};expires=${EXPIRES_SEC}` : `terminated;reason=${state}`
    const headers: HeaderField[] = [
      ['Event', event],
      ['Subscription-State', subscription],
    ]
    const body = { contentType: `${SIPFRAG};version=2.0`, content: statusFragment({ status, reason }) }
    this.#reports = this.#reports.then(async () => {
      if (this.#hasPeerLeft) return
      const response = await this.#dialog.request('NOTIFY', { headers, body })
      if (isLocal(response) || response.status >= 300)
        this.#host.log.info({ status: response.status }, 'a report of a transfer was not taken')
    })
    this.#reports.catch((error: unknown) => this.#host.log.warn({ err: error }, 'a report of a transfer failed'))
  }
}

/** Reads a REFER. Returns the status that refuses it if it cannot be followed. */
export function readRefer(incoming: IncomingRequest): ReferTo | number {
  const { request } = incoming
  const [value, ...others] = request.headers('Refer-To')
  if (value === undefined || others.length > 0) return 400 // RFC 3515 2.4.2: exactly one
  const target = parseReferTo(value)
  if (!target) return 400
  return target.method === 'INVITE' ? target : 501
}

const notOpen = (): TelephonyError =>
  new TelephonyError('WRONG_STATE', 'the transfer has been decided, or the call has no transfer to decide')
