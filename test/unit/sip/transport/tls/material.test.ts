import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TelephonyError } from '../../../../../src/base/errors.js'
import { filesOf, readTlsMaterial } from '../../../../../src/sip/transport/tls/material.js'
import type { TlsSettings } from '../../../../../src/sip/types.js'
import { authority } from '../../../../support/certificates.js'

const read = (settings: TlsSettings) => readTlsMaterial(settings, Date.now())

describe('the certificates and keys of a transport', () => {
  let folder: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'ringflow-tls-'))
  })
  after(() => rmSync(folder, { recursive: true }))

  const fails = async (settings: TlsSettings, message: string | RegExp, cause: string): Promise<void> => {
    await assert.rejects(read(settings), (error: TelephonyError) => {
      assert.equal(error.code, 'BAD_CONFIG')
      assert.equal((error.cause as NodeJS.ErrnoException).code, cause)
      if (typeof message === 'string') assert.equal(error.message, `${message} (${cause})`)
      else assert.match(error.message, message)
      return true
    })
  }

  it('without settings there is no listener, and nothing to show', async () => {
    const { server, hasClientCertificate, warnings } = await read({})
    assert.deepEqual([server, hasClientCertificate, warnings], [undefined, false, []])
  })

  it('takes two files, one file with both, an encrypted key, and PEM texts', async () => {
    const { pair, bothFile } = authority.make()
    const encrypted = authority.make({ passphrase: 'open sesame' }).pair
    const text = readFileSync(bothFile, 'utf8')
    for (const given of [
      pair,
      encrypted,
      { certificate: { file: bothFile }, key: { file: bothFile } },
      { certificate: { pem: text }, key: { pem: text } },
    ]) {
      const { server, hasClientCertificate } = await read({ pair: given })
      assert.ok(server && hasClientCertificate)
    }
  })

  it('a client can show another certificate than the listener', async () => {
    const { server, hasClientCertificate } = await read({ clientPair: authority.make().pair })
    assert.deepEqual([server, hasClientCertificate], [undefined, true])
  })

  it('says which file is missing', async () => {
    const { pair } = authority.make()
    const key = { file: '/nowhere/key.pem' }
    const message =
      'the file /nowhere/key.pem cannot be read: no such file or directory (ENOENT). Check the path and its permissions'
    await fails({ pair: { ...pair, key } }, message, 'TLS_FILE')
    await fails({ ca: key }, message, 'TLS_FILE')
  })

  it('says which file is not PEM', async () => {
    const { pair, keyFile } = authority.make()
    const der = join(folder, 'der')
    writeFileSync(der, Buffer.from([0x30, 0x82, 0x01]))
    const broken = join(folder, 'broken.pem')
    writeFileSync(broken, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')
    const certificate = 'does not hold a certificate in PEM format'
    await fails({ pair: { ...pair, certificate: { file: der } } }, `${der} ${certificate}`, 'TLS_FILE_FORMAT')
    await fails({ pair: { ...pair, certificate: { file: broken } } }, `${broken} ${certificate}`, 'TLS_FILE_FORMAT')
    await fails({ ca: { file: keyFile } }, `${keyFile} ${certificate}`, 'TLS_FILE_FORMAT')
    await fails({ ca: { pem: '' } }, `the given certificate ${certificate}`, 'TLS_FILE_FORMAT')
    const key = 'does not hold a private key in PEM format'
    await fails({ pair: { ...pair, key: { file: der } } }, `${der} ${key}`, 'TLS_FILE_FORMAT')
  })

  it('says that a key belongs to another certificate', async () => {
    const [one, other] = [authority.make(), authority.make({ commonName: 'other' })]
    const message = `the key ${other.keyFile} does not belong to the certificate ${one.certificateFile}: choose the two files that were made together`
    await fails({ pair: { ...one.pair, key: other.pair.key } }, message, 'TLS_KEY_MISMATCH')
  })

  it('says that a passphrase is missing or wrong, without showing it', async () => {
    const { pair, keyFile } = authority.make({ passphrase: 'open sesame' })
    const { certificate, key } = pair
    await fails({ pair: { certificate, key } }, `${keyFile} is encrypted: set its passphrase`, 'TLS_PASSPHRASE')
    const wrong = `the passphrase of ${keyFile} is wrong`
    await fails({ pair: { certificate, key, passphrase: 'guess' } }, wrong, 'TLS_PASSPHRASE')
  })

  it('warns of an expired certificate of our own', async () => {
    const { pair, certificateFile } = authority.make({ isExpired: true })
    const { warnings } = await read({ pair })
    assert.equal(warnings.length, 1)
    assert.match(
      warnings[0] ?? '',
      new RegExp(
        `^the certificate ${certificateFile} has expired on \\d{4}-\\d\\d-\\d\\d: renew it, .*\\(CERTIFICATE_EXPIRED\\)$`,
      ),
    )
  })

  it('does not ask clients for certificates that nothing can check', async () => {
    const { pair } = authority.make()
    await assert.rejects(read({ pair, clientCertificate: 'require' }), { code: 'BAD_CONFIG', message: /CA file/ })
    const { server } = await read({ pair, clientCertificate: 'require', ca: { file: authority.caFile } })
    assert.ok(server?.ca)
    assert.equal((await read({ pair, ca: { file: authority.caFile } })).server?.ca, undefined)
  })

  it('names each file once', () => {
    const both = { certificate: { file: 'a' }, key: { file: 'a' } }
    assert.deepEqual(
      filesOf({ pair: both, ca: { file: 'b' }, clientPair: { certificate: { pem: '' }, key: { file: 'c' } } }),
      ['a', 'c', 'b'],
    )
  })
})
