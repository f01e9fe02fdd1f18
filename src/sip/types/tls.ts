/** A PEM file, or its content. */
export type PemSource = { readonly file: string } | { readonly pem: string }

/** A certificate and its private key. */
export interface TlsPair {
  /** Our certificate, then those of its issuers. */
  readonly certificate: PemSource
  readonly key: PemSource
  /** Of an encrypted key. */
  readonly passphrase?: string
}

/** Plain data. Files are read when an endpoint opens, and again when they change. */
export interface TlsSettings {
  /** Our certificate. A listener needs it. As a client we show it to a peer that asks for one. */
  readonly pair?: TlsPair
  /** What we show as a client in place of `pair`. */
  readonly clientPair?: TlsPair
  /** The authorities that we trust, in place of the public ones. */
  readonly ca?: PemSource
  /**
   * What is checked of a server's certificate. `name`, the default: its issuer, its dates and that it names the server (RFC 5922 7);
   * `chain`: not the name; `off`: nothing, so anyone on the way can listen and change messages.
   */
  readonly verify?: 'name' | 'chain' | 'off'
  /** `*.example.com` names `sip.example.com`. RFC 5922 7.2 forbids it; some providers rely on it. */
  readonly allowWildcards?: boolean
  /** Default: TLSv1.2. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3'
  /** Whether a listener asks its peers for certificates. They are checked against `ca` only. Default: off. */
  readonly clientCertificate?: 'off' | 'request' | 'require'
}
