import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import type { Clock } from '../../../base/clock.js'
import { RecentMap } from '../../../base/recent-map.js'
import type { TlsSettings } from '../../types.js'
import { CertificateNames } from './certificate-names.js'
import { refusalOf, unverified, wrongName } from './refusal.js'
import type { TlsFiles } from './tls-files.js'

export interface TlsTarget {
  /** An IP address without brackets. */
  readonly host: string
  readonly port: number
  /** The domain that led to it (RFC 5922 7.3). Absent: the address itself must stand in the certificate. */
  readonly name?: string
}

/** A socket emits this when its handshake is done and the server's certificate is in order. */
export const VERIFIED = 'verified'
const MAX_SESSIONS = 1_000

/** Opens connections by TLS and checks the certificates of the servers. */
export class TlsClient {
  readonly #clock: Clock
  readonly #settings: TlsSettings
  readonly #files: TlsFiles
  /** For a shorter handshake when a connection to the same target is opened again. The server then shows no certificate. */
  readonly #sessions = new RecentMap<string, { session: Buffer; certificate: X509Certificate | undefined }>(
    MAX_SESSIONS,
  )
  readonly #certificates = new WeakMap<TLSSocket, X509Certificate>()

  constructor(deps: { clock: Clock; files: TlsFiles }, settings: TlsSettings) {
    this.#clock = deps.clock
    this.#files = deps.files
    this.#settings = settings
    // A session was begun with the certificates of its time.
    deps.files.onChange(() => this.#sessions.clear())
  }

  /**
   * The socket emits VERIFIED, or an error: the reason why the certificate is refused, or its own error. The caller limits the time.
   */
  connect(to: TlsTarget, from: { localAddress?: string }): TLSSocket {
    const key = `${to.name ?? ''} ${to.host} ${to.port}`
    const known = this.#sessions.get(key)
    const socket = connect({
      ...from,
      host: to.host,
      port: to.port,
      secureContext: this.#files.material.client,
      // RFC 6066 3: a literal address is not a server name.
      servername: serverName(to),
      // `#refusal` does all checks, of a resumed session too.
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
      ...(known && { session: known.session }),
    })
    const certificate = (): X509Certificate | undefined =>
      socket.isSessionReused() ? known?.certificate : shownBy(socket)
    socket.on('session', (session: Buffer) => this.#sessions.set(key, { session, certificate: certificate() }))
    socket.once('secureConnect', () => {
      const shown = certificate()
      if (shown) this.#certificates.set(socket, shown)
      const refusal = this.#refusal(socket, to)
      if (refusal) {
        this.#sessions.delete(key)
        socket.destroy(refusal)
      } else socket.emit(VERIFIED)
    })
    return socket
  }

  /**
   * Whether requests for this host may go by the connection (RFC 5922 7.3). One that a peer has opened needs a certificate of the peer
   * (7.4): aliases are not believed (RFC 5923 9.3).
   */
  serves(socket: TLSSocket, host: string): boolean {
    const { verify = 'name', allowWildcards } = this.#settings
    const ours = this.#certificates.get(socket)
    if (ours && verify !== 'name') return true
    const certificate = ours ?? (socket.authorized ? shownBy(socket) : undefined)
    return certificate !== undefined && new CertificateNames(certificate).include(host, allowWildcards)
  }

  /** The error of a connection in plain words. Also after the handshake: by TLS 1.3 a server refuses our certificate then (RFC 8446 4.4.2). */
  reasonOf(error: Error, to: TlsTarget, socket?: TLSSocket): Error {
    const { hasClientCertificate: hasOwn } = this.#files.material
    const certificate = socket && this.#certificates.get(socket)
    return refusalOf(error, { host: hostOf(to), certificate, hasOwn, wallMs: this.#clock.wall() }) ?? error
  }

  /** What is wrong with the certificate that the server has shown. */
  #refusal(socket: TLSSocket, to: TlsTarget): Error | undefined {
    const { verify = 'name', allowWildcards } = this.#settings
    if (verify === 'off') return undefined
    const certificate = this.#certificates.get(socket)
    if (!socket.authorized || !certificate) return this.reasonOf(unverified(socket.authorizationError), to, socket)
    if (verify === 'chain') return undefined
    const names = new CertificateNames(certificate)
    return names.include(hostOf(to), allowWildcards) ? undefined : wrongName(hostOf(to), names)
  }
}

/** `getPeerX509Certificate` takes the certificate out of OpenSSL's list, and gives the next one when it is called again. */
function shownBy(socket: TLSSocket): X509Certificate | undefined {
  const { raw } = socket.getPeerCertificate() ?? {}
  return raw && new X509Certificate(raw)
}

const hostOf = ({ name, host }: TlsTarget): string => name ?? host

const serverName = ({ name = '' }: TlsTarget): string => (isIP(name) === 0 ? name.replace(/\.$/, '') : '')
