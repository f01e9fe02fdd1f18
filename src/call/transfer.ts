/** We transfer the peer: REFER, then its reports until the last one (RFC 3515, 5589). */
import type { Clock, Timer } from '../base/clock.js'
import { deferred } from '../base/deferred.js'
import { TelephonyError } from '../base/errors.js'
import { type FragmentStatus, parseStatusFragment, SIPFRAG } from '../sip/message/status-fragment.js'
import { type HeaderField, type IncomingRequest, isLocal, type SipDialog, type SipMessage } from '../sip/types.js'
import { parseParams } from '../sip/uri/params.js'
import type { TransferResult } from './types.js'

interface TransferDeps {
  clock: Clock
  dialog: Pick<SipDialog, 'request'>
  /** A report of the peer that is not the last one. */
  progress: (status: number, reason: string) => void
}

interface TransferInit {
  /** Value of Refer-To. */
  referTo: string
  /** Value of Referred-By (RFC 3892). */
  referredBy: string
  /** From the REFER to the last report. */
  limitMs: number
}

const SILENT: FragmentStatus = { status: 408, reason: 'the peer did not report the result of the transfer in time' }
const UNKNOWN: FragmentStatus = { status: 487, reason: 'the peer ended its reports before the result' }

/** One transfer. The implicit subscription (RFC 3515 2.4.4) begins with the REFER, because a NOTIFY may overtake the 202. */
export class Transfer {
  readonly #deps: TransferDeps
  readonly #result = deferred<TransferResult>()
  readonly #asking = new AbortController()
  #timer: Timer | undefined
  #untilMs: number
  #isAccepted = false
  #isOver = false
  /** CSeq of the REFER: the id of its subscription (RFC 3515 2.4.6). */
  #id: string | undefined
  #latest: FragmentStatus | undefined

  constructor(deps: TransferDeps, { limitMs }: Pick<TransferInit, 'limitMs'>) {
    this.#deps = deps
    this.#untilMs = deps.clock.now() + limitMs
    this.#wait(limitMs)
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** Sends the REFER. Resolves with the result; rejects with BAD_HEADER, and with CALL_ENDED if the call ends first. */
  async run({ referTo, referredBy }: Omit<TransferInit, 'limitMs'>): Promise<TransferResult> {
    const headers: HeaderField[] = [
      ['Refer-To', referTo],
      ['Referred-By', referredBy],
    ]
    this.#ask(headers).catch((error: unknown) => this.#abort(TelephonyError.from(error)))
    return this.#result.promise
  }

  /** A NOTIFY of the subscription `refer`. */
  notify(incoming: IncomingRequest): void {
    const { request } = incoming
    const id = eventId(request)
    if (id !== undefined && this.#id !== undefined && id !== this.#id) {
      incoming.reject(481) // of an earlier REFER
      return
    }
    incoming.accept()
    const body = request.body?.contentType.startsWith(SIPFRAG) ? request.body.content : ''
    const said = parseStatusFragment(body)
    this.#latest = said ?? this.#latest
    const { isTerminated, expiresSec } = subscriptionState(request)
    if (said && said.status >= 200) this.#finish(said)
    else if (isTerminated) this.#finish(UNKNOWN)
    else {
      if (said) this.#deps.progress(said.status, said.reason)
      if (expiresSec !== undefined) this.#wait(expiresSec * 1000)
    }
  }

  /**
   * The peer has sent BYE. A peer that had accepted the REFER has left for the target, unless it reported a failure before.
   * Returns whether the transfer counts as done.
   */
  peerLeft(): boolean {
    if (this.#isOver || !this.#isAccepted) return false
    this.#finish({ status: 200, reason: this.#latest?.reason ?? 'the peer left the call after the transfer' })
    return true
  }

  /** The call ends for another reason. Idempotent. */
  close(): void {
    this.#abort(new TelephonyError('CALL_ENDED', 'the call ended before the result of the transfer was known'))
  }

  async #ask(headers: readonly HeaderField[]): Promise<void> {
    const { signal } = this.#asking
    const response = await this.#deps.dialog.request('REFER', { headers, signal })
    if (this.#isOver) return
    if (!isLocal(response)) this.#id = String(response.cseq)
    if (response.status >= 300) this.#finish(response)
    else if (isLocal(response)) this.#finish(response)
    else if (response.header('Refer-Sub')?.trim().toLowerCase() === 'false') {
      // RFC 4488 4: no NOTIFY will come; the 2xx is all that the peer says.
      this.#finish({ status: response.status, reason: response.reason })
    } else this.#isAccepted = true
  }

  #wait(ms: number): void {
    this.#timer?.cancel()
    const leftMs = Math.max(0, Math.min(ms, this.#untilMs - this.#deps.clock.now()))
    this.#timer = this.#deps.clock.setTimeout(() => this.#finish(SILENT), leftMs)
  }

  #finish({ status, reason }: FragmentStatus): void {
    if (this.#isOver) return
    this.#end()
    this.#result.resolve({ outcome: status < 300 ? 'transferred' : 'failed', status, reason: reason.slice(0, 128) })
  }

  #abort(error: TelephonyError): void {
    if (this.#isOver) return
    this.#end()
    this.#result.reject(error)
  }

  #end(): void {
    this.#isOver = true
    this.#timer?.cancel()
    this.#asking.abort('the transfer is over')
  }
}

/** RFC 6665 8.2.1: `refer;id=2`. */
const eventId = (request: SipMessage): string | undefined => paramsOf(request.header('Event'))?.get('id')

function subscriptionState(request: SipMessage): { isTerminated: boolean; expiresSec: number | undefined } {
  const value = request.header('Subscription-State') ?? ''
  const expires = paramsOf(value)?.get('expires')
  return {
    isTerminated: /^\s*terminated\b/i.test(value),
    expiresSec: expires !== undefined && /^\d{1,9}$/.test(expires) ? Number(expires) : undefined,
  }
}

function paramsOf(value = '') {
  const semicolon = value.indexOf(';')
  return semicolon < 0 ? undefined : parseParams(value.trimEnd(), semicolon)
}
