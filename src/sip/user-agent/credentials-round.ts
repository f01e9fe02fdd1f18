import type { IncomingResponseMessage, OutgoingRequestMessage } from 'sip.js/lib/core/index.js'
import { parseChallenges } from '../digest/challenge.js'
import { checkText } from '../message/header-check.js'
import type { Challenge } from '../types.js'
import { type AccountContext, guarded } from './account-context.js'

/** Proxies in a row that each ask for their own credentials; more is a loop. */
const MAX_ATTEMPTS = 5

/** The credentials of one request, over all the times that it is sent (RFC 3261 22). */
export class CredentialsRound {
  readonly #context: AccountContext
  /** Everybody who has asked: each time the request goes out again, it has to satisfy them all. */
  readonly #asked = new Map<string, Challenge[]>()
  #attempt = 0

  constructor(context: AccountContext) {
    this.#context = context
  }

  /** Header lines to send the request again with, or undefined where this response is final. */
  answer(response: IncomingResponseMessage, request: OutgoingRequestMessage): string[] | undefined {
    if (response.statusCode !== 401 && response.statusCode !== 407) return undefined
    const challenges = [
      ...parseChallenges(401, response.getHeaders('www-authenticate')),
      ...parseChallenges(407, response.getHeaders('proxy-authenticate')),
    ]
    // 22.2: the same realm asks again though its nonce was fresh: the credentials are wrong.
    if (challenges.every((challenge) => this.#asked.has(keyOf(challenge)) && !challenge.stale)) return undefined
    if (++this.#attempt > MAX_ATTEMPTS) return undefined
    this.#remember(challenges)
    const { authenticator } = this.#context.init
    const fields = guarded(this.#context.log, 'authenticator', () =>
      authenticator.answer([...this.#asked.values()].flat(), {
        method: request.method,
        uri: request.ruri.toRaw(),
        callId: request.callId,
        body: request.body?.body ?? '',
        attempt: this.#attempt,
      }),
    )
    return fields?.map(([name, value]) => `${name}: ${checkText(name, value)}`)
  }

  /** A realm's new challenges (one per algorithm) take the place of its old ones. */
  #remember(challenges: readonly Challenge[]): void {
    for (const challenge of challenges) this.#asked.delete(keyOf(challenge))
    for (const challenge of challenges) {
      const key = keyOf(challenge)
      this.#asked.set(key, [...(this.#asked.get(key) ?? []), challenge])
    }
  }
}

const keyOf = ({ status, realm }: Challenge): string => `${status} ${realm}`
