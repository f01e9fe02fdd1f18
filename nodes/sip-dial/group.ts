/** Several targets of one dial: read from the message, called as a group of the engine. */
import type { DialGroupCommand, DialGroupResult } from '../../src/engine/protocol.js'
import { FieldError } from '../shared/errors.js'
import type { FlowNode } from '../shared/flow-node.js'
import type { Message } from '../shared/red.js'
import { flag, oneOf, secondsAsMs } from '../shared/settings.js'
import { dialTarget } from '../shared/targets.js'
import { line } from '../shared/typed-input.js'
import type { Config } from './config.js'

type Target = DialGroupCommand['targets'][number]

/** Targets of a value: one, or a list. Empty entries are left out. */
export const targetsOf = (value: unknown): Target[] => (Array.isArray(value) ? value : [value]).flatMap(targetOf)

function targetOf(value: unknown): Target[] {
  if (typeof value !== 'object' || value === null) return readTarget(value)
  const { target, digits, ringTimeout, delay } = value as Record<string, unknown>
  const ringTimeoutMs = secondsAsMs('target', line('target', ringTimeout), { empty: 0, min: 1, max: 600 })
  const delayMs = secondsAsMs('target', line('target', delay), { empty: 0, max: 600 })
  const pressed = line('target', digits)
  return readTarget(target).map((read) => ({
    ...read,
    ...(pressed !== '' && { digits: pressed }),
    ...(ringTimeoutMs > 0 && { ringTimeoutMs }),
    ...(delayMs > 0 && { delayMs }),
  }))
}

/** `1002,,123#`: a target, and the digits after its answer with the pause before them. */
function readTarget(value: unknown): Target[] {
  const text = typeof value === 'string' || typeof value === 'number' ? dialTarget('target', value) : ''
  if (text === '') return []
  const [, target, digits] = /^([^,]+)(,[0-9*#A-Da-d,]*)$/.exec(text) ?? []
  return target === undefined || digits === undefined ? [{ target: text }] : [{ target, digits }]
}

export function confirmOf(config: Config): DialGroupCommand['confirm'] {
  if (!flag(config.confirm)) return undefined
  const timeoutMs = secondsAsMs('confirmTime', config.confirmTime, { min: 1, max: 120 })
  const digit = String(config.confirmDigit).trim()
  if (!/^[0-9*#]$/.test(digit)) throw new FieldError('BAD_CONFIG', 'confirmDigit', 'use one of 0-9 * #')
  const file = String(config.confirmPrompt).trim()
  return {
    digit,
    timeoutMs,
    prompt: file === '' ? { kind: 'tone', hz: [440], durationMs: 500 } : { kind: 'file', file },
  }
}

export const strategyOf = (config: Config): DialGroupCommand['strategy'] =>
  oneOf('strategy', config.strategy, ['all', 'in-order'])

/** The message with the outcome of the group: `group` tells how each call went. */
export function withGroup(node: FlowNode<Config>, message: Message, result: DialGroupResult): Message {
  const { groupId: id, callId, end, attempts } = result
  message.group = { id, attempts }
  if (callId !== null) return node.continue(message, callId, 'call.answered')
  // The call whose end describes the group, or else the last one that was placed.
  const told = attempts.findLast((attempt) => attempt.callId !== null && attempt.end?.sipCode === end?.sipCode)
  const last = told ?? attempts.findLast((attempt) => attempt.callId !== null)
  return node.continue(message, last?.callId ?? '', 'call.ended', { payload: end?.cause ?? 'failed' })
}
