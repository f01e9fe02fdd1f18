import { splitList } from '../sip/message/list.js'
import { type FinalResponse, isLocal, type SipResponse } from '../sip/types.js'
import { parseNameAddress } from '../sip/uri/name-address.js'
import { unquote } from '../sip/uri/params.js'
import { parseUri, type SipUri } from '../sip/uri/sip-uri.js'

const SIP_PORT = 5060

/** Refreshes at least once a day, even if the registrar grants years or more than a timer can hold. */
const MAX_EXPIRES_SEC = 86_400

/**
 * RFC 3261 10.2.4: the time that a 2xx grants to our binding: the `expires` parameter of its Contact, else the Expires header, else the
 * requested time.
 */
export function grantedExpiresSec(response: SipResponse, contactUri: string, askedSec: number): number {
  const contacts = response.headers('Contact').flatMap(splitList)
  const granted = contactExpiresSec(contacts, contactUri) ?? seconds(response.header('Expires'))
  return Math.min(granted ?? askedSec, MAX_EXPIRES_SEC)
}

/**
 * The time at our Contact. The response also lists bindings of other devices of the address of record; and registrars rewrite our
 * Contact: its host and port (NAT), its user, or all of it (session border controllers). Then it is recognised only if it is the only one.
 */
function contactExpiresSec(contacts: readonly string[], contactUri: string): number | undefined {
  const own = parseUri(contactUri)
  const listed = contacts.map((contact) => parseNameAddress(contact))
  const found = own
    ? [bothMatch, hostPortMatches, userMatches].map((matches) =>
        listed.filter((each) => each && matches(each.uri, own)),
      )
    : []
  const ours = found.find((some) => some.length > 0) ?? (listed.length === 1 ? listed : [])
  const times = ours.flatMap((contact) => seconds(unquote(contact?.params.get('expires') ?? '')) ?? [])
  const granted = times.filter((sec) => sec > 0)
  // If several contacts could be ours, the shortest time is safe.
  return granted.length > 0 ? Math.min(...granted) : times[0]
}

const hostPortMatches = (uri: SipUri, own: SipUri): boolean =>
  uri.host === own.host && (uri.port ?? SIP_PORT) === (own.port ?? SIP_PORT)

const userMatches = (uri: SipUri, own: SipUri): boolean => uri.user === own.user

const bothMatch = (uri: SipUri, own: SipUri): boolean => hostPortMatches(uri, own) && userMatches(uri, own)

/** RFC 3261 10.2.8: the minimum time that a 423 demands; undefined if it does not help. */
export function wantedExpiresSec(response: SipResponse, askedSec: number): number | undefined {
  const wanted = seconds(response.header('Min-Expires'))
  return wanted !== undefined && wanted > askedSec && wanted <= MAX_EXPIRES_SEC ? wanted : undefined
}

/** RFC 3261 20.33: seconds; a comment and parameters may follow. */
export function retryAfterMs(response: SipResponse): number {
  return (seconds(/^\s*(\d+)/.exec(response.header('Retry-After') ?? '')?.[1]) ?? 0) * 1000
}

/** RFC 7616 3.3: the server refused only the nonce, not the credentials. */
export function isStale(response: FinalResponse): boolean {
  if (isLocal(response)) return false
  const challenges = [...response.headers('WWW-Authenticate'), ...response.headers('Proxy-Authenticate')]
  return challenges.some((challenge) => /\bstale\s*=\s*"?true\b/i.test(challenge))
}

function seconds(text: string | undefined): number | undefined {
  return text !== undefined && /^\s*\d+\s*$/.test(text) ? Number(text) : undefined
}
