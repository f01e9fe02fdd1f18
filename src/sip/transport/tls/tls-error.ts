/** Why a TLS connection or a certificate cannot be used. Stable: the codes stand in docs/reference/errors.md. */
export type TlsErrorCode =
  | 'CERTIFICATE_EXPIRED'
  | 'CERTIFICATE_NOT_YET_VALID'
  | 'CERTIFICATE_SELF_SIGNED'
  | 'CERTIFICATE_UNKNOWN_ISSUER'
  | 'CERTIFICATE_WRONG_NAME'
  | 'CERTIFICATE_REVOKED'
  | 'CERTIFICATE_UNSUITABLE' // weak, made for another purpose, or malformed
  | 'CERTIFICATE_MISSING' // the peer wants a client certificate
  | 'CERTIFICATE_REFUSED' // the peer does not accept our certificate
  | 'TLS_VERSION' // no version of TLS in common
  | 'TLS_NOT_SPOKEN' // the peer's port speaks another protocol
  | 'TLS_TIMEOUT'
  | 'TLS_HANDSHAKE' // any other failure
  | 'TLS_FILE' // our file cannot be read
  | 'TLS_FILE_FORMAT' // our file is not PEM
  | 'TLS_KEY_MISMATCH' // our key does not belong to our certificate
  | 'TLS_PASSPHRASE' // our key is encrypted and the passphrase is missing or wrong

/** The message says what is wrong and what to do, and ends with the code. */
export class TlsError extends Error {
  override readonly name = 'TlsError'
  readonly code: TlsErrorCode

  constructor(code: TlsErrorCode, message: string, options?: { cause?: unknown }) {
    super(`${message} (${code})`, options)
    this.code = code
  }
}
