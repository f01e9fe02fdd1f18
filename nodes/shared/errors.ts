/** The errors that node wrappers throw; they import `src/base` from here only. */
import { type ErrorCode, TelephonyError } from '../../src/base/errors.js'

export { newId } from '../../src/base/ids.js'
export { type ErrorCode, TelephonyError }

/** Names a field of a node as its dialog does. */
export type Labels = (field: string) => string

/** A setting or an input that cannot be used. It knows the field by its name in the flow file; people know it by its label. */
export class FieldError extends TelephonyError {
  readonly #field: string
  readonly #problem: string

  constructor(code: ErrorCode, field: string, problem: string, options?: { cause?: unknown }) {
    super(code, `${field}: ${problem}`, options)
    this.#field = field
    this.#problem = problem
  }

  labelled(labels: Labels): string {
    return `${labels(this.#field)}: ${this.#problem}`
  }
}

/** An error as a node hands it to Node-RED, which makes `msg.error.message` of its text: the code stands beside it. */
class ReportedError extends TelephonyError {
  override toString(): string {
    return this.message
  }
}

/** What a node reports: every error with a code, a field by its label. */
export function reported(thrown: unknown, labels: Labels, code?: ErrorCode): TelephonyError {
  const error = TelephonyError.from(thrown, code)
  const text = error instanceof FieldError ? error.labelled(labels) : error.message
  return new ReportedError(error.code, text, ...(error.cause === undefined ? [] : [{ cause: error.cause }]))
}
