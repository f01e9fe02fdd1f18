import { type FinalResponse, isLocal, type SipResponse } from '../sip/types.js'

/** A registrar that grants years, or more than a timer holds, is asked again after a day at the latest. */
const MAX_EXPIRES_SEC = 86_400

/**
 * RFC 3261 10.2.4: the time that a 2xx grants to our own contact: its `expires` parameter, else the Expires header, else what was
 * asked. Contacts of other devices of the same address of record are listed too and say nothing about ours.
 */
export function grantedExpiresSec(response: SipResponse, contactUser: string, askedSec: number): number {
  const own = response.headers('Contact').flatMap(splitValues).find(isOurs(contactUser))
  const granted = seconds(own && /;\s*expires\s*=\s*"?(\d+)/i.exec(own)?.[1]) ?? seconds(response.header('Expires'))
  return Math.min(granted ?? askedSec, MAX_EXPIRES_SEC)
}

/** RFC 3261 10.2.8: what a 423 wants at least; undefined where that cannot help. */
export function wantedExpiresSec(response: SipResponse, askedSec: number): number | undefined {
  const wanted = seconds(response.header('Min-Expires'))
  return wanted !== undefined && wanted > askedSec && wanted <= MAX_EXPIRES_SEC ? wanted : undefined
}

/** RFC 3261 20.33: seconds, maybe followed by a comment and parameters. */
export function retryAfterMs(response: SipResponse): number {
  return (seconds(/^\s*(\d+)/.exec(response.header('Retry-After') ?? '')?.[1]) ?? 0) * 1000
}

/** RFC 7616 3.3: only the nonce was refused; nobody has said that the credentials are wrong. */
export function isStale(response: FinalResponse): boolean {
  if (isLocal(response)) return false
  const challenges = [...response.headers('WWW-Authenticate'), ...response.headers('Proxy-Authenticate')]
  return challenges.some((challenge) => /\bstale\s*=\s*"?true\b/i.test(challenge))
}

/** Registrars behind NAT rewrite host and port of what they list; the user part is our own random token and stays. */
const isOurs = (contactUser: string) => (contact: string) =>
  new RegExp(`sips?:${contactUser.replace(/[^\w]/g, '\\$&')}@`, 'i').test(contact)

function seconds(text: string | undefined): number | undefined {
  return text !== undefined && /^\s*\d+\s*$/.test(text) ? Number(text) : undefined
}

/** Commas separate values, but not within quotes or angle brackets. */
function splitValues(header: string): string[] {
  return header.match(/(?:"(?:[^"\\]|\\.)*"|<[^>]*>|[^,"<])+/g) ?? []
}
