import type { Challenge } from '../types.js'

/** RFC 7616 6.1 and RFC 8760: hash by algorithm name without `-sess`, weakest first. */
const HASHES = new Map([
  ['MD5', 'md5'],
  ['SHA-256', 'sha256'],
  ['SHA-512-256', 'sha512-256'],
])
const RANKS = [...HASHES.keys()]

export interface Algorithm {
  /** Name for node:crypto. */
  hash: string
  /** RFC 7616 3.4.2: A1 also covers nonce and cnonce. */
  session: boolean
}

export function algorithmOf(name: string): Algorithm | undefined {
  const upper = name.toUpperCase()
  const session = upper.endsWith('-SESS')
  const hash = HASHES.get(session ? upper.slice(0, -'-SESS'.length) : upper)
  return hash === undefined ? undefined : { hash, session }
}

/** `auth` where it is offered; undefined: RFC 2069 style without qop; false: only protections that we do not know. */
export function qopOf(offered: readonly string[]): 'auth' | 'auth-int' | undefined | false {
  if (offered.length === 0) return undefined
  if (offered.includes('auth')) return 'auth'
  return offered.includes('auth-int') ? 'auth-int' : false
}

/** Asks for nothing but auth-int, which servers that know the name only cannot verify (Kamailio up to 6.0): see `withoutIntegrity`. */
export const wantsIntegrityOnly = ({ qop }: Challenge): boolean => qop.length > 0 && qopOf(qop) === 'auth-int'

/** The same challenge answered by `auth`: what such servers take, and other telephones send them. */
export const withoutIntegrity = (challenge: Challenge): Challenge => ({ ...challenge, qop: ['auth'] })

/** 0: we cannot answer it. */
export function strengthOf(challenge: Challenge): number {
  if (!algorithmOf(challenge.algorithm) || qopOf(challenge.qop) === false) return 0
  return RANKS.indexOf(challenge.algorithm.toUpperCase().replace(/-SESS$/, '')) + 1
}
