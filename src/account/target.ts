import { isIPv6 } from 'node:net'
import { TelephonyError } from '../base/errors.js'
import { parseUri, type SipUri } from '../sip/uri/sip-uri.js'
import { decodeUser, parseHostPort, portFault, USER } from './aor.js'
import { applyDialPlan, type DialPlan } from './dial-plan.js'

/** The target of a call: the Request-URI, parsed for all that follows, and its user part, decoded. */
export interface Target {
  uri: SipUri
  user: string
}

/** Characters that could begin another header line, or hide in one (RFC 3261 25.1 allows none of them in a URI). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const LINE_BREAKING = /[\u0000-\u001f\u007f\u0085\u2028\u2029]/
/** RFC 3966 5.1.1: separators that people write and exchanges do not accept; also blanks and slashes. */
const VISUAL_SEPARATORS = /[\s().\-/\u00a0]/g
const NUMBER = /^\+?[0-9*#]+$/
/** RFC 3261 25.1 `uri-parameter`. */
const PARAMETER = /^[\w.!~*'()%-]+(=[\w.!~*'()%[\]/:&+$-]+)?$/
/** Does not match `alice:secret@host`. */
const OTHER_SCHEME = /^(?:[a-z][a-z0-9+.-]*:\/\/|mailto:|xmpp:|callto:|h323:|im:)/i
const MAX_LENGTH = 256

/**
 * `1002`, `+49 30 1234`, `alice`, `alice@host`, `sip:…`, `sips:…` or `tel:…` as a Request-URI. A target without a host gets the account's domain,
 * a number is also converted by the dial plan. Throws BAD_TARGET for other texts, with a message for the person who typed the target.
 */
export function resolveTarget(text: string, domain: string, plan?: DialPlan): Target {
  const to = { domain, plan }
  if (LINE_BREAKING.test(text) || !text.isWellFormed())
    throw bad('a target must not contain line breaks or control characters')
  const target = text.trim()
  if (target === '') throw bad('the target is empty. Use a number or an address')
  if (target.length > MAX_LENGTH)
    throw bad(`a target of ${target.length} characters is too long: at most ${MAX_LENGTH} are possible`)
  if (/[<>"]/.test(target))
    throw bad(`“${target}” is not a valid target. Use only the address, without name and angle brackets`)
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(target)?.[1]?.toLowerCase()
  if (scheme === 'tel') return numberTarget(telNumber(target), target, to)
  if (scheme === 'sip' || scheme === 'sips') return uriTarget(scheme, target.slice(scheme.length + 1), target)
  if (target.includes('@') && !OTHER_SCHEME.test(target)) return uriTarget('sip', target, target)
  if (scheme !== undefined) {
    throw bad(`“${target}”: ${scheme}: addresses cannot be called. Use a number, name@host, sip:, sips: or tel:`)
  }
  if (NUMBER.test(target.replace(VISUAL_SEPARATORS, ''))) return numberTarget(target, target, to)
  return uriTarget('sip', `${target}@${domain}`, target)
}

function uriTarget(scheme: 'sip' | 'sips', rest: string, original: string): Target {
  if (/\s/.test(rest)) throw bad(`“${original}” contains blanks and is not a valid number. Use a number or an address`)
  // RFC 3261 19.1.5: headers in a URI would become headers of the request.
  if (rest.includes('?')) throw bad(`“${original}”: an address with ?headers cannot be called. Use the headers setting`)
  // Gateways decode escapes: the decoded text must not contain another line.
  if (/%(?:[01][\da-f]|7f)/i.test(rest)) throw bad('a target must not contain line breaks or control characters')
  const at = rest.lastIndexOf('@')
  const user = rest.slice(0, Math.max(0, at))
  const [written = '', ...parameters] = rest.slice(at + 1).split(';')
  const hostPort = isIPv6(written) ? `[${written}]` : written
  const wellFormed = parseHostPort(hostPort) !== undefined && parameters.every((each) => PARAMETER.test(each))
  if (!wellFormed) {
    const why = portFault(hostPort) ?? 'The part after @ is a host, with or without a port'
    throw bad(`“${original}” is not a valid SIP address. ${why}`)
  }
  const address = [hostPort, ...parameters].join(';')
  if (at === -1) return { uri: parsed(`${scheme}:${address}`, original), user: '' }
  if (user === '') throw bad(`“${original}” has no user before the @. Use one like alice@example.com`)
  // RFC 3261 19.1.1: a password in a URI is not recommended; it would be sent unencrypted and written to every log.
  if (user.includes(':')) throw bad('a target must not contain a password. Set the password in the account')
  return { uri: parsed(`${scheme}:${escapeUser(user)}@${address}`, original), user: decodeUser(user) }
}

function numberTarget(number: string, original: string, to: { domain: string; plan: DialPlan | undefined }): Target {
  // `+49 (0)30 1234`: the (0) is dialled only within the country.
  const digits = number.replace(/^(\s*\+.*?)\(0\)/, '$1').replace(VISUAL_SEPARATORS, '')
  if (!NUMBER.test(digits))
    throw bad(`“${original}” is not a valid telephone number. Use digits, * and #, with or without a leading +`)
  const dialled = to.plan ? applyDialPlan(digits, to.plan) : digits
  return { uri: parsed(`sip:${escapeUser(dialled)}@${to.domain}`, original), user: dialled }
}

/** RFC 3966 3: the number. We may choose its context (RFC 3261 19.1.6); an extension is refused because it would be lost silently. */
function telNumber(target: string): string {
  const [number = '', ...parameters] = target.slice(4).split(';')
  if (parameters.some((parameter) => /^(ext|isub)=/i.test(parameter))) {
    throw bad(`“${target}”: extensions in tel: addresses are not supported. Dial the number, then send digits`)
  }
  return number
}

function escapeUser(user: string): string {
  return USER.test(user) ? user : encodeURIComponent(decodeUser(user)).replace(/%2B/g, '+')
}

function parsed(text: string, original: string): SipUri {
  const uri = parseUri(text)
  if (uri) return uri
  throw bad(`“${original}” is not a valid SIP address`)
}

const bad = (message: string): TelephonyError => new TelephonyError('BAD_TARGET', message)
