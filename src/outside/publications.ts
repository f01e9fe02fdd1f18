import type { Clock, Timer } from '../base/clock.js'
import { TelephonyError } from '../base/errors.js'
import { newSipCallId, randomBetween } from '../base/ids.js'
import { type FinalResponse, isLocal, type SipBody } from '../sip/types.js'
import { bodyOf, checkState } from './notifiers.js'
import type { FindPlace } from './places.js'
import type { PublishCommand } from './protocol.js'

interface PublicationsDeps {
  clock: Clock
  place: FindPlace
}

const DEFAULT_EXPIRES_SEC = 600
const RETRY_MS = 30_000

/** The states that our accounts have published at a server (RFC 3903). */
export class Publications {
  readonly #deps: PublicationsDeps
  readonly #all = new Map<string, Publication>()

  constructor(deps: PublicationsDeps) {
    this.#deps = deps
  }

  /** Rejects with BAD_ARGUMENT, BAD_TARGET, REFUSED, TIMEOUT. */
  async publish(command: PublishCommand): Promise<void> {
    const { accountId, event, target = '', state } = command
    if (state !== null) checkState(event, command)
    const key = `${accountId} ${event} ${target}`
    const found = this.#all.get(key)
    if (state === null) {
      this.#all.delete(key)
      await found?.remove()
      return
    }
    const publication = found ?? new Publication(this.#deps)
    this.#all.set(key, publication)
    await publication.publish(command)
  }

  /** Removes nothing at the server: the published states end with their time. */
  stop(accountId?: string): void {
    for (const [key, publication] of this.#all) {
      if (accountId !== undefined && !key.startsWith(`${accountId} `)) continue
      publication.stop()
      this.#all.delete(key)
    }
  }
}

class Publication {
  readonly #deps: PublicationsDeps
  #command: PublishCommand | undefined
  #etag: string | undefined
  #version = 0
  #cseq = 0
  #sipCallId = ''
  #timer: Timer | undefined
  /** RFC 3903 4: one PUBLISH after the other, because each needs the ETag of the one before. */
  #queue: Promise<unknown> = Promise.resolve()
  #isStopped = false

  constructor(deps: PublicationsDeps) {
    this.#deps = deps
  }

  publish(command: PublishCommand): Promise<void> {
    return this.#inTurn(async () => {
      this.#command = command
      await this.#send(this.#body(command))
    })
  }

  /** RFC 3903 4.5: Expires 0. */
  remove(): Promise<void> {
    return this.#inTurn(async () => {
      this.stop()
      if (this.#etag !== undefined) await this.#request(undefined, 0)
    })
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
  }

  #inTurn(run: () => Promise<void>): Promise<void> {
    const turn = this.#queue.then(run, run)
    this.#queue = turn.catch(() => undefined)
    return turn
  }

  #body(command: PublishCommand): SipBody {
    const { target = '', event, accountId } = command
    const place = this.#deps.place(accountId)
    const entity = target === '' ? place.aor : place.target(target).uri.text
    return bodyOf(event, command, entity, this.#version++)
  }

  /** `body` undefined: a refresh (RFC 3903 4.3). */
  async #send(body: SipBody | undefined): Promise<void> {
    const expiresSec = this.#command?.expiresSec ?? DEFAULT_EXPIRES_SEC
    let response = await this.#request(body, expiresSec)
    // RFC 3903 4.1: the server does not know the ETag any more, so the state is published anew.
    if (response.status === 412 && this.#command) {
      this.#etag = undefined
      response = await this.#request(this.#body(this.#command), expiresSec)
    }
    const minSec = isLocal(response) ? undefined : Number(response.header('Min-Expires'))
    if (response.status === 423 && minSec && minSec > expiresSec && minSec <= 86_400 && this.#command) {
      this.#command = { ...this.#command, expiresSec: minSec }
      response = await this.#request(body, minSec)
    }
    const accepted = isLocal(response) || response.status >= 300 ? undefined : response
    const granted = accepted && (Number(accepted.header('Expires')) || expiresSec)
    this.#plan(granted === undefined ? RETRY_MS : randomBetween(500, 750) * Math.min(granted, 86_400))
    if (!accepted) throw failure(response)
  }

  async #request(body: SipBody | undefined, expiresSec: number): Promise<FinalResponse> {
    const { accountId = '', event = '', target = '' } = this.#command ?? {}
    const place = this.#deps.place(accountId)
    const uri = place.target(target === '' ? place.aor : target).uri
    this.#sipCallId ||= newSipCallId(place.host)
    const { response, cseq } = await place.userAgent.request({
      method: 'PUBLISH',
      target: uri,
      sipCallId: this.#sipCallId,
      cseq: ++this.#cseq,
      headers: [
        ['Event', event],
        ['Expires', String(expiresSec)],
        ...(this.#etag === undefined ? [] : [['SIP-If-Match', this.#etag] as const]),
      ],
      ...(body ? { body } : {}),
    })
    this.#cseq = cseq
    if (!isLocal(response) && response.status < 300) this.#etag = response.header('SIP-ETag')?.slice(0, 256)
    return response
  }

  #plan(waitMs: number): void {
    this.#timer?.cancel()
    if (this.#isStopped) return
    this.#timer = this.#deps.clock.setTimeout(() => this.#refresh(), waitMs)
  }

  #refresh(): void {
    this.#inTurn(() => {
      const command = this.#command
      return this.#send(this.#etag === undefined && command ? this.#body(command) : undefined)
    }).catch(() => {
      // The next attempt is planned already, unless the account is away for now.
      this.#plan(RETRY_MS)
    })
  }
}

function failure(response: FinalResponse): TelephonyError {
  const { status, reason } = response
  if (isLocal(response)) return new TelephonyError('TIMEOUT', `the server did not answer the PUBLISH: ${reason}`)
  return new TelephonyError('REFUSED', `the server refused the PUBLISH: ${status} ${reason.slice(0, 64)}`)
}
