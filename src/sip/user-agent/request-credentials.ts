import { wantsIntegrityOnly } from '../digest/algorithm.js'
import { parseChallenges } from '../digest/challenge.js'
import { checkText } from '../message/header-check.js'
import type { OutgoingRequest } from '../message/outgoing-request.js'
import type { ParsedResponse } from '../message/parsed-message.js'
import type { Challenge, HeaderField } from '../types.js'
import { type AccountContext, guarded } from './account-context.js'

/** Limit of proxies that challenge one request in turn; more is a loop. */
const MAX_ATTEMPTS = 5

/** The credentials of one request, over all the times that it is sent (RFC 3261 22). */
export class RequestCredentials {
  readonly #context: AccountContext
  readonly #inDialog: boolean
  /** By realm. When the request is sent again, it needs credentials for all of them. */
  readonly #challenges = new Map<string, Challenge[]>()
  /** Realms that challenged the request as it was sent last: they have seen our credentials. */
  #lastRealms = new Set<string>()
  #attempt = 0
  #sentAhead = false

  constructor(context: AccountContext, init: { inDialog: boolean }) {
    this.#context = context
    this.#inDialog = init.inDialog
  }

  /** Header lines for the servers that the request will pass, as far as their challenges are known. */
  ahead(request: OutgoingRequest): string[] {
    if (this.#inDialog || request.credentials.length > 0) return []
    const { authenticator } = this.#context.init
    const fields = this.#guarded(() => authenticator.ahead?.(authenticated(request))) ?? []
    this.#sentAhead = fields.length > 0
    return linesOf(fields)
  }

  /** Header lines to send the request again with, or undefined if this response is final. */
  answer(response: ParsedResponse, request: OutgoingRequest): string[] | undefined {
    if (response.status !== 401 && response.status !== 407) return this.#final(response, request)
    const challenges = [
      ...parseChallenges(401, response.headers('www-authenticate')),
      ...parseChallenges(407, response.headers('proxy-authenticate')),
    ]
    if (challenges.every((challenge) => this.#isRefusal(challenge))) return undefined
    if (++this.#attempt > MAX_ATTEMPTS) return undefined
    this.#remember(challenges)
    return this.#credentialsFor(request, response.source.host)
  }

  #credentialsFor(request: OutgoingRequest, source?: string): string[] | undefined {
    const { authenticator } = this.#context.init
    const fields = this.#guarded(() =>
      authenticator.answer([...this.#challenges.values()].flat(), {
        ...authenticated(request),
        attempt: this.#attempt,
        inDialog: this.#inDialog,
        ...(source !== undefined && { source }),
      }),
    )
    return fields && linesOf(fields)
  }

  /** For a request that is sent again for another reason: credentials for all challenges so far, or none. */
  repeat(request: OutgoingRequest): string[] {
    if (this.#challenges.size === 0) return []
    return this.#credentialsFor(request) ?? []
  }

  /** The credentials were accepted; later requests may use them in advance. */
  accepted(request: OutgoingRequest): void {
    if (!this.#inDialog) this.#guarded(() => this.#context.init.authenticator.accepted?.(authenticated(request)))
  }

  #final(response: ParsedResponse, request: OutgoingRequest): string[] | undefined {
    if (response.status !== 403 || request.method !== 'REGISTER' || !this.#sentAhead) {
      this.accepted(request)
      return undefined
    }
    // Some registrars forbid an old nonce instead of asking for a new one: once more without it.
    this.#sentAhead = false
    this.#guarded(() => this.#context.init.authenticator.refused?.(authenticated(request)))
    return []
  }

  /**
   * 22.2: the realm challenges again although its nonce was fresh: the credentials are wrong. If another realm challenged in
   * between, this one has not seen them yet.
   */
  #isRefusal(challenge: Challenge): boolean {
    if (challenge.stale) return false
    const key = keyOf(challenge)
    if (wantsIntegrityOnly(challenge) && this.#attempt === 1) return false // once more, with auth
    return this.#lastRealms.has(key) || (this.#challenges.get(key) ?? []).some(({ nonce }) => nonce === challenge.nonce)
  }

  /** The new challenges of a realm (one per algorithm) replace its old ones. */
  #remember(challenges: readonly Challenge[]): void {
    this.#lastRealms = new Set(challenges.map(keyOf))
    for (const key of this.#lastRealms) this.#challenges.delete(key)
    for (const challenge of challenges) {
      const key = keyOf(challenge)
      this.#challenges.set(key, [...(this.#challenges.get(key) ?? []), challenge])
    }
  }

  #guarded<Result>(run: () => Result): Result | undefined {
    return guarded(this.#context.log, 'authenticator', run)
  }
}

const authenticated = ({ method, uri, callId, body }: OutgoingRequest) => ({
  method,
  uri,
  callId,
  body: body?.content ?? '',
})

const linesOf = (fields: readonly HeaderField[]): string[] =>
  fields.map(([name, value]) => `${name}: ${checkText(name, value)}`)

const keyOf = ({ status, realm }: Challenge): string => `${status} ${realm}`
