import type { Challenge } from '../types.js'
import { strengthOf } from './algorithm.js'

/** One authentication parameter, `name=token` or `name="quoted"`, or a scheme name that starts a new challenge. */
const ITEM = /[\s,]*([\w!#$%&'*+.^`|~-]+)(?:[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?/y

/** Registrars do not send longer challenges. */
const MAX_LENGTH = 4096

/**
 * Parses one WWW-Authenticate (401) or Proxy-Authenticate (407) value. Several challenges may share one value,
 * separated by commas. Schemes other than Digest and challenges without realm or nonce are left out.
 */
export function parseChallenge(status: 401 | 407, value: string): Challenge[] {
  if (value.length > MAX_LENGTH) return []
  return splitSchemes(value).flatMap(({ scheme, params }) => {
    const realm = params.get('realm')
    const nonce = params.get('nonce')
    if (scheme !== 'digest' || realm === undefined || nonce === undefined) return []
    const opaque = params.get('opaque')
    return {
      status,
      realm,
      nonce,
      ...(opaque === undefined ? {} : { opaque }),
      algorithm: params.get('algorithm') || 'MD5', // RFC 7616 3.3: absent means MD5
      qop: words(params.get('qop')),
      stale: params.get('stale')?.toLowerCase() === 'true',
    }
  })
}

/** All challenges of a response, in the order of its header fields. */
export const parseChallenges = (status: 401 | 407, values: readonly string[]): Challenge[] =>
  values.flatMap((value) => parseChallenge(status, value))

/**
 * The challenge to answer per realm and kind (401 or 407): the strongest that we can compute. RFC 8760 2.4 takes the
 * topmost that is supported "unless a local policy dictates otherwise"; ours is that an attacker who adds an MD5
 * challenge on top shall not weaken the answer.
 */
export function chooseChallenges(challenges: readonly Challenge[]): Challenge[] {
  const best = new Map<string, Challenge>()
  for (const challenge of challenges) {
    if (strengthOf(challenge) === 0) continue
    const key = `${challenge.status} ${challenge.realm}`
    const rival = best.get(key)
    if (!rival || strengthOf(challenge) > strengthOf(rival)) best.set(key, challenge)
  }
  return [...best.values()]
}

function splitSchemes(value: string): { scheme: string; params: Map<string, string> }[] {
  const found: { scheme: string; params: Map<string, string> }[] = []
  ITEM.lastIndex = 0
  for (let item = ITEM.exec(value); item; item = ITEM.exec(value)) {
    const [, name = '', quoted, token] = item
    if (quoted === undefined && token === undefined) found.push({ scheme: name.toLowerCase(), params: new Map() })
    else found.at(-1)?.params.set(name.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? token ?? '')
  }
  return found
}

const words = (list: string | undefined): string[] =>
  (list ?? '')
    .split(',')
    .map((word) => word.trim().toLowerCase())
    .filter((word) => word !== '')
