/** The errors that node wrappers throw; they import `src/base` from here only. */
import { type ErrorCode, TelephonyError } from '../../src/base/errors.js'

export { newId } from '../../src/base/ids.js'
export { type ErrorCode, TelephonyError }

/** Returns the label that a field has in the node's dialog. */
export type Labels = (field: string) => string

/** A setting or an input that cannot be used. `field` is the name in the flow file; the reported text has the label instead. */
export class FieldError extends TelephonyError {
  readonly field: string
  readonly #problem: string

  constructor(code: ErrorCode, field: string, problem: string, options?: { cause?: unknown }) {
    super(code, `${field}: ${problem}`, options)
    this.field = field
    this.#problem = problem
  }

  labelled(labels: Labels): string {
    return `${labels(this.field)}: ${this.#problem}`
  }
}

/** An error as a node hands it to Node-RED, which puts its text into `msg.error.message`, next to `msg.error.code`. */
class ReportedError extends TelephonyError {
  /** The label of the wrong setting; undefined if the error is not about a setting. */
  readonly setting: string | undefined

  constructor(error: TelephonyError, labels: Labels) {
    const field = error instanceof FieldError ? error : undefined
    super(error.code, field?.labelled(labels) ?? error.message, error.cause === undefined ? {} : { cause: error.cause })
    this.setting = field && error.code === 'BAD_CONFIG' ? labels(field.field) : undefined
  }

  override toString(): string {
    return this.message
  }
}

/** Converts any thrown value to the error that a node reports: with a code, and with the label of the field. */
export const reported = (thrown: unknown, labels: Labels, code?: ErrorCode): TelephonyError =>
  new ReportedError(TelephonyError.from(thrown, code), labels)

/** The setting that the status shows after "bad settings"; undefined if the error is not about a setting. */
export const settingOf = (thrown: unknown): string | undefined =>
  thrown instanceof ReportedError ? thrown.setting : undefined
