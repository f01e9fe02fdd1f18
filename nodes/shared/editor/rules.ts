/** Named rules for the forms: the check of a text, and the catalogue key of the sentence that explains a failure. */
import {
  isAddressRange,
  isAor,
  isCountryCode,
  isDigits,
  isEnv,
  isFile,
  isFrequencies,
  isHeaderName,
  isHeaders,
  isHop,
  isHost,
  isHostPort,
  isIp,
  isKeys,
  isList,
  isNumber,
  isOrigin,
  isPattern,
  isPort,
  isPrefix,
  isRejectStatus,
  isSipUri,
  isTags,
  isTarget,
  isUrlPath,
} from './validate.js'

export interface RuleOptions {
  /** '' is valid. */
  blank?: boolean
  min?: number
  max?: number
  integer?: boolean
}

type Rule = (text: string, options: RuleOptions) => boolean

const RULES = {
  number: (text, { min = 0, max = Number.MAX_SAFE_INTEGER, integer = true }) => isNumber(text, { min, max, integer }),
  port: isPort,
  ip: isIp,
  host: (text) => isHost(text) || isIp(text),
  hostPort: isHostPort,
  origins: (text) => isList(text, isOrigin),
  urlPath: isUrlPath,
  registrar: (text) => isHostPort(text) || (isSipUri(text) && !text.includes('@')),
  hop: isHop,
  aor: isAor,
  target: isTarget,
  sources: (text) => isList(text, isAddressRange),
  patterns: (text) => isList(text, isPattern),
  headerNames: (text) => isList(text, isHeaderName),
  digits: isDigits,
  keys: isKeys,
  frequencies: isFrequencies,
  prefix: isPrefix,
  countryCode: isCountryCode,
  rejectStatus: isRejectStatus,
  file: isFile,
  headers: isHeaders,
  tags: isTags,
  text: (text) => text.trim() !== '' && !/[\r\n]/.test(text),
} as const satisfies Record<string, Rule>

export type RuleName = keyof typeof RULES

export const RULE_NAMES = Object.keys(RULES) as RuleName[]

export interface Problem {
  key: `invalid.${RuleName | 'missing'}`
  values: Record<string, number>
}

/** Null for a valid value. Otherwise the sentence of the catalogue to show. */
export function problemOf(value: unknown, name: RuleName, options: RuleOptions = {}): Problem | null {
  const text = value === undefined || value === null ? '' : String(value)
  if (text.trim() === '') return options.blank ? null : { key: 'invalid.missing', values: {} }
  if (isEnv(text) || (RULES[name] as Rule)(text, options)) return null
  const { min, max } = options
  return {
    key: `invalid.${name}`,
    values: { ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) },
  }
}
