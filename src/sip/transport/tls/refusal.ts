import type { X509Certificate } from 'node:crypto'
import { CertificateNames } from './certificate-names.js'
import { TlsError, type TlsErrorCode } from './tls-error.js'

/** What is known of a connection that failed. */
export interface Refused {
  /** The host name that we wanted, else its address. */
  readonly host: string
  /** The peer's certificate, if it has shown one. */
  readonly certificate?: X509Certificate | undefined
  /** We have a certificate to show. */
  readonly hasOwn: boolean
  readonly wallMs: number
}

type Reason = readonly [code: TlsErrorCode, text: (refused: Refused) => string]

const ISSUER: Reason = [
  'CERTIFICATE_UNKNOWN_ISSUER',
  ({ host, certificate }) =>
    `the certificate of ${host} was issued by ${issuer(certificate)}, which is not trusted: add the issuer's certificate to the CA file`,
]
const SELF_SIGNED: Reason = [
  'CERTIFICATE_SELF_SIGNED',
  ({ host }) => `the certificate of ${host} is self-signed: add it to the CA file if you trust it`,
]
const WEAK: Reason = ['CERTIFICATE_UNSUITABLE', ({ host }) => `the certificate of ${host} uses a weak key or signature`]
const BROKEN: Reason = ['CERTIFICATE_UNSUITABLE', ({ host }) => `the certificate of ${host} is malformed`]
const CHAIN: Reason = [
  'CERTIFICATE_UNSUITABLE',
  ({ host }) => `the certificates that ${host} sends with its own may not issue certificates`,
]
/** TLS 1.2 has the same alert for all that a server does not like. */
const REFUSED: Reason = [
  'TLS_HANDSHAKE',
  ({ host }) =>
    `${host} refused the TLS handshake: it has no cipher in common with us, or does not accept our certificate`,
]
const MISSING: Reason = [
  'CERTIFICATE_MISSING',
  ({ host, hasOwn }) =>
    `${host} wants a client certificate: ${hasOwn ? 'ours did not fit its list of issuers' : 'set one'}`,
]
const MAYBE_MISSING: Reason = [
  'CERTIFICATE_MISSING',
  ({ host }) => `${host} refused the TLS handshake without a client certificate: set one that ${host} accepts`,
]
const OURS: Reason = [
  'CERTIFICATE_REFUSED',
  ({ host }) => `${host} does not accept our certificate: it must be one that ${host} trusts, and valid today`,
]
const VERSION: Reason = [
  'TLS_VERSION',
  ({ host }) => `${host} has no version of TLS in common with us: TLS 1.2 or 1.3 is needed`,
]
const NOT_TLS: Reason = [
  'TLS_NOT_SPOKEN',
  ({ host }) => `${host} does not speak TLS at this port: check the port (5061 is usual) and the protocol`,
]
const CLOSED: Reason = [
  'TLS_HANDSHAKE',
  ({ host, hasOwn }) =>
    `${host} closed the connection after the TLS handshake began: it may ${hasOwn ? 'not accept our certificate' : 'want a client certificate'}`,
]
const UNVERIFIED = 'ERR_TLS_CERT_UNVERIFIED'
const TIMEOUT: Reason = ['TLS_TIMEOUT', ({ host }) => `${host} did not finish the TLS handshake in time`]

