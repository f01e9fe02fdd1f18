/** RFC 5922 7: which hosts a certificate names. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { CertificateNames } from '../../../../../src/sip/transport/tls/certificate-names.js'
import { authority, type CertificateInit } from '../../../../support/certificates.js'

const namesOf = (init: CertificateInit): CertificateNames =>
  new CertificateNames(new X509Certificate(readFileSync(authority.make(init).certificateFile)))

describe('the names of a certificate (RFC 5922 7)', () => {
  const check = (names: CertificateNames, expected: Record<string, boolean>, allowWildcards = false): void => {
    const found = Object.keys(expected).map((host) => [host, names.include(host, allowWildcards)])
    assert.deepEqual(Object.fromEntries(found), expected)
  }

  it('7.1: the domain of a SIP URI counts, and then DNS names do not', () => {
    const names = namesOf({ names: ['URI:sip:example.com', 'URI:SIP:other.test:5061;lr', 'DNS:host.example.com'] })
    check(names, { 'example.com': true, 'other.test': true, 'host.example.com': false })
    assert.equal(String(names), 'example.com, other.test')
  })

  it('7.1: a URI of a person or of another scheme is not a domain', () => {
    const names = namesOf({
      names: ['URI:sip:bob@example.com', 'URI:sips:s.test', 'URI:https://example.com', 'DNS:pbx.example.com'],
    })
    check(names, { 'example.com': false, 's.test': false, 'pbx.example.com': true })
  })

  it('7.1: the common name counts only without a subjectAltName', () => {
    check(namesOf({ names: [], commonName: 'old.test' }), { 'old.test': true, 'x.old.test': false })
    check(namesOf({ names: ['DNS:new.test'], commonName: 'old.test' }), { 'old.test': false, 'new.test': true })
    check(namesOf({ names: ['IP:127.0.0.1'], commonName: 'old.test' }), { 'old.test': false })
  })

  it('7.2: names are compared whole and without regard to case, in their ASCII form', () => {
    const names = namesOf({ names: ['DNS:Example.COM', 'DNS:xn--mller-kva.test'] })
    check(names, {
      'example.com': true,
      'EXAMPLE.com.': true,
      'müller.test': true,
      'foo.example.com': false,
      com: false,
      '': false,
    })
  })

  it('7.2: a wildcard names nothing unless it is allowed, and then one label', () => {
    const names = namesOf({ names: ['DNS:*.example.com', 'DNS:*.test', 'DNS:f*.example.org'] })
    check(names, { 'sip.example.com': false, 'x.test': false })
    check(
      names,
      {
        'sip.example.com': true,
        'a.b.example.com': false,
        'example.com': false,
        'x.test': false,
        'foo.example.org': false,
      },
      true,
    )
  })

  it('an address needs an iPAddress entry', () => {
    const names = namesOf({ names: ['IP:192.0.2.1', 'IP:2001:db8::1', 'DNS:192.0.2.2', 'URI:sip:192.0.2.3'] })
    check(names, {
      '192.0.2.1': true,
      '2001:db8::1': true,
      '2001:DB8:0:0:0:0:0:1': true,
      '192.0.2.2': false,
      '192.0.2.3': false,
    })
  })

  it('an entry cannot smuggle in another one', () => {
    const names = namesOf({ names: ['URI:https://x.test/, DNS:evil.test', 'DNS:good.test'] })
    check(names, { 'evil.test': false, 'good.test': true })
  })
})
