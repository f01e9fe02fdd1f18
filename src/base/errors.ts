/** Every error of the pack carries one of these codes; help texts and outputs name them. */
export type ErrorCode =
  | 'BAD_CONFIG' // a setting is missing or malformed
  | 'BAD_TARGET' // a dial target is neither a SIP address nor a number
  | 'BAD_HEADER' // a header name or value that could inject another line
  | 'BAD_ARGUMENT' // an argument of a command is not valid
  | 'NO_ACCOUNT' // the engine does not have this account
  | 'NO_CALL' // the call id is unknown or missing
  | 'CALL_ENDED' // the call has ended already
  | 'WRONG_STATE' // the call is not in a state that allows this
  | 'CALL_LIMIT' // the account has reached its limit of simultaneous calls
  | 'CALL_RATE' // the account has reached its limit of calls per minute
  | 'TARGET_BLOCKED' // the account may not call this number or address; emergency numbers need permission
  | 'NO_COMMON_CODEC'
  | 'BAD_SDP'
  | 'PARSE' // octets from the network are not a SIP message
  | 'TRANSPORT' // a socket could not be opened or written to
  | 'TIMEOUT' // no answer came in time
  | 'AUTH_FAILED' // the credentials are missing or were refused
  | 'REFUSED' // the peer refused a request within the call
  | 'NO_PORTS' // the RTP port range is used up
  | 'FILE_NOT_FOUND'
  | 'FILE_OUTSIDE_ROOT'
  | 'BAD_AUDIO' // the file holds no audio that can be decoded
  | 'MEDIA_WORKER_DIED'
  | 'ENGINE_DIED'
  | 'CLOSED'
  | 'INTERNAL'

export interface PlainError {
  code: ErrorCode
  message: string
}

/** An error with a code that callers can compare and a message that says what to do. */
export class TelephonyError extends Error {
  override readonly name = 'TelephonyError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }

  /** Makes a TelephonyError of any thrown value; a TelephonyError is returned unchanged. */
  static from(thrown: unknown, code: ErrorCode = 'INTERNAL'): TelephonyError {
    if (thrown instanceof TelephonyError) return thrown
    const message = thrown instanceof Error ? thrown.message : String(thrown)
    return new TelephonyError(code, message, { cause: thrown })
  }

  /** Shows the code as Node's own errors do. Node-RED writes this text into its log and into `msg.error.message`. */
  override toString(): string {
    return `${this.name} [${this.code}]: ${this.message}`
  }

  toPlain(): PlainError {
    return { code: this.code, message: this.message }
  }
}