/** By the codes of Node and OpenSSL. Verification: `X509_V_ERR_…`; alerts: RFC 8446 6.2. */
const REASONS = new Map<string, Reason>([
  [
    'CERT_HAS_EXPIRED',
    [
      'CERTIFICATE_EXPIRED',
      ({ host, certificate, wallMs }) =>
        isPast(certificate, wallMs)
          ? `the certificate of ${host} has expired on ${day(certificate?.validTo)}: the operator of ${host} must renew it`
          : `a certificate above that of ${host} has expired: the operator of ${host} must renew it`,
    ],
  ],
  [
    'CERT_NOT_YET_VALID',
    [
      'CERTIFICATE_NOT_YET_VALID',
      ({ host, certificate }) =>
        `the certificate of ${host} is valid from ${day(certificate?.validFrom)} on: check the clock of this machine`,
    ],
  ],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', SELF_SIGNED],
  ['SELF_SIGNED_CERT_IN_CHAIN', ISSUER],
  ['UNABLE_TO_GET_ISSUER_CERT', ISSUER],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', ISSUER],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', ISSUER],
  ['CERT_UNTRUSTED', ISSUER],
  [
    'ERR_TLS_CERT_ALTNAME_INVALID',
    ['CERTIFICATE_WRONG_NAME', ({ host, certificate }) => `the certificate of ${host} is for ${namesOf(certificate)}`],
  ],
  ['CERT_REVOKED', ['CERTIFICATE_REVOKED', ({ host }) => `the certificate of ${host} has been revoked`]],
  [
    'INVALID_PURPOSE',
    ['CERTIFICATE_UNSUITABLE', ({ host }) => `the certificate of ${host} is not for TLS servers (extended key usage)`],
  ],
  ['INVALID_CA', CHAIN],
  ['PATH_LENGTH_EXCEEDED', CHAIN],
  ['CERT_CHAIN_TOO_LONG', CHAIN],
  ['CA_MD_TOO_WEAK', WEAK],
  ['EE_KEY_TOO_SMALL', WEAK],
  ['CA_KEY_TOO_SMALL', WEAK],
  ['CERT_SIGNATURE_FAILURE', BROKEN],
  ['CERT_REJECTED', BROKEN],
  ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', MISSING],
  ['ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE', REFUSED],
  ['ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE', OURS],
  ['ERR_SSL_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE', OURS],
  ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED', OURS],
  ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED', OURS],
  ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN', OURS],
  ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', OURS],
  ['ERR_SSL_TLSV1_ALERT_ACCESS_DENIED', OURS],
  ['ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', VERSION],
  ['ERR_SSL_UNSUPPORTED_PROTOCOL', VERSION],
  ['ERR_SSL_WRONG_SSL_VERSION', VERSION],
  ['ERR_SSL_NO_PROTOCOLS_AVAILABLE', VERSION],
  ['ERR_SSL_WRONG_VERSION_NUMBER', NOT_TLS],
  ['ERR_SSL_PACKET_LENGTH_TOO_LONG', NOT_TLS],
  ['ERR_SSL_HTTP_REQUEST', NOT_TLS],
  [
    'ERR_SSL_TLSV1_UNRECOGNIZED_NAME',
    ['CERTIFICATE_WRONG_NAME', ({ host }) => `the server at this address does not serve the name ${host}`],
  ],
  [UNVERIFIED, ['CERTIFICATE_UNSUITABLE', ({ host }) => `the certificate of ${host} cannot be used`]],
  ['ERR_TLS_HANDSHAKE_TIMEOUT', TIMEOUT],
  ['ECONNRESET', CLOSED],
  ['EPIPE', CLOSED],
])

/** A plain reason for the error of a TLS connection, or undefined where the error is not one of TLS (connection refused, no route). */
export function refusalOf(error: Error, refused: Refused): TlsError | undefined {
  if (error instanceof TlsError) return error
  const { code = '' } = error as NodeJS.ErrnoException
  const [tlsCode, text] = reasonOf(code, refused) ?? []
  if (tlsCode && text) return new TlsError(tlsCode, text(refused), { cause: error })
  if (!isOfTls(error)) return undefined
  const words = (error as { reason?: unknown }).reason ?? error.message
  return new TlsError('TLS_HANDSHAKE', `the TLS connection to ${refused.host} failed: ${String(words)}`, {
    cause: error,
  })
}

function reasonOf(code: string, { hasOwn }: Refused): Reason | undefined {
  const reason = REASONS.get(code)
  return reason === REFUSED && !hasOwn ? MAYBE_MISSING : reason
}

/** OpenSSL's code of a failed verification, which Node gives as a text, as an error. */
export function unverified(code: unknown): Error {
  const text = code ? String(code) : 'no certificate'
  return Object.assign(new Error(text), { code: REASONS.has(text) ? text : UNVERIFIED, reason: text })
}

/** The certificate is trusted, but is not that of the host. */
export function wrongName(host: string, names: CertificateNames): TlsError {
  const wildcard = names.include(host, true)
  const advice = wildcard
    ? 'SIP does not accept wildcards in certificates (RFC 5922): allow wildcards if the operator has no other certificate'
    : 'use the name that the certificate has, or add this name to the certificate'
  return new TlsError('CERTIFICATE_WRONG_NAME', `the certificate of ${host} is for ${names}: ${advice}`)
}

const isOfTls = ({ code }: NodeJS.ErrnoException): boolean => /^(ERR_SSL_|ERR_TLS_|ERR_OSSL_)/.test(code ?? '')

const namesOf = (certificate?: X509Certificate): string =>
  certificate ? String(new CertificateNames(certificate)) : 'another host'

const isPast = (certificate: X509Certificate | undefined, wallMs: number): boolean =>
  certificate !== undefined && Date.parse(certificate.validTo) < wallMs

const day = (date?: string): string => (date ? new Date(date).toISOString().slice(0, 10) : 'an unknown day')

/** The common name or organisation. A stranger writes this text. */
function issuer(certificate?: X509Certificate): string {
  const { CN, O } = certificate?.toLegacyObject().issuer ?? {}
  const name = [CN ?? O ?? []].flat()[0]
  return name ? `"${name.replace(/[^\p{L}\p{N}\p{P}\p{Zs}]/gu, '').slice(0, 60)}"` : 'an authority'
}
