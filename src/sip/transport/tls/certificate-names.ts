import type { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'

/** What a certificate says about its owner, by RFC 5922. */
export class CertificateNames {
  readonly #certificate: X509Certificate
  readonly #domains: readonly string[]

  constructor(certificate: X509Certificate) {
    this.#certificate = certificate
    this.#domains = domainsOf(certificate)
  }

  /** Whether the certificate is that of this host: a domain, or an IP address without brackets. */
  include(host: string, allowWildcards = false): boolean {
    if (isIP(host) !== 0) return this.#certificate.checkIP(host) !== undefined
    const domain = comparable(host)
    return this.#domains.some((name) => name === domain || (allowWildcards && wildcardCovers(name, domain)))
  }

  /** For people: `sip.example.com, *.example.com, 192.0.2.1`. */
  toString(): string {
    const addresses = entriesOf(this.#certificate).flatMap(({ type, value }) => (type === 'IP Address' ? [value] : []))
    const names = [...this.#domains, ...addresses]
    const text = names.slice(0, MAX_SHOWN).join(', ') || 'no host'
    return names.length > MAX_SHOWN ? `${text} and ${names.length - MAX_SHOWN} more` : text
  }
}

const MAX_SHOWN = 5

/** RFC 5922 7.1: the domains of SIP URIs; only where there is none, DNS names; only without a subjectAltName, the common name. */
function domainsOf(certificate: X509Certificate): string[] {
  const entries = entriesOf(certificate)
  const sipDomains = entries.flatMap(({ type, value }) => (type === 'URI' ? (sipDomain(value) ?? []) : []))
  if (sipDomains.length > 0) return sipDomains.map(comparable)
  const dnsNames = entries.flatMap(({ type, value }) => (type === 'DNS' ? [value] : []))
  if (certificate.subjectAltName !== undefined) return dnsNames.map(comparable)
  return [certificate.toLegacyObject().subject?.CN ?? []].flat().map(comparable)
}

/** RFC 5922 7.1: a URI with a user part names a person, not a domain; the port and parameters do not count (7.2). */
function sipDomain(uri: string): string | undefined {
  if (uri.includes('@')) return undefined
  return /^sip:([^:;?[\]]+)/i.exec(uri)?.[1]
}

/** RFC 5922 7.2: compared as DNS names are, without regard to case; internationalised names in their ASCII form. */
function comparable(name: string): string {
  const bare = name.endsWith('.') ? name.slice(0, -1) : name
  return (bare.startsWith('*.') ? `*.${domainToASCII(bare.slice(2))}` : domainToASCII(bare)) || bare.toLowerCase()
}

/** RFC 9525 6.3: `*` stands for exactly one label, the leftmost one, and never above a whole top-level domain. */
function wildcardCovers(pattern: string, domain: string): boolean {
  if (!pattern.startsWith('*.') || !pattern.includes('.', 2)) return false
  const dot = domain.indexOf('.')
  return dot > 0 && domain.slice(dot) === pattern.slice(1)
}

/** Node writes `DNS:a.test, URI:sip:a.test`, and a value with special characters as a JSON string. */
function entriesOf({ subjectAltName = '' }: X509Certificate): { type: string; value: string }[] {
  return [...subjectAltName.matchAll(/(?:^|, )([^:",]+):("(?:[^"\\]|\\.)*"|[^",]*)(?=, |$)/g)].map(
    ([, type = '', value = '']) => ({ type, value: value.startsWith('"') ? unquoted(value) : value }),
  )
}

function unquoted(text: string): string {
  try {
    return String(JSON.parse(text))
  } catch {
    return ''
  }
}
