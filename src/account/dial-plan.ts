/** The form in which an exchange or provider expects numbers. `sip:…` and `alice@host` are dialled unchanged. */
import { TelephonyError } from '../base/errors.js'

export interface DialPlan {
  /** Removed from the front of a dialled number; '' for none. */
  stripPrefix: string
  /** Put before every number; '' for none. */
  addPrefix: string
  /** `49`: national numbers become international ones (`030 1234` → `+49301234`); '' leaves them. */
  countryCode: string
}

interface CountryRules {
  /** Dialled before a number of another country. */
  international: string
  /** Dialled before a number of the same country; it is not part of the international number. */
  trunk: string
  /** Recognises national numbers that have no trunk prefix. */
  national?: RegExp
}

/** Prefixes of most countries (ITU-T E.164.1, E.123). */
const USUAL: CountryRules = { international: '00', trunk: '0' }
/** Countries with other prefixes; some have no trunk prefix. */
const RULES = new Map<string, CountryRules>([
  ['1', { international: '011', trunk: '', national: /^1?([2-9]\d{2}[2-9]\d{6})$/ }],
  ['7', { international: '810', trunk: '8' }],
  ['39', { international: '00', trunk: '', national: /^(0\d{5,11}|3\d{8,9})$/ }], // the 0 stays
  ['61', { international: '0011', trunk: '0' }],
  ['81', { international: '010', trunk: '0' }],
  ['82', { international: '00', trunk: '0' }],
  ['86', { international: '00', trunk: '0', national: /^(1[3-9]\d{9})$/ }], // mobile numbers
  ['34', { international: '00', trunk: '', national: /^([6-9]\d{8})$/ }],
  ['852', { international: '001', trunk: '', national: /^([2-9]\d{7})$/ }],
])
/** E.164 6.2: at most 15 digits. A shorter number than MIN_DIGITS is an extension or a short code: 112, 0, 000. */
const MIN_DIGITS = 6
const PREFIX = /^\+?[0-9*#]{1,16}$/

/** Throws BAD_CONFIG if a setting is not valid. */
export function checkDialPlan({ stripPrefix, addPrefix, countryCode }: DialPlan): void {
  for (const prefix of [stripPrefix, addPrefix]) {
    if (prefix !== '' && !PREFIX.test(prefix))
      throw badConfig(`“${prefix}” is not a valid prefix. Use digits, * and #, with or without a leading +`)
  }
  if (countryCode !== '' && !/^[1-9]\d{0,2}$/.test(countryCode)) {
    throw badConfig(`“${countryCode}” is not a valid country code. Use one to three digits, such as 49`)
  }
}

/** Converts a number without separators to the form of the exchange: strip, then country, then prefix. */
export function applyDialPlan(number: string, { stripPrefix, addPrefix, countryCode }: DialPlan): string {
  const stripped =
    stripPrefix !== '' && number.startsWith(stripPrefix) && number.length > stripPrefix.length
      ? number.slice(stripPrefix.length)
      : number
  const rules = RULES.get(countryCode) ?? USUAL
  const full = countryCode === '' ? stripped : internationalOf(stripped, countryCode, rules)
  if (addPrefix === '') return full
  // After a prefix, `+` cannot be dialled: the international prefix replaces it.
  return addPrefix + (full.startsWith('+') ? rules.international + full.slice(1) : full)
}

/** The international and national spellings of a number: `+4930…` and `030…`. */
export function spellingsOf(number: string, countryCode: string): string[] {
  const rules = RULES.get(countryCode) ?? USUAL
  const full = countryCode === '' ? number : internationalOf(number, countryCode, rules)
  const own = countryCode !== '' && full.startsWith(`+${countryCode}`) ? full.slice(1 + countryCode.length) : undefined
  if (own === undefined || own === '') return [...new Set([number, full])]
  const national = countryCode === '1' ? [own, `1${own}`] : [`${rules.trunk}${own}`]
  return [...new Set([number, full, ...national])]
}

function internationalOf(number: string, countryCode: string, rules: CountryRules): string {
  if (!/^\d+$/.test(number)) return number
  const { international, trunk, national } = rules
  const abroad = after(number, international)
  if (abroad !== undefined && !abroad.startsWith('0')) return `+${abroad}`
  const own = national?.exec(number)?.[1] ?? (trunk === '' ? undefined : after(number, trunk))
  return own === undefined || (own.startsWith('0') && trunk === '0') ? number : `+${countryCode}${own}`
}

function after(number: string, prefix: string): string | undefined {
  return number.startsWith(prefix) && number.length - prefix.length >= MIN_DIGITS
    ? number.slice(prefix.length)
    : undefined
}

const badConfig = (message: string): TelephonyError => new TelephonyError('BAD_CONFIG', message)
