/** Checks of settings: pure functions that run in the browser, in the runtime and in unit tests. */

/** Node-RED replaces a setting that consists of `${NAME}` only by the variable's value, so the text itself is not checked. */
export const isEnv = (text: string): boolean => /^\$\{[^{}]+\}$/.test(text)

export function isNumber(text: string, range: { min: number; max: number; integer?: boolean }): boolean {
  if (!/^-?\d+(\.\d+)?$/.test(text)) return false
  const value = Number(text)
  if (range.integer !== false && !Number.isInteger(value)) return false
  return value >= range.min && value <= range.max
}

export const isPort = (text: string): boolean => isNumber(text, { min: 0, max: 65535 })

export function isIpv4(text: string): boolean {
  const parts = text.split('.')
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)
}

/** RFC 4291 2.2. The URL parser decides, because the browser has no other function for it. */
export function isIpv6(text: string): boolean {
  if (!/^[\da-f]*:[\da-f:.]*$/i.test(text) || text.length > 45) return false
  try {
    return new URL(`http://[${text}]`).hostname !== ''
  } catch {
    return false
  }
}

export const isIp = (text: string): boolean => isIpv4(text) || isIpv6(text)

/** RFC 1123 2.1: letters, digits and inner hyphens. A last label that is a number means a mistyped IP address. */
export function isHostname(text: string): boolean {
  if (text.length > 253) return false
  const labels = text.replace(/\.$/, '').split('.')
  const last = labels.at(-1) ?? ''
  return labels.every((label) => /^[a-z\d]([a-z\d-]{0,61}[a-z\d])?$/i.test(label)) && !/^\d+$/.test(last)
}

export const isHost = (text: string): boolean => isIpv4(text) || isHostname(text)

/** `host` or `host:port`, with an IPv6 address in brackets. Port 0 cannot be reached. */
export function isHostPort(text: string): boolean {
  const [, name, ipv6, port] = /^(?:([^:[\]]+)|\[([^\]]+)\])(?::(\d+))?$/.exec(text) ?? []
  if (!(ipv6 === undefined ? isHost(name ?? '') : isIpv6(ipv6))) return false
  return port === undefined || isNumber(port, { min: 1, max: 65535 })
}

/** The origin of a web page: `https://phone.example.com`; `null` for pages from files, `*` for all. */
export const isOrigin = (text: string): boolean => {
  if (text === '*' || text === 'null') return true
  const host = /^https?:\/\/([^/?#\s]+)\/?$/i.exec(text)?.[1]
  return host !== undefined && isHostPort(host)
}

export const isUrlPath = (text: string): boolean => /^\/[!-~]*$/.test(text) && !text.includes('#')

/** RFC 3261 25.1 `user`, with an optional `:password`. */
const USER = /^(?:[\w\-.!~*'()&=+$,;?/#:]|%[\da-f]{2})+$/i

/** `sip:[user@]host[:port][;params]`, `sips:` too. */
export function isSipUri(text: string): boolean {
  const match = /^sips?:(?:([^@]*)@)?([^@;?]+)((?:;[^;?\s<>"]+)*)(\?[^\s<>"]*)?$/i.exec(text)
  if (!match?.[2]) return false
  return (match[1] === undefined || USER.test(match[1])) && isHostPort(match[2])
}

/** An address of record: `alice@example.com` or `sip:alice@example.com`. A port is allowed, parameters are not. */
export function isAor(text: string): boolean {
  const match = /^(?:sips?:)?([^@]+)@([^@]+)$/i.exec(text)
  return match?.[1] !== undefined && USER.test(match[1]) && match[2] !== undefined && isHostPort(match[2])
}

/** A target to dial: `1002`, `+49 30 1234`, `alice@host`, `sip:…`, `tel:…`. */
export function isTarget(text: string): boolean {
  if (/^sips?:/i.test(text)) return isSipUri(text)
  if (/^tel:/i.test(text)) return /^tel:\+?[\d\-.()*#]+(;[^\s]+)*$/i.test(text)
  if (text.includes('@')) return isAor(text)
  return /^\+?[\w\-.()*#/ ]+$/.test(text) && /[\w*#]/.test(text)
}

/**
 * Route set entry: `proxy.example.com:5060`, or a SIP URI without user, also in angle brackets. `;strict` marks a strict router, which has no
 * `lr`. Commas separate several proxies.
 */
export const isHop = (text: string): boolean =>
  text.split(',').every((one) => {
    const bare = one
      .trim()
      .replace(/^<(.*)>$/, '$1')
      .trim()
    const isBoth = /;lr(?=[;=]|$)/i.test(bare) && /;strict(?=;|$)/i.test(bare)
    return isSipUri(`sip:${bare.replace(/^sips?:/i, '')}`) && !/[@?]/.test(bare) && !isBoth
  })

export function isAddressRange(text: string): boolean {
  const match = /^([^/]+)(?:\/(\d+))?$/.exec(text)
  if (!match?.[1] || !isIp(match[1])) return false
  return match[2] === undefined || isNumber(match[2], { min: 0, max: isIpv4(match[1]) ? 32 : 128 })
}

/** A pattern of targets: `+49*`, `10??`, `*@example.com`. */
export const isPattern = (text: string): boolean =>
  /^[^,<>"]{1,128}$/.test(text) && /^[\d\s().\-/+*#?]+$|^\S+$/.test(text)

/** Entries separated by commas. Empty entries are ignored. */
export const isList = (text: string, isEntry: (entry: string) => boolean): boolean =>
  text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
    .every(isEntry)

/** RFC 3261 25.1 `token`. */
export const isHeaderName = (text: string): boolean => /^[\w\-.!%*+`'~]+$/.test(text)

export const isDigits = (text: string): boolean => /^[\d*#a-d,]+$/i.test(text)

/** Telephone keys that gather can accept. */
export const isKeys = (text: string): boolean => /^[\d*#a-d]+$/i.test(text)

/** `425` or `350+440`: one to four frequencies within the telephone band. */
export function isFrequencies(text: string): boolean {
  const tones = text.split('+').map((tone) => tone.trim())
  return tones.length <= 4 && tones.every((tone) => isNumber(tone, { min: 20, max: 3900, integer: false }))
}

/** A prefix that a dial plan takes off or puts before a number. */
export const isPrefix = (text: string): boolean => /^\+?[\d*#]{1,16}$/.test(text)

/** `49`, `+49` or `0049`. */
export const isCountryCode = (text: string): boolean => /^(\+|00)?[1-9]\d{0,2}$/.test(text)

export const isRejectStatus = (text: string): boolean => isNumber(text, { min: 400, max: 699 })

/** An absolute path, or one relative to a folder of the runtime, without `..`. */
export const isFile = (text: string): boolean =>
  text.trim() !== '' && !text.includes('\0') && !text.split(/[\\/]/).includes('..')

export function isHeaders(text: string): boolean {
  const value = parseObject(text)
  return (
    value !== null &&
    Object.entries(value).every(
      ([name, field]) => isHeaderName(name) && typeof field === 'string' && !/[\r\n]/.test(field),
    )
  )
}

export const isTags = (text: string): boolean => parseObject(text) !== null && text.length <= 4096

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null
  } catch {
    return null
  }
}
