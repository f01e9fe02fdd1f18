import { backoffMs } from '../base/backoff.js'
import type { Clock, Timer } from '../base/clock.js'
import type { HostPort } from '../base/host-port.js'
import { newSipCallId, randomBetween } from '../base/ids.js'
import type { Logger } from '../base/logger.js'
import { TypedEmitter } from '../base/typed-emitter.js'
import { type FinalResponse, type HeaderField, isLocal, type UserAgent } from '../sip/types.js'

import type { ContactRepair } from './contact-repair.js'
import { grantedExpiresSec, isStale, retryAfterMs, wantedExpiresSec } from './registration-response.js'
import { NEXT_PHASES, type RegistrationState } from './registration-state.js'

export interface RegistrationDeps {
  clock: Clock
  log: Logger
  userAgent: Pick<UserAgent, 'request' | 'contactUri' | 'publish'>
  /** Absent: the Contact stays as it is. */
  repair?: Pick<ContactRepair, 'addressAfter' | 'refused'>
  /** Uniform between `min` and `max`; an argument for tests. */
  random?: (min: number, max: number) => number
}

export interface RegistrationInit {
  /** `sip:alice@example.com`. */
  aor: string
  /** Request-URI without a user part (RFC 3261 10.2): FRITZ!Box silently drops a REGISTER with a user part. */
  registrar: string
  /** Host of the Call-ID. */
  host: string
  expiresSec: number
  /** URN of our instance (RFC 5626 4.1). Absent: the registrar is not offered outbound or GRUU. */
  instance?: string
  /** Contacts of an earlier registration that were not removed. */
  oldContacts?: readonly string[]
}

export type RegistrationEvents = { state: [state: RegistrationState]; answer: [response: FinalResponse] }

/** Shortest time between two REGISTERs (each may be challenged), even if a registrar grants less. */
const MIN_REFRESH_MS = 2_000
const FIRST_RETRY_MS = { min: 2_000, max: 5_000 }
/** RFC 5626 4.5, but with a maximum of 300 s: 1800 s is too long for alarm systems. */
const BACKOFF = { baseMs: 30_000, maxMs: 300_000, floor: 0.5 }
/** For this long after an outage began the waits do not grow, so that we register within 35 s after a registrar has restarted. */
const STEADY_RETRY_MS = 300_000
/** Repeating wrong credentials does not help, and frequent attempts would get the account banned. */
const REJECTED_RETRY_MS = 900_000
/** A registrar in trouble (its database is down) refuses credentials that it accepted before: we must be registered again within 35 s. */
const DOUBTED_RETRY_MS = { min: 30_000, max: 34_000 }
/** RFC 3261 10.2.8: how often one attempt raises the interval at most. */
const MAX_INTERVAL_RAISES = 2

/**
 * RFC 3261 10.2: keeps one binding at a registrar. All REGISTERs have the same Call-ID and a rising CSeq (10.2.4); two are never
 * pending at once (10.2). It never gives up until `unregister` or `close`.
 */
export class Registration extends TypedEmitter<RegistrationEvents> {
  readonly #deps: RegistrationDeps
  readonly #init: RegistrationInit
  readonly #random: (min: number, max: number) => number
  readonly #sipCallId: string
  #cseq = 1
  #expiresSec: number
  /** False: a proxy on the way does not support outbound (RFC 5626 4.2.1). */
  #offersOutbound = true
  /** As the registrar has it. */
  #contactUri = ''
  /** Contacts that have a binding as far as we know. */
  #bound: readonly string[]
  /** The address that replaces the one of the Contact. */
  #published: HostPort | undefined
  #state: RegistrationState = { state: 'idle' }
  #wanted = false
  /** Aborted by `close`: a request that has no answer yet is not sent again. */
  readonly #life = new AbortController()
  #timer: Timer | undefined
  #inFlight: Promise<void> | undefined
  #unregistering: Promise<void> | undefined
  /** When our binding at the registrar expires; 0 if there is no binding. */
  #boundUntilMs = 0
  #lastSuccessMs = Number.NEGATIVE_INFINITY
  #outage: { sinceMs: number; failures: number; steps: number } | undefined

  constructor(deps: RegistrationDeps, init: RegistrationInit) {
    super()
    this.#deps = deps
    this.#init = init
    this.#random = deps.random ?? randomBetween
    this.#sipCallId = newSipCallId(init.host)
    this.#expiresSec = init.expiresSec
    this.#bound = init.oldContacts ?? []
  }

  get state(): RegistrationState {
    return this.#state
  }

  /** Not empty after `unregister`: the registrar did not remove these. */
  get boundContacts(): readonly string[] {
    return this.#bound
  }

