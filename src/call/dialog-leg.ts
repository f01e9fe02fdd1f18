import { TelephonyError } from '../base/errors.js'
import {
  type FinalResponse,
  type HeaderField,
  type IncomingRequest,
  isLocal,
  type SipBody,
  type SipDialog,
} from '../sip/types.js'
import { referToText } from '../sip/uri/refer-to.js'
import { answerOffer } from './answer-offer.js'
import type { CallEnd } from './call-event.js'
import { DialogTransfers } from './dialog-transfers.js'
import { digitOfInfo } from './digits.js'
import { InfoDigits } from './info-digits.js'
import type { Farewell, Leg } from './leg.js'
import type { Negotiation } from './negotiation.js'
import { PeerProbe } from './peer-probe.js'
import { readReasons, reasonText, reasonValue } from './reason.js'
import { Renegotiation } from './renegotiation.js'
import type { TransferHost } from './transfer-host.js'
import type { LocalPlace, TransferResult } from './types.js'

/** The call from the 2xx to the BYE. */
export class DialogLeg implements Leg {
  readonly hangup = { cause: 'normal', sipCode: null } as const
  /** Another call offers this one to its peer as the target of a transfer. */
  isConsulted = false
  readonly #host: TransferHost
  readonly #dialog: SipDialog
  readonly #negotiation: Negotiation
  readonly #probe: PeerProbe
  readonly #renegotiation: Renegotiation
  #infoDigits: InfoDigits | undefined
  #isGone = false
  readonly #earlierReferrals: number
  /** Made by the first transfer. */
  #transfers: DialogTransfers | undefined

