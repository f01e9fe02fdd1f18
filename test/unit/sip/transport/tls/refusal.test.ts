import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { refusalOf, unverified } from '../../../../../src/sip/transport/tls/refusal.js'
import { repoPath } from '../../../../support/repo.js'

const refused = { host: 'sip.test', hasOwn: false, wallMs: 0 }
const error = (code: string, more: object = {}) => Object.assign(new Error('words'), { code, ...more })

describe('reasons of TLS', () => {
  it('each code is explained in the reference', () => {
    const source = readFileSync(repoPath('src/sip/transport/tls/tls-error.ts'), 'utf8')
    const codes = [...source.matchAll(/^ {2}\| '(\w+)'/gm)].map(([, code]) => code)
    const reference = readFileSync(repoPath('docs/reference/errors.md'), 'utf8')
    const documented = [...reference.matchAll(/^\| `((?:CERTIFICATE|TLS)_\w+)` \|/gm)].map(([, code]) => code)
    assert.ok(codes.length > 10)
    assert.deepEqual(documented, codes)
  })

  it('the same alert means a missing certificate where we have shown none', () => {
    const alert = error('ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE')
    assert.equal(refusalOf(alert, refused)?.code, 'CERTIFICATE_MISSING')
    assert.equal(refusalOf(alert, { ...refused, hasOwn: true })?.code, 'TLS_HANDSHAKE')
  })

  it('an unknown error of TLS keeps its words, an error of the network is left as it is', () => {
    const strange = refusalOf(error('ERR_SSL_STRANGE', { reason: 'strange things' }), refused)
    assert.equal(strange?.message, 'the TLS connection to sip.test failed: strange things (TLS_HANDSHAKE)')
    assert.equal(refusalOf(error('ECONNREFUSED'), refused), undefined)
    const unsuited = refusalOf(unverified('ODD_CODE'), refused)
    assert.equal(unsuited?.code, 'CERTIFICATE_UNSUITABLE')
    assert.equal(refusalOf(unsuited ?? error(''), refused), unsuited)
  })
})
