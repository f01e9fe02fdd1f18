/** How an account's exchange or provider wants numbers written. Only numbers: `sip:…` and `alice@host` are dialled as they are. */
import { TelephonyError } from '../base/errors.js'

export interface DialPlan {
  /** Removed from the front of a dialled number that begins with it; '' for none. */
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

/** ITU-T E.164.1, E.123: the prefixes of most countries. */
const USUAL: CountryRules = { international: '00', trunk: '0' }
/** Countries with other prefixes. Where there is no trunk prefix, only the international one is known. */
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
/** E.164 6.2: 15 digits at most. Shorter than this is an extension or a short code: 112, 0, 000. */
const MIN_DIGITS = 6
const PREFIX = /^\+?[0-9*#]{1,16}$/

/** BAD_CONFIG where a setting is not valid. */
export function checkDialPlan({ stripPrefix, addPrefix, countryCode }: DialPlan): void {
  for (const prefix of [stripPrefix, addPrefix]) {
    if (prefix !== '' && !PREFIX.test(prefix))
      throw badConfig(`“${prefix}” is not a valid prefix. Use digits, * and #, with or without a leading +`)
  }
  if (countryCode !== '' && !/^[1-9]\d{0,2}$/.test(countryCode)) {
    throw badConfig(`“${countryCode}” is not a valid country code. Use one to three digits, such as 49`)
  }
}

/** A number without separators as the account's exchange wants it: strip, then the country, then the prefix. */
export function applyDialPlan(number: string, { stripPrefix, addPrefix, countryCode }: DialPlan): string {
  const stripped =
    stripPrefix !== '' && number.startsWith(stripPrefix) && number.length > stripPrefix.length
      ? number.slice(stripPrefix.length)
      : number
  const rules = RULES.get(countryCode) ?? USUAL
  const full = countryCode === '' ? stripped : internationalOf(stripped, countryCode, rules)
  if (addPrefix === '') return full
  // Digits after a prefix are dialled, not written: there a + is the international prefix.
  return addPrefix + (full.startsWith('+') ? rules.international + full.slice(1) : full)
}

/** The same number in the spellings that people of this country use: `+4930…` and `030…`. */
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
