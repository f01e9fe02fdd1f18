/** Converts settings from text (Node-RED has replaced `${ENV}` already) to values. Errors name the field. */
import { FieldError } from './errors.js'

interface NumberRule {
  min?: number
  max?: number
  /** The value of an empty field. Without it, an empty field is an error. */
  empty?: number
  integer?: boolean
}

const bad = (field: string, text: string): FieldError => new FieldError('BAD_CONFIG', field, text)

export const text = (value: unknown): string => (value === undefined || value === null ? '' : String(value).trim())

/** Node-RED replaces a setting that consists of `${NAME}` only, but leaves it unchanged if the variable is not set. */
export function assertEnvironment(settings: object): void {
  const fields = new Map<string, unknown>(Object.entries(settings))
  for (const [field, value] of fields) {
    if (field === 'name' || fields.get(`${field}Type`) === 'env') continue
    const unset = [value]
      .flat()
      .map(text)
      .find((one) => /^\$\{[^{}]+\}$/.test(one))
    if (unset !== undefined) throw bad(field, `the environment variable ${unset} is not set`)
  }
}

export function requiredText(field: string, value: unknown): string {
  const trimmed = text(value)
  if (trimmed === '') throw bad(field, 'must not be empty')
  return trimmed
}

export function number(field: string, value: unknown, rule: NumberRule = {}): number {
  const trimmed = text(value)
  if (trimmed === '' && rule.empty !== undefined) return rule.empty
  const parsed = trimmed === '' ? Number.NaN : Number(trimmed)
  if (!Number.isFinite(parsed)) throw bad(field, trimmed === '' ? 'must not be empty' : `"${trimmed}" is not a number`)
  if (rule.integer && !Number.isInteger(parsed)) throw bad(field, `${trimmed} is not a whole number`)
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = rule
  if (parsed < min || parsed > max) throw bad(field, `${trimmed} is not between ${min} and ${max}`)
  return parsed
}

/** Reads a field in seconds and returns milliseconds. */
export const secondsAsMs = (field: string, value: unknown, rule: NumberRule = {}): number =>
  Math.round(number(field, value, rule) * 1000)

export function oneOf<const Choice extends string>(field: string, value: unknown, choices: readonly Choice[]): Choice {
  const found = choices.find((choice) => choice === value)
  if (found === undefined)
    throw bad(field, `"${text(value)}" is not a valid choice. Choose one of ${choices.join(', ')}`)
  return found
}

/** A set of DTMF keys. */
export function keys(field: string, value: unknown): string {
  const trimmed = text(value).toUpperCase()
  if (!/^[0-9A-D*#]*$/.test(trimmed)) throw bad(field, `"${trimmed}" has more than the keys 0-9 * # A-D`)
  return trimmed
}

/** Checkboxes hold booleans; flows written by hand and `${ENV}` may hold the text "true". */
export const flag = (value: unknown): boolean => value === true || value === 'true'

/** The editor checks this as well, but flows may be written by hand, and `${ENV}` has no value before now. */
export function shaped(field: string, value: unknown, isShape: (text: string) => boolean, shape: string): string {
  const trimmed = text(value)
  if (trimmed !== '' && !isShape(trimmed)) throw bad(field, `"${trimmed}" is not a valid ${shape}`)
  return trimmed
}

/** Text separated by commas, or an array. */
export const list = (value: unknown): string[] =>
  (Array.isArray(value) ? value.map(text) : text(value).split(',').map(text)).filter((item) => item !== '')