  get #closed(): boolean {
    return this.#life.signal.aborted
  }

  /** Registers and stays registered. During a wait for a retry: tries now. While registered: refreshes. */
  register(): void {
    if (this.#closed) return
    this.#wanted = true
    if (this.#inFlight || this.#unregistering) return
    const earliestMs = this.#lastSuccessMs + MIN_REFRESH_MS
    if (this.#state.state === 'registered' && this.#deps.clock.now() < earliestMs) {
      this.#enter({ ...this.#state })
    } else {
      this.#attempt()
    }
  }

  /** Registers with another address in the Contact, and removes the old one. */
  publish(address: HostPort): void {
    this.#published = address
    if (!this.#deps.userAgent.publish(address)) return
    if (this.#inFlight) void this.#inFlight.then(() => this.#renew())
    else this.#renew()
  }

  #renew(): void {
    if (this.#state.state === 'registered' && this.#wanted && !this.#inFlight) this.#attempt()
  }

  /** The connection of the registration was lost: registers again soon (RFC 5626 4.5), at a random time because other clients lost it too. */
  transportLost(): void {
    if (this.#state.state !== 'registered' || this.#inFlight) return
    this.#schedule(this.#random(FIRST_RETRY_MS.min, FIRST_RETRY_MS.max))
  }

  /** Removes the binding. Resolves when the registrar has answered or the request has timed out. */
  unregister(): Promise<void> {
    this.#wanted = false
    this.#cancelTimer()
    this.#unregistering ??= this.#removeBinding().finally(() => {
      this.#unregistering = undefined
      if (this.#wanted && !this.#closed) this.#attempt()
    })
    return this.#unregistering
  }

  /** Stops without a request to the registrar. Idempotent. */
  close(): void {
    this.#wanted = false
    this.#cancelTimer()
    this.#life.abort('the account was closed')
    this.removeAllListeners()
  }

  #attempt(): void {
    this.#cancelTimer()
    if (this.#state.state !== 'registered') this.#enter({ state: 'registering' })
    this.#inFlight = this.#register()
      .catch((error) => {
        this.#deps.log.error({ err: error }, 'registration attempt threw an error')
        this.#fail({ status: 503, reason: 'Internal error', local: true })
      })
      .finally(() => {
        this.#inFlight = undefined
      })
  }

  async #register(): Promise<void> {
    let response = await this.#send(this.#expiresSec)
    for (let raises = 0; raises < MAX_INTERVAL_RAISES; raises++) {
      if (isLocal(response) || response.status !== 423) break
      // RFC 3261 10.2.8: ask again for the registrar's minimum.
      const wantedSec = wantedExpiresSec(response, this.#expiresSec)
      if (wantedSec === undefined || !this.#wanted) break
      this.#expiresSec = wantedSec
      response = await this.#send(wantedSec)
    }
    if (response.status === 439 && this.#offersOutbound && !this.#closed) {
      this.#offersOutbound = false
      response = await this.#send(this.#expiresSec)
    }
    if (isAccepted(response) && this.#wanted && !this.#closed) response = await this.#repaired(response)
    if (this.#closed) return
    if (isAccepted(response)) this.#succeed(response)
    else this.#fail(response)
  }

  /** Registers once more if the registrar saw another address than that in our Contact. */
  async #repaired(response: FinalResponse): Promise<FinalResponse> {
    const { repair, userAgent, log } = this.#deps
    const contactUri = this.#contactUri
    // The Contact of another protocol leads back by the connection.
    if (isLocal(response) || contactUri !== userAgent.contactUri) return response
    const address = repair?.addressAfter(response, contactUri)
    if (!repair || !address || !userAgent.publish(address)) return response
    log.info({ contact: contactUri, address }, 'the registrar sees another address: the Contact takes it')
    const again = await this.#send(this.#expiresSec)
    if (isLocal(again) || isAccepted(again)) {
      this.#published = address
      return again
    }
    log.warn({ status: again.status, address }, 'the registrar refused the Contact with the address that it sees')
    repair.refused()
    userAgent.publish(this.#published)
    this.#contactUri = contactUri
    return response
  }

  #succeed(response: FinalResponse): void {
    const grantedSec = isLocal(response) ? 0 : grantedExpiresSec(response, this.#contactUri, this.#expiresSec)
    // RFC 3261 10.2.2: a removed binding has no remaining time, and the account cannot be called.
    if (grantedSec === 0) {
      this.#fail(response, 'The registrar granted a lifetime of 0 s')
      return
    }
    const { clock } = this.#deps
    const lifeMs = grantedSec * 1000
    this.#outage = undefined
    this.#lastSuccessMs = clock.now()
    this.#boundUntilMs = clock.now() + lifeMs
    if (!this.#wanted) return
    const expiresAt = new Date(clock.wall() + lifeMs).toISOString()
    this.#enter({ state: 'registered', expiresAt, contact: this.#contactUri })
    this.#schedule(Math.max(MIN_REFRESH_MS, this.#random(0.5 * lifeMs, 0.75 * lifeMs)))
  }

  #fail(response: FinalResponse, reason = response.reason): void {
    if (!this.#wanted) return
    const waitMs = this.#retryMs(response)
    const retryAt = new Date(this.#deps.clock.wall() + waitMs).toISOString()
    const { status } = response
    this.#deps.log.info({ status, reason, retryAt }, 'registration failed')
    this.#enter({ state: 'failed', status, reason, retryAt, ...(isLocal(response) && { local: true as const }) })
    this.#schedule(waitMs)
  }

  #retryMs(response: FinalResponse): number {
    const nowMs = this.#deps.clock.now()
    this.#outage ??= { sinceMs: nowMs, failures: 0, steps: 0 }
    const outage = this.#outage
    outage.failures++
    if ([401, 403, 407].includes(response.status) && !isStale(response))
      return this.#rejectedRetryMs(nowMs - outage.sinceMs)
    if (isLocal(response) && outage.failures === 1) {
      return Math.round(this.#random(FIRST_RETRY_MS.min, FIRST_RETRY_MS.max))
    }
    if (nowMs - outage.sinceMs >= STEADY_RETRY_MS) outage.steps++
    const waitMs = backoffMs(BACKOFF, outage.steps, this.#random)
    // RFC 3261 21.5.4: Retry-After is obeyed, up to the longest wait that suits an alarm system.
    return isLocal(response) ? waitMs : Math.max(waitMs, Math.min(retryAfterMs(response), BACKOFF.maxMs))
  }

  #rejectedRetryMs(outageMs: number): number {
    const { min, max } = DOUBTED_RETRY_MS
    const wasGood = Number.isFinite(this.#lastSuccessMs)
    return wasGood && outageMs < STEADY_RETRY_MS ? Math.round(this.#random(min, max)) : REJECTED_RETRY_MS
  }

  async #removeBinding(): Promise<void> {
    // RFC 3261 10.2: no new REGISTER before the pending one has been answered.
    await this.#inFlight
    if (this.#closed) return
    if (this.#boundUntilMs <= this.#deps.clock.now()) {
      this.#enter({ state: 'idle' })
      return
    }
    this.#enter({ state: 'unregistering' })
    await this.#send(0)
    this.#boundUntilMs = 0
    if (!this.#closed) this.#enter({ state: 'idle' })
  }

  async #send(expiresSec: number): Promise<FinalResponse> {
    const { userAgent, log } = this.#deps
    const { response, cseq, contactUri } = await userAgent.request({
      method: 'REGISTER',
      target: this.#init.registrar,
      to: this.#init.aor,
      from: this.#init.aor,
      sipCallId: this.#sipCallId,
      cseq: this.#cseq,
      contactParams: `;expires=${expiresSec}${this.#instanceParams}`,
      oldContacts: this.#bound,
      headers: [['Expires', String(expiresSec)], ...this.#supported],
      signal: this.#life.signal,
    })
    this.#cseq = Math.max(this.#cseq, cseq) + 1
    this.#contactUri = contactUri ?? userAgent.contactUri
    if (isAccepted(response)) this.#bound = expiresSec > 0 ? [this.#contactUri] : []
    log.debug({ status: response.status, expiresSec }, 'REGISTER answered')
    if (!this.#closed) this.emit('answer', response)
    return response
  }

  /** RFC 5626 4.2.1: one flow, the first. */
  get #instanceParams(): string {
    const { instance } = this.#init
    if (!instance) return ''
    return `;+sip.instance="<${instance}>"${this.#offersOutbound ? ';reg-id=1' : ''}`
  }

  /** RFC 3327 5.1, RFC 5626 4.2.1, RFC 5627 4.1 */
  get #supported(): HeaderField[] {
    if (!this.#init.instance) return []
    return [['Supported', this.#offersOutbound ? 'path, outbound, gruu' : 'path, gruu']]
  }

  #schedule(waitMs: number): void {
    this.#cancelTimer()
    if (this.#wanted) this.#timer = this.#deps.clock.setTimeout(() => this.#attempt(), waitMs)
  }

  #cancelTimer(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #enter(next: RegistrationState): void {
    const allowed: readonly string[] = NEXT_PHASES[this.#state.state]
    if (this.#state.state === next.state && next.state === 'idle') return
    if (!allowed.includes(next.state)) {
      this.#deps.log.error({ from: this.#state.state, to: next.state }, 'registration: invalid state transition')
    }
    this.#state = next
    this.emit('state', next)
  }
}

const isAccepted = ({ status }: FinalResponse): boolean => status >= 200 && status < 300
