import { isUint8Array } from 'node:util/types'
import { FieldError } from '../shared/errors.js'
import type { Config } from './config.js'

type Package = Config['package']

/** Before the first message. */
const INITIAL: Record<Package, object> = {
  dialog: { line: 'idle' },
  presence: { status: 'closed' },
  'message-summary': { waiting: false },
}

export const initialState = (event: Package): object => INITIAL[event]

/** The state that a message brings: an object, or its most useful value alone. The engine checks the rest. */
export function stateOf(event: Package, payload: unknown): object {
  if (typeof payload === 'object' && payload !== null && !Array.isArray(payload) && !isUint8Array(payload))
    return payload
  if (event === 'dialog' && typeof payload === 'string') return { line: payload }
  if (event === 'presence' && typeof payload === 'string') return { status: payload }
  if (event === 'message-summary') {
    if (typeof payload === 'number') return { messages: { voice: { new: payload } } }
    if (typeof payload === 'boolean') return { waiting: payload }
  }
  throw new FieldError('BAD_ARGUMENT', 'package', 'msg.payload is not a state of this kind. The help lists the states')
}

/** Its most useful value; null for a state that could not be read. */
export function shortState(state: unknown): unknown {
  const { line, status, waiting } = (state ?? {}) as Record<string, unknown>
  return line ?? status ?? waiting ?? null
}
