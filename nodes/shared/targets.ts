/** What to dial, as messages and settings hold it. */
import { TelephonyError } from './errors.js'
import { line } from './typed-input.js'

/** A phone number that looks like a time of these days is far less likely than an inject node that was left as it is. */
const NOW_MS = 30 * 86_400_000

/** The number or address; '' for none. BAD_TARGET for a timestamp. */
export function dialTarget(field: string, value: unknown): string {
  const target = line(field, value)
  if (!isTimestamp(target)) return target
  throw new TelephonyError(
    'BAD_TARGET',
    `the inject node sends a timestamp; set its payload to a number. ${target} is not dialled`,
  )
}

const isTimestamp = (target: string): boolean =>
  /^\d{13}$/.test(target) && Math.abs(Number(target) - Date.now()) < NOW_MS
