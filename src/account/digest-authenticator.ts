import { newToken } from '../base/ids.js'
import { RecentMap } from '../base/recent-map.js'
import { algorithmOf, wantsIntegrityOnly, withoutIntegrity } from '../sip/digest/algorithm.js'
import { chooseChallenges } from '../sip/digest/challenge.js'
import { credentialsHeader, digestCredentials } from '../sip/digest/credentials.js'
import type { Authenticator, Challenge, HeaderField } from '../sip/types.js'
import { RealmGuard, type RealmGuardInit } from './realm-guard.js'

export interface Credentials {
  username: string
  /** '': no password; every challenge stays unanswered. */
  password: string
}

type Request = Parameters<Authenticator['answer']>[1]
type Unasked = Parameters<NonNullable<Authenticator['ahead']>>[0]

/** The answers so far to the challenges of one request, by kind and realm. */
type Tries = Map<string, { answers: number; challenge: Challenge }>

/** Repeating a wrong password does not help. The second answer is for a registrar that has lost its nonce. */
const MAX_ANSWERS_PER_REALM = 2
/** Limits the attempts with a peer that declares every nonce stale. */
const MAX_ATTEMPTS = 5
const MAX_REMEMBERED = 1024
const ANY_REALM: RealmGuardInit = { realm: '', viaProxy: false, isOurs: () => true }

/** RFC 3261 22, RFC 7616, RFC 8760: digest credentials of one account, the strongest algorithm of each realm. */
export class DigestAuthenticator implements Authenticator {
  readonly #credentials: Credentials
  readonly #newCnonce: () => string
  readonly #guard: RealmGuard
  readonly #tries = new RecentMap<string, Tries>(MAX_REMEMBERED)
  readonly #nonces = new RecentMap<string, { count: number; cnonce: string }>(MAX_REMEMBERED)
  /** Challenges whose answers the server accepted, by method and host: later requests carry an answer from the start. */
  readonly #accepted = new RecentMap<string, readonly Challenge[]>(MAX_REMEMBERED)

  constructor(deps: { newCnonce?: () => string }, credentials: Credentials, realms: RealmGuardInit = ANY_REALM) {
    this.#newCnonce = deps.newCnonce ?? newToken
    this.#credentials = credentials
    this.#guard = new RealmGuard(realms)
  }

  answer(challenges: readonly Challenge[], request: Request): HeaderField[] | undefined {
    this.#accepted.delete(placeOf(request))
    if (this.#credentials.password === '' || request.attempt > MAX_ATTEMPTS) return undefined
    const tries = this.#triesOf(request)
    const trusted = challenges.filter((challenge) => this.#guard.trusts(challenge, request))
    const answerable = chooseChallenges(trusted)
    const fresh = answerable.filter((challenge) => mayAnswer(challenge, tries.get(keyOf(challenge))))
    if (fresh.length === 0) return undefined
    for (const challenge of fresh) {
      const earlier = challenge.stale ? undefined : tries.get(keyOf(challenge))
      const next = earlier && wantsIntegrityOnly(challenge) ? withoutIntegrity(challenge) : challenge
      tries.set(keyOf(challenge), { answers: (earlier?.answers ?? 0) + 1, challenge: next })
    }
    // RFC 3261 22.3: the credentials for earlier proxies are sent again when the next proxy challenges.
    return answerable.map((challenge) => this.#header(tries.get(keyOf(challenge))?.challenge ?? challenge, request))
  }

  /** RFC 7616 3.6: a nonce is valid until the server declares it stale; its reuse saves each request a round trip. */
  ahead(request: Unasked): HeaderField[] {
    const challenges = this.#accepted.get(placeOf(request)) ?? []
    return challenges.map((challenge) => this.#header(challenge, request))
  }

  accepted(request: Unasked): void {
    const tries = this.#tries.get(tryKey(request))
    if (!tries) return
    this.#tries.delete(tryKey(request))
    const challenges = [...tries.values()].map(({ challenge }) => ({ ...challenge, stale: false }))
    this.#accepted.set(placeOf(request), challenges)
  }

  refused(request: Unasked): void {
    this.#accepted.delete(placeOf(request))
  }

  #header(challenge: Challenge, request: Unasked): HeaderField {
    const { count, cnonce } = this.#useNonce(challenge)
    const value = digestCredentials({
      challenge,
      ...this.#credentials,
      method: request.method,
      uri: request.uri.text,
      body: request.body,
      cnonce,
      nonceCount: count,
    })
    return [credentialsHeader(challenge.status), value]
  }

  #triesOf(request: Request): Tries {
    const key = tryKey(request)
    const known = request.attempt > 1 ? this.#tries.get(key) : undefined
    const tries: Tries = known ?? new Map()
    this.#tries.set(key, tries)
    return tries
  }

  /** RFC 7616 3.4: nc rises with every use of a nonce, in any request. 3.4.2: `-sess` keeps its first cnonce. */
  #useNonce({ realm, nonce, algorithm }: Challenge): { count: number; cnonce: string } {
    const key = `${realm} ${nonce}`
    const known = this.#nonces.get(key)
    const keeps = known !== undefined && algorithmOf(algorithm)?.session === true
    const use = { count: (known?.count ?? 0) + 1, cnonce: keeps ? known.cnonce : this.#newCnonce() }
    this.#nonces.set(key, use)
    return use
  }
}

/** RFC 7616 3.3: `stale` says that only the nonce was old. Otherwise the same nonce again means that the credentials were refused. */
function mayAnswer(challenge: Challenge, earlier: { answers: number; challenge: Challenge } | undefined): boolean {
  if (!earlier || challenge.stale) return true
  if (earlier.answers === 1 && wantsIntegrityOnly(challenge)) return true
  return earlier.challenge.nonce !== challenge.nonce && earlier.answers < MAX_ANSWERS_PER_REALM
}

const keyOf = (challenge: Challenge): string => `${challenge.status} ${challenge.realm}`
const tryKey = ({ method, callId }: Unasked): string => `${method} ${callId}`
/** Requests of one method to one host meet the same servers. */
const placeOf = ({ method, uri }: Unasked): string => `${method} ${uri.host}`
