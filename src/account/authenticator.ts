import { newToken } from '../base/ids.js'
import { chooseChallenges } from '../sip/digest/challenge.js'
import { credentialsHeader, digestCredentials } from '../sip/digest/credentials.js'
import type { Authenticator, Challenge, HeaderField } from '../sip/types.js'

export interface Credentials {
  username: string
  /** '' : there are none; every challenge stays unanswered. */
  password: string
}

type Request = Parameters<Authenticator['answer']>[1]

/** One request that is being authenticated: what was answered for it so far, by kind and realm. */
type Tries = Map<string, { answers: number; nonce: string }>

/** A wrong password does not become right by repeating it; once more, for a registrar that mislaid its nonce. */
const MAX_ANSWERS_PER_REALM = 2
/** A peer that calls every nonce stale must come to an end too. */
const MAX_ATTEMPTS = 5
const MAX_REMEMBERED = 1024
/** Within a dialog a challenge may come from whoever we talk to: only realms that challenged us before get an answer. */
const IN_DIALOG_METHODS = new Set(['BYE', 'INFO', 'UPDATE', 'PRACK', 'REFER', 'NOTIFY'])

/** RFC 3261 22, RFC 7616, RFC 8760: digest credentials of one account, the strongest algorithm of each realm. */
export class DigestAuthenticator implements Authenticator {
  readonly #credentials: Credentials
  readonly #newCnonce: () => string
  readonly #tries = new Map<string, Tries>()
  readonly #nonceCounts = new Map<string, number>()
  readonly #realms = new Set<string>()

  constructor(deps: { newCnonce?: () => string }, credentials: Credentials) {
    this.#newCnonce = deps.newCnonce ?? newToken
    this.#credentials = credentials
  }

  answer(challenges: readonly Challenge[], request: Request): HeaderField[] | undefined {
    if (this.#credentials.password === '' || request.attempt > MAX_ATTEMPTS) return undefined
    const tries = this.#triesOf(request)
    const inDialog = IN_DIALOG_METHODS.has(request.method)
    const answerable = chooseChallenges(challenges).filter(({ realm }) => !inDialog || this.#realms.has(realm))
    const fresh = answerable.filter((challenge) => mayAnswer(challenge, tries.get(keyOf(challenge))))
    if (fresh.length === 0) return undefined
    for (const challenge of fresh) {
      const answers = challenge.stale ? 0 : (tries.get(keyOf(challenge))?.answers ?? 0)
      tries.set(keyOf(challenge), { answers: answers + 1, nonce: challenge.nonce })
      this.#realms.add(challenge.realm)
    }
    // RFC 3261 22.3: what a proxy asked for earlier goes along when the next one asks.
    return answerable.map((challenge) => this.#header(challenge, request))
  }

  #header(challenge: Challenge, request: Request): HeaderField {
    const value = digestCredentials({
      challenge,
      ...this.#credentials,
      method: request.method,
      uri: request.uri,
      body: request.body,
      cnonce: this.#newCnonce(),
      nonceCount: this.#countNonce(challenge.nonce),
    })
    return [credentialsHeader(challenge.status), value]
  }

  #triesOf(request: Request): Tries {
    const key = `${request.method} ${request.callId}`
    const known = request.attempt > 1 ? this.#tries.get(key) : undefined
    const tries: Tries = known ?? new Map()
    remember(this.#tries, key, tries)
    return tries
  }

  /** RFC 7616 3.4: nc rises each time that a nonce is used, in whatever request. */
  #countNonce(nonce: string): number {
    const count = (this.#nonceCounts.get(nonce) ?? 0) + 1
    remember(this.#nonceCounts, nonce, count)
    return count
  }
}

/** RFC 7616 3.3: `stale` says that only the nonce was old. Otherwise the same nonce again means that the credentials were refused. */
function mayAnswer(challenge: Challenge, earlier: { answers: number; nonce: string } | undefined): boolean {
  if (!earlier || challenge.stale) return true
  return earlier.nonce !== challenge.nonce && earlier.answers < MAX_ANSWERS_PER_REALM
}

const keyOf = (challenge: Challenge): string => `${challenge.status} ${challenge.realm}`

/** Keeps the newest entries only. */
function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key)
  map.set(key, value)
  const oldest = map.keys().next()
  if (map.size > MAX_REMEMBERED && !oldest.done) map.delete(oldest.value)
}
