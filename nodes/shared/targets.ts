/** Reads the target of a call from messages and settings. */
import { TelephonyError } from './errors.js'
import { line } from './typed-input.js'

/** A number in the range of current timestamps almost always comes from an inject node with its default payload. */
const NOW_MS = 30 * 86_400_000

/** The number or address, '' if there is none. Throws BAD_TARGET for a timestamp. */
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
