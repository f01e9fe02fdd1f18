/** The groups of calls of one engine that have not been decided. */
import type { Clock } from '../base/clock.js'
import { TelephonyError } from '../base/errors.js'
import { newId } from '../base/ids.js'
import type { Logger } from '../base/logger.js'
import type { Call } from '../call/call.js'
import { DialGroup, type GroupConfirm } from '../call/dial-group.js'
import type { ToPlay } from '../media/client.js'
import type { DialCommand, DialGroupCommand, DialGroupResult, Playable } from './protocol.js'

interface DialGroupsDeps {
  clock: Clock
  log: Logger
  place(command: DialCommand & { group: string }): Promise<Call>
  prompt(source: Playable): ToPlay
}

const MAX_TARGETS = 20
const DIGITS = /^[0-9*#A-Da-d,]{1,128}$/

export class DialGroups {
  readonly #deps: DialGroupsDeps
  readonly #groups = new Map<string, DialGroup>()

  constructor(deps: DialGroupsDeps) {
    this.#deps = deps
  }

  async dial(command: DialGroupCommand): Promise<DialGroupResult> {
    const { groupId = newId(), targets, strategy, confirm, ...common } = command
    if (this.#groups.has(groupId)) throw bad(`the group id ${groupId} is in use. Use a new one`)
    check(command)
    const { clock, log } = this.#deps
    const group = new DialGroup(
      {
        clock,
        log: log.child({ groupId }),
        place: ({ target, ringTimeoutMs }) =>
          this.#deps.place({ ...common, target, group: groupId, ...(ringTimeoutMs && { ringTimeoutMs }) }),
      },
      { targets, strategy, confirm: confirm && this.#confirmOf(confirm) },
    )
    this.#groups.set(groupId, group)
    try {
      return { groupId, ...(await group.run()) }
    } finally {
      this.#groups.delete(groupId)
    }
  }

  /** No effect if the group has been decided. */
  cancel(groupId: string, reason = 'cancelled'): void {
    this.#groups.get(groupId)?.cancel(reason)
  }

  cancelAll(reason: string): void {
    for (const group of this.#groups.values()) group.cancel(reason)
  }

  #confirmOf({ digit, prompt, timeoutMs }: NonNullable<DialGroupCommand['confirm']>): GroupConfirm {
    return { digit, timeoutMs, ...(prompt && { prompt: this.#deps.prompt(prompt) }) }
  }
}

function check({ targets, confirm }: DialGroupCommand): void {
  if (targets.length === 0 || targets.length > MAX_TARGETS)
    throw bad(`a group of ${targets.length} targets is not possible. Use 1 to ${MAX_TARGETS}`)
  for (const { digits } of targets) {
    if (digits !== undefined && !DIGITS.test(digits))
      throw bad('the digits of a target are not valid. Use 1 to 128 of 0-9 * # A-D, and a comma for a pause')
  }
  if (confirm && !/^[0-9*#]$/.test(confirm.digit))
    throw bad('the key that confirms a call is not valid. Use one of 0-9 * #')
}

const bad = (message: string): TelephonyError => new TelephonyError('BAD_ARGUMENT', message)
