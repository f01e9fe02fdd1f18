/** Every error of the pack carries one of these codes; help texts and outputs name them. */
export type ErrorCode =
  | 'BAD_CONFIG' // a setting is missing or malformed
  | 'BAD_TARGET' // a dial target that is no SIP address and no number
  | 'BAD_HEADER' // a header name or value that could inject another line
  | 'BAD_ARGUMENT' // a command was given something it cannot take
  | 'NO_ACCOUNT' // no such account in the engine
  | 'NO_CALL' // no call with this id was ever seen, or none was named
  | 'CALL_ENDED' // the call has ended already
  | 'WRONG_STATE' // the call is not in a state that allows this
  | 'CALL_LIMIT' // the account has as many calls as it may have
  | 'CALL_RATE' // the account has placed as many calls within a minute as it may
  | 'TARGET_BLOCKED' // a number or address that the account may not call; emergency numbers are such unless allowed
  | 'NO_COMMON_CODEC'
  | 'BAD_SDP'
  | 'PARSE' // bytes from the network that are no SIP message
  | 'TRANSPORT' // a socket could not be opened or written to
  | 'TIMEOUT' // nobody answered in time
  | 'AUTH_FAILED' // credentials were refused, or there are none
  | 'NO_PORTS' // the RTP port range is used up
  | 'FILE_NOT_FOUND'
  | 'FILE_OUTSIDE_ROOT'
  | 'BAD_AUDIO' // a file that holds no audio we can decode
  | 'MEDIA_WORKER_DIED'
  | 'ENGINE_DIED'
  | 'CLOSED'
  | 'INTERNAL'

export interface PlainError {
  code: ErrorCode
  message: string
}

/** An error with a code that callers can match and a message that says what to do. */
export class TelephonyError extends Error {
  override readonly name = 'TelephonyError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }

  /** Wraps anything thrown; a TelephonyError is returned as it is. */
  static from(thrown: unknown, code: ErrorCode = 'INTERNAL'): TelephonyError {
    if (thrown instanceof TelephonyError) return thrown
    const message = thrown instanceof Error ? thrown.message : String(thrown)
    return new TelephonyError(code, message, { cause: thrown })
  }

  toPlain(): PlainError {
    return { code: this.code, message: this.message }
  }
}
