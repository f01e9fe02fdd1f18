import { wantsIntegrityOnly } from '../digest/algorithm.js'
import { parseChallenges } from '../digest/challenge.js'
import { checkText } from '../message/header-check.js'
import type { OutgoingRequest } from '../message/outgoing-request.js'
import type { ParsedResponse } from '../message/parsed-message.js'
import type { Challenge, HeaderField } from '../types.js'
import { type AccountContext, guarded } from './account-context.js'

/** Proxies in a row that each ask for their own credentials; more is a loop. */
const MAX_ATTEMPTS = 5

/** The credentials of one request, over all the times that it is sent (RFC 3261 22). */
export class CredentialsRound {
  readonly #context: AccountContext
  readonly #inDialog: boolean
  /** Everybody who has asked: each time the request goes out again, it has to satisfy them all. */
  readonly #asked = new Map<string, Challenge[]>()
  /** Who asked the last time: they have seen our answer. */
  #lastAsked = new Set<string>()
  #attempt = 0
  #sentAhead = false

  constructor(context: AccountContext, init: { inDialog: boolean }) {
    this.#context = context
    this.#inDialog = init.inDialog
  }

  /** Header lines that the servers on this way will ask for, as far as they are known. */
  ahead(request: OutgoingRequest): string[] {
    if (this.#inDialog || request.credentials.length > 0) return []
    const { authenticator } = this.#context.init
    const fields = this.#guarded(() => authenticator.ahead?.(aboutOf(request))) ?? []
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
    const { authenticator } = this.#context.init
    const fields = this.#guarded(() =>
      authenticator.answer([...this.#asked.values()].flat(), {
        ...aboutOf(request),
        attempt: this.#attempt,
        inDialog: this.#inDialog,
        source: response.source.host,
      }),
    )
    return fields && linesOf(fields)
  }

  /** The request came through: what was answered will be asked again. */
  accepted(request: OutgoingRequest): void {
    if (!this.#inDialog) this.#guarded(() => this.#context.init.authenticator.accepted?.(aboutOf(request)))
  }

  #final(response: ParsedResponse, request: OutgoingRequest): string[] | undefined {
    if (response.status !== 403 || request.method !== 'REGISTER' || !this.#sentAhead) {
      this.accepted(request)
      return undefined
    }
    // Some registrars forbid an old nonce instead of asking for a new one: once more without it.
    this.#sentAhead = false
    this.#guarded(() => this.#context.init.authenticator.refused?.(aboutOf(request)))
    return []
  }

  /**
   * 22.2: the same realm asks again though its nonce was fresh: the credentials are wrong. Where another realm asked in
   * between, this one has not seen them yet.
   */
  #isRefusal(challenge: Challenge): boolean {
    if (challenge.stale) return false
    const key = keyOf(challenge)
    if (wantsIntegrityOnly(challenge) && this.#attempt === 1) return false // once more, with auth
    return this.#lastAsked.has(key) || (this.#asked.get(key) ?? []).some(({ nonce }) => nonce === challenge.nonce)
  }

  /** A realm's new challenges (one per algorithm) take the place of its old ones. */
  #remember(challenges: readonly Challenge[]): void {
    this.#lastAsked = new Set(challenges.map(keyOf))
    for (const key of this.#lastAsked) this.#asked.delete(key)
    for (const challenge of challenges) {
      const key = keyOf(challenge)
      this.#asked.set(key, [...(this.#asked.get(key) ?? []), challenge])
    }
  }

  #guarded<Result>(run: () => Result): Result | undefined {
    return guarded(this.#context.log, 'authenticator', run)
  }
}

const aboutOf = ({ method, uri, callId, body }: OutgoingRequest) => ({
  method,
  uri,
  callId,
  body: body?.content ?? '',
})

const linesOf = (fields: readonly HeaderField[]): string[] =>
  fields.map(([name, value]) => `${name}: ${checkText(name, value)}`)

const keyOf = ({ status, realm }: Challenge): string => `${status} ${realm}`
