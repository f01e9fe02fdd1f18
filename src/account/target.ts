import { isIPv6 } from 'node:net'
import { TelephonyError } from '../base/errors.js'
import { decodeUser, parseHostPort, USER } from './aor.js'
import { applyDialPlan, type DialPlan } from './dial-plan.js'

/** What a call is placed to: the Request-URI as text and its user part, decoded. */
export interface Target {
  uri: string
  user: string
}

/** Anything that could begin another header line, or hide in one (RFC 3261 25.1 allows none of it in a URI). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const LINE_BREAKING = /[\u0000-\u001f\u007f\u0085\u2028\u2029]/
/** RFC 3966 5.1.1: separators that people write and no exchange wants; blanks and slashes as well. */
const VISUAL_SEPARATORS = /[\s().\-/\u00a0]/g
const NUMBER = /^\+?[0-9*#]+$/
/** RFC 3261 25.1 `uri-parameter`. */
const PARAMETER = /^[\w.!~*'()%-]+(=[\w.!~*'()%[\]/:&+$-]+)?$/
const MAX_LENGTH = 256

/**
 * `1002`, `+49 30 1234`, `alice`, `alice@host`, `sip:…` or `tel:…` as a Request-URI; what names no host goes to the account's domain,
 * numbers after its dial plan. Anything else is BAD_TARGET, with a message for the person who typed it.
 */
export function resolveTarget(text: string, domain: string, plan?: DialPlan): Target {
  const to = { domain, plan }
  if (LINE_BREAKING.test(text) || /\p{Surrogate}/u.test(text))
    throw bad('a target cannot hold line breaks or control characters')
  const target = text.trim()
  if (target === '') throw bad('no target: give a number or an address')
  if (target.length > MAX_LENGTH) throw bad(`a target of ${target.length} characters is too long`)
  if (/[<>"]/.test(target)) throw bad(`“${target}”: give only the address, without name and angle brackets`)
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(target)?.[1]?.toLowerCase()
  if (scheme === 'sips') throw bad(`“${target}”: sips: needs TLS, which this version does not have; use sip:`)
  if (scheme === 'tel') return numberTarget(telNumber(target), target, to)
  if (scheme === 'sip') return uriTarget(target.slice(4), target)
  if (target.includes('@')) return uriTarget(target, target)
  if (scheme !== undefined) throw bad(`“${target}”: only sip: and tel: addresses can be called`)
  if (NUMBER.test(target.replace(VISUAL_SEPARATORS, ''))) return numberTarget(target, target, to)
  return uriTarget(`${target}@${domain}`, target)
}

function uriTarget(rest: string, original: string): Target {
  if (/\s/.test(rest)) throw bad(`“${original}” holds blanks and is no number`)
  // RFC 3261 19.1.5: headers in a URI would become headers of the request.
  if (rest.includes('?')) throw bad(`“${original}”: an address with ?headers is not taken; use the headers setting`)
  // Whoever decodes it, as gateways do, must not find another line in it.
  if (/%(?:[01][\da-f]|7f)/i.test(rest)) throw bad('a target cannot hold line breaks or control characters')
  const at = rest.lastIndexOf('@')
  const user = rest.slice(0, Math.max(0, at))
  const [written = '', ...parameters] = rest.slice(at + 1).split(';')
  const hostPort = isIPv6(written) ? `[${written}]` : written
  const wellFormed = parseHostPort(hostPort) !== undefined && parameters.every((each) => PARAMETER.test(each))
  if (!wellFormed) throw bad(`“${original}” is no address: the part after @ has to be a host, maybe with a port`)
  const address = [hostPort, ...parameters].join(';')
  if (at === -1) return { uri: `sip:${address}`, user: '' }
  if (user === '') throw bad(`“${original}” has nothing before the @`)
  // RFC 3261 19.1.1: a password in a URI is not recommended; it would travel in clear and stand in every log.
  if (user.includes(':')) throw bad('an address with a password is not taken: set it in the account')
  return { uri: `sip:${escapeUser(user)}@${address}`, user: decodeUser(user) }
}

function numberTarget(number: string, original: string, to: { domain: string; plan: DialPlan | undefined }): Target {
  // `+49 (0)30 1234`: the (0) is dialled only within the country.
  const digits = number.replace(/^(\s*\+.*?)\(0\)/, '$1').replace(VISUAL_SEPARATORS, '')
  if (!NUMBER.test(digits)) throw bad(`“${original}” is no telephone number`)
  const dialled = to.plan ? applyDialPlan(digits, to.plan) : digits
  return { uri: `sip:${escapeUser(dialled)}@${to.domain}`, user: dialled }
}

/** RFC 3966 3: the number; its context is ours to choose (RFC 3261 19.1.6), an extension would be lost without notice. */
function telNumber(target: string): string {
  const [number = '', ...parameters] = target.slice(4).split(';')
  if (parameters.some((parameter) => /^(ext|isub)=/i.test(parameter))) {
    throw bad(`“${target}”: extensions in tel: addresses are not supported; dial the number, then send digits`)
  }
  return number
}

function escapeUser(user: string): string {
  return USER.test(user) ? user : encodeURIComponent(decodeUser(user)).replace(/%2B/g, '+')
}

const bad = (message: string): TelephonyError => new TelephonyError('BAD_TARGET', message)
