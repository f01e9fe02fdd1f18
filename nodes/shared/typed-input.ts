/** Typed inputs (`msg.`, flow, global, JSONata, env …) evaluated for one message. */
import { isUint8Array } from 'node:util/types'
import type { Playable } from '../../src/engine/protocol.js'
import { FieldError, TelephonyError } from './errors.js'
import type { Message, RED, RedNode } from './red.js'

/** JSONata and context stores answer asynchronously, so only the callback form works for every type. */
export function evaluate(RED: RED, node: RedNode, value: string, type: string, message: Message): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const refuse = (error: unknown) => {
      // The parent of the message property does not exist, so the property does not exist either.
      if (type === 'msg') return resolve(undefined)
      const reason = error instanceof Error ? error.message : String((error as { message?: unknown })?.message ?? error)
      reject(new TelephonyError('BAD_ARGUMENT', `${type} expression "${value}": ${reason}`, { cause: error }))
    }
    try {
      RED.util.evaluateNodeProperty(value, type, node, message, (error, result) =>
        error ? refuse(error) : resolve(result),
      )
    } catch (error) {
      refuse(error)
    }
  })
}

/** The id of the call that a message refers to. The setting may name the id itself or a call object such as `msg.call`. */
export function callIdOf(value: unknown, setting: string): string {
  const id = typeof value === 'object' && value !== null ? (value as { id?: unknown }).id : value
  if (typeof id === 'string' && id !== '') return id
  throw new TelephonyError(
    'NO_CALL',
    `${setting} does not name a call. The message must come from a telephony node, and keep its msg.call`,
  )
}

/** An object of plain values, as headers and tags are. */
export function plainObject(field: string, value: unknown): Record<string, unknown> {
  if (value === undefined || value === null || value === '') return {}
  if (typeof value !== 'object' || Array.isArray(value) || Buffer.isBuffer(value)) {
    throw new FieldError('BAD_ARGUMENT', field, 'the value is not an object')
  }
  return value as Record<string, unknown>
}

export function headersOf(value: unknown): Record<string, string> {
  const entries = Object.entries(plainObject('headers', value))
  return Object.fromEntries(entries.map(([name, field]) => [name, line('headers', field, `${name} is not text`)]))
}

/** For text on the wire: trims blanks only. The engine has to see and refuse a line break at the end. */
export function line(field: string, value: unknown, problem = 'the value is not text'): string {
  if (value === undefined || value === null) return ''
  if (['string', 'number', 'boolean'].includes(typeof value)) return String(value).replace(/^[ \t]+|[ \t]+$/g, '')
  throw new FieldError('BAD_ARGUMENT', field, problem)
}

/** Larger sounds belong in files, because a Buffer is copied from thread to thread. */
const MAX_WAV_OCTETS = 10 * 1024 * 1024

/** The name of a WAV file, or the WAV itself as a Buffer; undefined if there is neither. */
export function wavOf(field: string, value: unknown): Playable | undefined {
  if (!isUint8Array(value)) {
    const file = fileOf(field, value)
    return file === '' ? undefined : { kind: 'file', file }
  }
  if (value.length > MAX_WAV_OCTETS) {
    throw new FieldError(
      'BAD_ARGUMENT',
      field,
      `the Buffer has ${value.length} octets; at most ${MAX_WAV_OCTETS} are allowed`,
    )
  }
  // Copied, because the memory behind a Buffer may be much larger than the Buffer and would be sent as a whole.
  return { kind: 'wav', data: new Uint8Array(value) }
}

/** The name of a file, '' if there is none. The engine decides whether it may be read or written. */
export function fileOf(field: string, value: unknown): string {
  if (value === undefined || value === null) return ''
  if (typeof value !== 'string') throw new FieldError('BAD_ARGUMENT', field, 'the value is not a file name')
  return value.trim()
}
