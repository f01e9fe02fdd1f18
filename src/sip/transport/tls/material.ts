import { constants, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls'
import { TelephonyError } from '../../../base/errors.js'
import { systemReason } from '../../../base/system-error.js'
import type { PemSource, TlsPair, TlsSettings } from '../../types.js'
import { TlsError, type TlsErrorCode } from './tls-error.js'

/** What connections are made with. A change of a file makes a new one; connections that stand keep theirs. */
export interface TlsMaterial {
  readonly client: SecureContext
  /** As a client we have a certificate to show. */
  readonly hasClientCertificate: boolean
  /** Absent: without a certificate there are no listeners. */
  readonly server: SecureContextOptions | undefined
  /** About files that can be used, but should not. */
  readonly warnings: readonly string[]
}

/** Reads and checks all files. Rejects with BAD_CONFIG, which names the file and says what to do. */
export async function readTlsMaterial(settings: TlsSettings, wallMs: number): Promise<TlsMaterial> {
  const { clientCertificate = 'off', minVersion = 'TLSv1.2' } = settings
  const [pair, clientPair, ca] = await Promise.all([
    settings.pair && readPair(settings.pair),
    settings.clientPair && readPair(settings.clientPair),
    settings.ca && readAuthorities(settings.ca),
  ])
  if (clientCertificate !== 'off' && !ca) {
    throw new TelephonyError(
      'BAD_CONFIG',
      'certificates of clients are checked with the CA file, which is not set: set it, or do not ask clients for certificates',
    )
  }
  const shown = clientPair ?? pair
  const roots = ca ? { ca } : {}
  // Each renegotiation costs the other side a handshake; SIP needs none.
  const common = { minVersion, secureOptions: constants.SSL_OP_NO_RENEGOTIATION }
  const server = pair && { ...contextOf(pair), ...(clientCertificate === 'off' ? {} : roots), ...common }
  if (server) createSecureContext(server)
  let client: SecureContext | undefined
  return {
    // Most endpoints never open a connection by TLS, and the public authorities take memory.
    get client() {
      client ??= createSecureContext({ ...(shown ? contextOf(shown) : {}), ...roots, ...common })
      return client
    },
    hasClientCertificate: shown !== undefined,
    server,
    warnings: [pair, clientPair].flatMap((own) => (own ? (expiryWarning(own, wallMs) ?? []) : [])),
  }
}

/** The files that these settings name. */
export function filesOf({ pair, clientPair, ca }: TlsSettings): string[] {
  const sources = [pair?.certificate, pair?.key, clientPair?.certificate, clientPair?.key, ca]
  return [...new Set(sources.flatMap((source) => (source && 'file' in source ? [source.file] : [])))]
}

interface OwnPair {
  name: string
  leaf: X509Certificate
  certificate: string
  key: KeyObject
}

const contextOf = ({ certificate, key }: OwnPair): SecureContextOptions => ({
  cert: certificate,
  key: key.export({ type: 'pkcs8', format: 'pem' }),
})

async function readPair(pair: TlsPair): Promise<OwnPair> {
  const [certificate, keyText] = await Promise.all([read(pair.certificate), read(pair.key)])
  const [leaf] = certificatesOf(certificate, pair.certificate)
  if (!leaf) throw notCertificates(pair.certificate)
  const key = privateKey(keyText, pair)
  if (!leaf.checkPrivateKey(key)) {
    const both = `${nameOf(pair.key, 'key')} does not belong to the certificate ${nameOf(pair.certificate, 'certificate')}`
    throw badFile('TLS_KEY_MISMATCH', `the key ${both}: choose the two files that were made together`)
  }
  return { name: nameOf(pair.certificate, 'certificate'), leaf, certificate, key }
}

async function readAuthorities(source: PemSource): Promise<string> {
  const text = await read(source)
  if (certificatesOf(text, source).length === 0) throw notCertificates(source)
  return text
}

async function read(source: PemSource): Promise<string> {
  if ('pem' in source) return source.pem
  try {
    return await readFile(source.file, 'latin1')
  } catch (error) {
    const why = systemReason(error)
    throw badFile(
      'TLS_FILE',
      `the file ${source.file} cannot be read: ${why}. Check the path and its permissions`,
      error,
    )
  }
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

function certificatesOf(text: string, source: PemSource): X509Certificate[] {
  try {
    return (text.match(CERTIFICATE) ?? []).map((block) => new X509Certificate(block))
  } catch (error) {
    throw notCertificates(source, error)
  }
}

function privateKey(text: string, { key: source, passphrase }: TlsPair): KeyObject {
  try {
    return createPrivateKey({ key: text, ...(passphrase === undefined ? {} : { passphrase }) })
  } catch (error) {
    const name = nameOf(source, 'key')
    const isEncrypted = /ENCRYPTED/.test(text)
    if (!isEncrypted) throw badFile('TLS_FILE_FORMAT', `${name} does not hold a private key in PEM format`, error)
    throw badFile(
      'TLS_PASSPHRASE',
      passphrase === undefined ? `${name} is encrypted: set its passphrase` : `the passphrase of ${name} is wrong`,
      error,
    )
  }
}

const nameOf = (source: PemSource, kind: string): string => ('file' in source ? source.file : `the given ${kind}`)

const notCertificates = (source: PemSource, cause?: unknown): TelephonyError =>
  badFile('TLS_FILE_FORMAT', `${nameOf(source, 'certificate')} does not hold a certificate in PEM format`, cause)

function badFile(code: TlsErrorCode, message: string, cause?: unknown): TelephonyError {
  const error = new TlsError(code, message, { cause })
  return new TelephonyError('BAD_CONFIG', error.message, { cause: error })
}

function expiryWarning({ name, leaf }: OwnPair, wallMs: number): string | undefined {
  if (Date.parse(leaf.validTo) >= wallMs) return undefined
  const day = new Date(leaf.validTo).toISOString().slice(0, 10)
  return `the certificate ${name} has expired on ${day}: renew it, because peers will refuse it (CERTIFICATE_EXPIRED)`
}
