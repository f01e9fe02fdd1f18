import { createHash } from 'node:crypto'
import { TelephonyError } from '../../base/errors.js'
import { octetsOf } from '../../base/octets.js'
import type { Challenge } from '../types.js'
import { algorithmOf, qopOf } from './algorithm.js'

export interface DigestInput {
  challenge: Challenge
  username: string
  password: string
  method: string
  /** Request-URI exactly as it stands in the request line. */
  uri: string
  /** For auth-int only. */
  body?: string
  /** Fresh per request: `newToken()`. */
  cnonce: string
  /** How often this nonce has been used, this time included: 1, 2, … (RFC 7616 3.4). */
  nonceCount: number
}

/** The header that answers a challenge of this kind. */
export const credentialsHeader = (status: 401 | 407): 'Authorization' | 'Proxy-Authorization' =>
  status === 401 ? 'Authorization' : 'Proxy-Authorization'

/**
 * The `response` of RFC 7616 3.4.1 as lower-case hexadecimal. Throws AUTH_FAILED for algorithms or qop that we do not
 * know.
 */
export function digestResponse(input: DigestInput): string {
  const { challenge, username, password, method, uri, cnonce } = input
  const { hash, session } = knownAlgorithm(challenge)
  const qop = knownQop(challenge)
  // A realm or nonce that is not UTF-8 is hashed as the octets that the server sent.
  const h = (text: string): string => createHash(hash).update(octetsOf(text)).digest('hex')

  const secret = h(`${username}:${challenge.realm}:${password}`)
  const a1 = session ? h(`${secret}:${challenge.nonce}:${cnonce}`) : secret
  const a2 = h(qop === 'auth-int' ? `${method}:${uri}:${h(input.body ?? '')}` : `${method}:${uri}`)
  return qop === undefined
    ? h(`${a1}:${challenge.nonce}:${a2}`) // RFC 2069 style, RFC 3261 22.4 (8)
    : h(`${a1}:${challenge.nonce}:${nc(input.nonceCount)}:${cnonce}:${qop}:${a2}`)
}

/** The whole value of an Authorization or Proxy-Authorization header: `Digest username="…", …`. */
export function digestCredentials(input: DigestInput): string {
  const { challenge } = input
  const qop = knownQop(challenge)
  const { session } = knownAlgorithm(challenge)
  const fields = [
    `username=${quote(input.username)}`,
    `realm=${quote(challenge.realm)}`,
    `nonce=${quote(challenge.nonce)}`,
    `uri=${quote(input.uri)}`,
    `response="${digestResponse(input)}"`,
    `algorithm=${challenge.algorithm}`,
  ]
  if (qop !== undefined) fields.push(`qop=${qop}`, `nc=${nc(input.nonceCount)}`)
  if (qop !== undefined || session) fields.push(`cnonce=${quote(input.cnonce)}`)
  if (challenge.opaque !== undefined) fields.push(`opaque=${quote(challenge.opaque)}`)
  return `Digest ${fields.join(', ')}`
}

function knownAlgorithm(challenge: Challenge) {
  const algorithm = algorithmOf(challenge.algorithm)
  if (algorithm) return algorithm
  throw new TelephonyError(
    'AUTH_FAILED',
    `digest algorithm ${challenge.algorithm} of ${challenge.realm} is not supported`,
  )
}

function knownQop(challenge: Challenge): 'auth' | 'auth-int' | undefined {
  const qop = qopOf(challenge.qop)
  if (qop !== false) return qop
  throw new TelephonyError(
    'AUTH_FAILED',
    `quality of protection ${challenge.qop.join()} of ${challenge.realm} is not supported`,
  )
}

const nc = (count: number): string => count.toString(16).padStart(8, '0')

const quote = (text: string): string => `"${text.replace(/[\\"]/g, '\\$&')}"`