  /** `referrals`: how often peers have transferred the call before. */
  constructor(host: TransferHost, dialog: SipDialog, negotiation: Negotiation, referrals: number) {
    const { clock, log } = host
    this.#host = host
    this.#dialog = dialog
    this.#negotiation = negotiation
    this.#earlierReferrals = referrals
    this.#probe = new PeerProbe({ clock, log, dialog, lost: (response) => this.#lost(response) })
    this.#renegotiation = new Renegotiation({
      clock,
      log,
      dialog,
      negotiation,
      settled: (settled) => host.settled(settled),
    })
    dialog.handlers = {
      bye: (request) => this.#bye(request.headers('Reason')),
      acknowledged: (body) => this.#acknowledged(body),
      ackTimeout: () => this.#fail('the peer sent no ACK for our answer'),
      request: (incoming) => this.#answer(incoming),
      refresh: () => this.#renegotiation.run(),
      expired: (intervalSec) => this.#expired(intervalSec),
      lost: (response) => this.#lost(response),
    }
  }

  /** Asks the peer to call another target, or the peer of another call in place of us. */
  transfer(to: string | DialogLeg, limitMs?: number): Promise<TransferResult> {
    const referTo = typeof to === 'string' ? referToText(to) : to.#asTarget()
    return this.transfers.transfer({ referTo, ...(limitMs === undefined ? {} : { limitMs }) })
  }

  get transfers(): DialogTransfers {
    this.#transfers ??= new DialogTransfers(this.#host, this.#dialog, this.#earlierReferrals)
    return this.#transfers
  }

  get referrals(): number {
    return this.#transfers?.referrals ?? this.#earlierReferrals
  }

  get isTransferring(): boolean {
    return this.#transfers?.isBusy ?? false
  }

  /** The call goes on in another dialog; this one only ends. */
  detach(): void {
    this.#stop()
    this.#transfers?.close()
    this.#dialog.handlers = { request: (incoming) => incoming.reject(481) }
  }

  /** Ends the dialog of a call that goes on in another one. */
  async part(): Promise<void> {
    if (!this.#isGone) await this.#dialog.bye()
  }

  /** Sends our offer again. Resolves with true if the peer accepted it. */
  renegotiate(): Promise<boolean> {
    return this.#renegotiation.run()
  }

  /** Sends an offer with what has changed. Resolves with true if the peer accepted it. */
  offerAgain(): Promise<boolean> {
    return this.#renegotiation.again()
  }

  /** The response that refused our last offer. */
  get refusal(): FinalResponse | undefined {
    return this.#renegotiation.refusal
  }

  /** Continues from another local address and sends the peer a re-INVITE (RFC 3261 14.1). Resolves with the failure, if there is one. */
  async moveTo({ userAgent, rtp }: LocalPlace): Promise<{ sipCode: number | null; why: string } | undefined> {
    try {
      userAgent.adopt(this.#dialog)
      await this.#negotiation.moveTo(rtp)
      if (this.#host.ending || (await this.#renegotiation.again({ atOnce: true }))) return undefined
    } catch (error) {
      return { sipCode: null, why: TelephonyError.from(error).message }
    }
    const { refusal } = this.#renegotiation
    const said = refusal ? `${refusal.status} ${refusal.reason}`.slice(0, 64) : 'no usable answer'
    return { sipCode: refusal?.status ?? null, why: `the peer did not accept the new address: ${said}` }
  }

  /** Sends digits by INFO. */
  sendDigits(digits: string, times: { toneMs?: number; gapMs?: number }): Promise<'finished' | 'hangup'> {
    const { clock } = this.#host
    this.#infoDigits ??= new InfoDigits({ clock, info: (body) => this.#dialog.request('INFO', { body }) })
    return this.#infoDigits.send(digits, times)
  }

  /** In a held call no sound is due; requests check whether it is still there. */
  watch(on: boolean): void {
    if (on) this.#probe.start()
    else this.#probe.stop()
  }

  /** Whether the peer has answered the last probe. */
  get peerAnswers(): boolean {
    return this.#probe.answered
  }

  async leave(_end: CallEnd, farewell?: Farewell): Promise<number | null> {
    this.#stop()
    this.#transfers?.close()
    if (this.#isGone) return null
    const response = await this.#dialog.bye(farewell && byeInit(farewell))
    if (isLocal(response) && response.unsent) this.#host.unsent(`the BYE could not be sent: ${response.reason}`)
    return null
  }

  #bye(reasons: readonly string[]): void {
    this.#isGone = true
    const left = this.#transfers?.peerLeft()
    if (left === 'waits') {
      this.#stop()
      this.#host.awaitPeer()
      return
    }
    const cause = left === 'transferred' || this.isConsulted ? 'transferred' : 'normal'
    const end: CallEnd = { by: 'remote', cause, sipCode: null, reason: reasonText(reasons) ?? 'BYE' }
    const read = readReasons(reasons)
    if (read) end.reasons = read
    this.#host.finish(end)
  }

  #stop(): void {
    this.#probe.stop()
    this.#renegotiation.close()
    this.#infoDigits?.close()
  }

  /** RFC 3891 3: the tags as the peer of this dialog sees them. */
  #asTarget(): string {
    const { sipCallId: callId, remoteTag: toTag, localTag: fromTag, remoteUri } = this.#dialog
    return referToText(remoteUri, { callId, toTag, fromTag, earlyOnly: false })
  }

  #fail(reason: string): void {
    this.#host.finish({ by: 'error', cause: 'failed', sipCode: null, reason })
  }

  /** If our 2xx carried the offer, the ACK carries the answer (RFC 3261 13.2.2.4). */
  #acknowledged(body: SipBody | undefined): void {
    if (this.#host.ending || !this.#negotiation.awaitsAnswer) return
    const before = this.#negotiation.settled
    try {
      if (!body) throw new TelephonyError('BAD_SDP', 'the ACK of the peer has no answer to our offer')
      this.#host.settled(this.#negotiation.accept(body))
    } catch (error) {
      // With an earlier agreement the call continues unchanged.
      if (!before) this.#fail(TelephonyError.from(error).message)
      else this.#host.log.warn({ err: error }, 'the answer in the ACK is not valid')
    }
  }

  #answer(incoming: IncomingRequest): void {
    const { method } = incoming.request
    if (method === 'INFO') this.#info(incoming)
    else if (method === 'REFER' || method === 'NOTIFY') this.transfers.receive(incoming)
    else this.#reinvite(incoming)
  }

  #reinvite(offer: IncomingRequest): void {
    const { body, method } = offer.request
    if (this.#host.ending) {
      offer.reject(481)
    } else if (body) {
      this.#answerOffer(offer, body)
    } else {
      // RFC 3311 5.2: an UPDATE without an offer only refreshes; a re-INVITE without an offer asks for ours (RFC 3261 14.2).
      offer.accept(method === 'UPDATE' ? {} : { body: this.#negotiation.offer() })
    }
  }

  #answerOffer(offer: IncomingRequest, body: SipBody): void {
    const settled = answerOffer({ log: this.#host.log, negotiation: this.#negotiation }, offer, body)
    if (settled) this.#host.settled(settled)
  }

  #info(incoming: IncomingRequest): void {
    const { body } = incoming.request
    const pressed = digitOfInfo(body)
    if (pressed) this.#host.digit(pressed.digit, pressed.durationMs)
    // RFC 6086 4.2.2: 415 for an unknown body; an empty INFO is answered with 200.
    if (pressed || !body) incoming.accept()
    else incoming.reject(415)
  }

  /** RFC 4028 10 */
  #expired(intervalSec: number): void {
    const reason = `no refresh of the call came or succeeded within its session interval of ${intervalSec} s`
    this.#host.finish({ by: 'error', cause: 'session-expired', sipCode: null, reason })
  }

  /** RFC 3261 12.2.1.2: the peer does not know the dialog any more, or does not answer. A last BYE is sent anyway. */
  #lost(response: FinalResponse): void {
    const reason = `dialog lost: ${response.reason}`.slice(0, 128)
    this.#host.finish({ by: 'error', cause: 'failed', sipCode: response.status, reason })
  }
}

/** RFC 3326 2: a BYE may say why. */
function byeInit({ reason, headers }: Farewell): { headers: HeaderField[] } {
  const why: HeaderField[] = reason === undefined ? [] : [['Reason', reasonValue(reason, 'Q.850;cause=16')]]
  return { headers: [...why, ...headers] }
}
