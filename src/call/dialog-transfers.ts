/** The transfers within one dialog: those that we ask for (Transfer), and those that the peer asks for (Referral). */
import { TelephonyError } from '../base/errors.js'
import type { IncomingRequest, SipDialog } from '../sip/types.js'
import type { ReferTo } from '../sip/uri/refer-to.js'
import { Referral, readRefer } from './referral.js'
import { Transfer } from './transfer.js'
import type { TransferHost } from './transfer-host.js'
import type { TransferPolicy, TransferRules } from './transfer-rules.js'
import type { TransferResult } from './types.js'

/** RFC 3261 16.6 (Timer C): limits the ringing of the target. */
const DEFAULT_LIMIT_MS = 180_000
/** For the decision of a flow. */
const DECIDE_MS = 20_000
/** Two peers that transfer a call to each other at once must not do it for ever. */
export const MAX_REFERRALS = 10

export class DialogTransfers {
  readonly #host: TransferHost
  readonly #dialog: SipDialog
  #transfer: Transfer | undefined
  #referral: Referral | undefined
  /** Of the whole call. */
  #referrals: number
  #isFirst = true

  /** `referrals`: how often the call has been transferred before. */
  constructor(host: TransferHost, dialog: SipDialog, referrals: number) {
    this.#host = host
    this.#dialog = dialog
    this.#referrals = referrals
  }

  /** How often peers have transferred the call. */
  get referrals(): number {
    return this.#referrals
  }

  /** Our REFER. Resolves with the result. */
  async transfer(init: { referTo: string; limitMs?: number }): Promise<TransferResult> {
    if (this.isBusy)
      throw new TelephonyError('WRONG_STATE', 'a transfer of the call is already in progress. Wait for its result')
    const { clock, account } = this.#host
    const progress = (status: number, reason: string) =>
      this.#host.report({ type: 'call.transfer-progress', status, reason })
    const limitMs = init.limitMs ?? DEFAULT_LIMIT_MS
    this.#transfer = new Transfer({ clock, dialog: this.#dialog, progress }, { limitMs })
    return this.#transfer.run({ referTo: init.referTo, referredBy: `<${account.identity.uri}>` })
  }

  /** The flow accepts the peer's transfer. Throws WRONG_STATE without one. */
  follow(): void {
    this.#asked().follow()
  }

  /** The flow declines the peer's transfer. Throws WRONG_STATE without one. */
  decline(answer: { status: number; reason: string }): void {
    this.#asked().decline(answer)
  }

  receive(incoming: IncomingRequest): void {
    if (incoming.request.method === 'REFER') this.#refer(incoming)
    else this.#notify(incoming)
  }

  /** The peer has sent BYE. `transferred`: it has left for the target; `waits`: the call waits for its next peer. */
  peerLeft(): 'transferred' | 'waits' | undefined {
    if (this.#transfer?.peerLeft()) return 'transferred'
    return this.#referral?.peerLeft() ? 'waits' : undefined
  }

  /** The call ends. Idempotent. */
  close(): void {
    this.#transfer?.close()
    this.#referral?.close()
  }

  get isBusy(): boolean {
    return (this.#transfer && !this.#transfer.isOver) || (this.#referral && !this.#referral.isOver) || false
  }

  #asked(): Referral {
    if (this.#referral) return this.#referral
    throw new TelephonyError('WRONG_STATE', 'the peer has not asked for a transfer of this call')
  }

  #notify(incoming: IncomingRequest): void {
    const event = incoming.request.header('Event')?.split(';')[0]?.trim().toLowerCase()
    if (event !== 'refer')
      incoming.reject(489) // RFC 6665 4.1.3
    else if (!this.#transfer || this.#transfer.isOver) incoming.reject(481)
    else this.#transfer.notify(incoming)
  }

  #refer(incoming: IncomingRequest): void {
    const { log, account, transferRules } = this.#host
    const policy = transferRules?.policyOf(account.id) ?? 'deny'
    const refuse = (status: number, why: string): void => {
      log.info({ status, why }, 'REFER refused')
      incoming.reject(status)
    }
    const target = readRefer(incoming)
    if (!transferRules || policy === 'deny') refuse(603, 'the account takes no transfers')
    else if (this.#host.ending) refuse(481, 'the call ends')
    else if (this.isBusy) refuse(491, 'another transfer is in progress')
    else if (this.#referrals >= MAX_REFERRALS) refuse(482, 'the call was transferred too often')
    else if (typeof target === 'number') refuse(target, 'Refer-To cannot be followed')
    else this.#take(incoming, target, { rules: transferRules, policy, refuse })
  }

  #take(
    incoming: IncomingRequest,
    target: ReferTo,
    {
      rules,
      policy,
      refuse,
    }: { rules: TransferRules; policy: TransferPolicy; refuse: (status: number, why: string) => void },
  ): void {
    try {
      const place = rules.placeOf(this.#host.account.id, target.uri)
      const init = { incoming, target, place, isFirst: this.#isFirst }
      this.#referral = new Referral(this.#host, this.#dialog, init)
    } catch (error) {
      // Toll fraud: a transfer leads only where the account itself may call.
      refuse(403, TelephonyError.from(error).message)
      return
    }
    this.#isFirst = false
    this.#referrals++
    if (policy === 'flow') this.#referral.ask(DECIDE_MS)
    else this.#referral.follow()
  }
}
