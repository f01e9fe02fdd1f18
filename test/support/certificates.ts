import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TlsPair } from '../../src/sip/types.js'

export interface CertificateInit {
  /** `DNS:sip.test`, `IP:127.0.0.1`, `URI:sip:sip.test`; none: no subjectAltName. */
  names?: readonly string[]
  commonName?: string
  isExpired?: boolean
  isSelfSigned?: boolean
  /** By an authority that nobody trusts. */
  byStranger?: boolean
  /** Of the key. */
  passphrase?: string
  /** `serverAuth`, `clientAuth`, or both, as most servers of SIP have. */
  usage?: string
}

export interface MadeCertificate {
  certificateFile: string
  keyFile: string
  /** Both in one file, as baresip wants it. */
  bothFile: string
  pair: TlsPair
}

const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

/** A certificate authority in a temporary folder, made by openssl. One per run: the same wish gets the same certificate. */
class TestAuthority {
  readonly #made = new Map<string, MadeCertificate>()
  #folder: string | undefined

  get folder(): string {
    if (this.#folder === undefined) {
      this.#folder = mkdtempSync(join(tmpdir(), 'ringflow-ca-'))
      const folder = this.#folder
      process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
      for (const name of ['ca', 'stranger']) {
        const files = ['-keyout', `${name}.key`, '-out', `${name}.pem`]
        this.#openssl('req', '-x509', ...EC, '-days', '30', '-subj', `/CN=Test ${name}`, ...files)
      }
    }
    return this.#folder
  }

  /** The certificate that peers shall trust. */
  get caFile(): string {
    return join(this.folder, 'ca.pem')
  }

  get strangerFile(): string {
    return join(this.folder, 'stranger.pem')
  }

  make(init: CertificateInit = {}): MadeCertificate {
    const wish = JSON.stringify(init)
    const made = this.#made.get(wish) ?? this.#issue(init, `c${this.#made.size}`)
    this.#made.set(wish, made)
    return made
  }

  #issue(init: CertificateInit, name: string): MadeCertificate {
    const { folder } = this
    const {
      names = ['DNS:sip.test', 'DNS:bob.test', 'IP:127.0.0.1', 'IP:::1'],
      commonName = 'test',
      usage = 'serverAuth,clientAuth',
    } = init
    this.#openssl('req', ...EC, '-subj', `/CN=${commonName}`, '-keyout', `${name}.key`, '-out', `${name}.csr`)
    const alternative = names.map((entry, index) => `${entry.replace(':', `.${index} = `)}\n`).join('')
    const extensions = `extendedKeyUsage=${usage}\n${names.length > 0 ? `subjectAltName=@names\n[names]\n${alternative}` : ''}`
    writeFileSync(join(folder, `${name}.ext`), extensions)
    const issuer = init.byStranger ? 'stranger' : 'ca'
    const signer = init.isSelfSigned
      ? ['-signkey', `${name}.key`]
      : ['-CA', `${issuer}.pem`, '-CAkey', `${issuer}.key`, '-CAcreateserial']
    const days = ['-days', init.isExpired ? '-1' : '30']
    this.#openssl(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      ...signer,
      ...days,
      '-out',
      `${name}.pem`,
      '-extfile',
      `${name}.ext`,
    )
    if (init.passphrase !== undefined) {
      const { passphrase } = init
      this.#openssl('ec', '-aes256', '-passout', `pass:${passphrase}`, '-in', `${name}.key`, '-out', `${name}.enc`)
    }
    const [certificateFile, keyFile] = [
      join(folder, `${name}.pem`),
      join(folder, `${name}.${init.passphrase === undefined ? 'key' : 'enc'}`),
    ]
    const bothFile = join(folder, `${name}-both.pem`)
    writeFileSync(bothFile, execFileSync('cat', [certificateFile, keyFile]))
    const passphrase = init.passphrase === undefined ? {} : { passphrase: init.passphrase }
    return {
      certificateFile,
      keyFile,
      bothFile,
      pair: { certificate: { file: certificateFile }, key: { file: keyFile }, ...passphrase },
    }
  }

  #openssl(...args: string[]): void {
    execFileSync('openssl', args, { cwd: this.folder, stdio: ['ignore', 'ignore', 'pipe'] })
  }
}

export const authority = new TestAuthority()
