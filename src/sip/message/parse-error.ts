import { TelephonyError } from '../../base/errors.js'
import type { HeaderFields } from './header-fields.js'
import type { Via } from './via.js'

/**
 * A request that is wrong, and whose sender can be told so. Any other error in a message is a plain TelephonyError
 * PARSE.
 */
export class BadRequest extends TelephonyError {
  readonly status: number
  readonly method: string
  readonly fields: HeaderFields
  readonly via: Via

  constructor(status: number, reason: string, request: { method: string; fields: HeaderFields; via: Via }) {
    super('PARSE', reason)
    this.status = status
    this.method = request.method
    this.fields = request.fields
    this.via = request.via
  }
}

/** A complaint that becomes BadRequest (requests) or PARSE (responses). */
export class ParseError extends Error {
  readonly status: number
  constructor(reason: string, status = 400) {
    super(reason)
    this.status = status
  }
}
