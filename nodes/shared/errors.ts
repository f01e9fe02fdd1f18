/** The errors that node wrappers throw; they import `src/base` from here only. */
import { type ErrorCode, TelephonyError } from '../../src/base/errors.js'

export { newId } from '../../src/base/ids.js'
export { type ErrorCode, TelephonyError }

/** Names a field of a node as its dialog does. */
export type Labels = (field: string) => string

/** A setting or an input that cannot be used. It knows the field by its name in the flow file; people know it by its label. */
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

/** An error as a node hands it to Node-RED, which makes `msg.error.message` of its text: the code stands beside it. */
class ReportedError extends TelephonyError {
  /** The label of the setting that is wrong, where it is one. */
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

/** What a node reports: every error with a code, a field by its label. */
export const reported = (thrown: unknown, labels: Labels, code?: ErrorCode): TelephonyError =>
  new ReportedError(TelephonyError.from(thrown, code), labels)

/** What the status of a node names beside "bad settings"; undefined where the error is about no setting. */
export const settingOf = (thrown: unknown): string | undefined =>
  thrown instanceof ReportedError ? thrown.setting : undefined
