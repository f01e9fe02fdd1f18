/** Several targets in one command: which of them ring, when, and what counts as an answer. */
import type { DialGroupCommand } from '../engine/protocol.js'
import { type Options, UsageError } from './options.js'

export type GroupPlan = Pick<DialGroupCommand, 'targets' | 'strategy' | 'confirm'>

const CONFIRM_MS = 10_000

/** Undefined for one target without options of a group. */
export function groupFrom(options: Options, targets: readonly string[]): GroupPlan | undefined {
  const strategy = options.oneOf('strategy', ['all', 'in-order'] as const)
  const ringTimeoutMs = options.durationMs('ring-each')
  const digit = options.text('confirm-key')
  if (digit !== undefined && !/^[0-9*#]$/.test(digit))
    throw new UsageError(`--confirm-key ${digit} is not valid. Use one of 0-9 * #`)
  if (targets.length === 1 && strategy === undefined && ringTimeoutMs === undefined && digit === undefined)
    return undefined
  return {
    targets: targets.map((target) => ({ target, ...(ringTimeoutMs !== undefined && { ringTimeoutMs }) })),
    strategy: strategy ?? 'all',
    ...(digit !== undefined && { confirm: { digit, timeoutMs: CONFIRM_MS } }),
  }
}
