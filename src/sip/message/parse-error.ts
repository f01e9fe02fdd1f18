import { TelephonyError } from '../../base/errors.js'
import type { HeaderFields } from './header-fields.js'
import type { Via } from './via.js'

/**
 * A request that is wrong, and whose sender can be told so. Anything else that is wrong is a plain TelephonyError
 * PARSE.
 */
export class BadRequest extends TelephonyError {
  readonly status: number
  readonly method: string
  readonly fields: HeaderFields
  readonly hop: Via

  constructor(status: number, reason: string, request: { method: string; fields: HeaderFields; hop: Via }) {
    super('PARSE', reason)
    this.status = status
    this.method = request.method
    this.fields = request.fields
    this.hop = request.hop
  }
}
