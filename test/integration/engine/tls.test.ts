/** The reason why a TLS server and we do not get together, as a user sees it: in the registration's state and at the end of a call. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import { startLocalEngine } from '../../../src/engine/client.js'
import type { Engine, EngineEvents } from '../../../src/engine/protocol.js'
import type { TlsSettings } from '../../../src/sip/types.js'
import { authority, type CertificateInit } from '../../support/certificates.js'
import { engineInit, Heard, loopbackAccount } from '../../support/engine-pair.js'
import { within } from '../../support/wait.js'

const TRUST: TlsSettings = { ca: { file: authority.caFile } }

describe('an account whose server speaks TLS', () => {
  let engine: Engine
  let heard: Heard
  let server: Server | undefined
  const sockets: TLSSocket[] = []

  before(async () => {
    engine = await startLocalEngine(engineInit())
    heard = new Heard(engine)
  })
  after(() => engine.close())
  afterEach(async () => {
    await engine.call('removeAccount', { accountId: 'alice' })
    for (const socket of sockets.splice(0)) socket.destroy()
    server?.close()
  })

  const listen = async (init: CertificateInit, wantsCertificate = false): Promise<number> => {
    const { certificateFile, keyFile } = authority.make(init)
    server = createServer({
      cert: readFileSync(certificateFile),
      key: readFileSync(keyFile),
      ca: readFileSync(authority.caFile),
      requestCert: wantsCertificate,
      rejectUnauthorized: wantsCertificate,
    })
    server.on('secureConnection', (socket) => sockets.push(socket.on('error', () => undefined)))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }

  const account = (port: number, tls: TlsSettings) => {
    const plain = loopbackAccount('alice')
    return loopbackAccount('alice', {
      aor: 'alice@sip.test',
      registrar: `127.0.0.1:${port};transport=tls`,
      register: true,
      transport: { ...plain.transport, tls },
    })
  }

  const failure = (): Promise<EngineEvents['registration']> => {
    const failed = new Promise<EngineEvents['registration']>((resolve) => {
      const forget = engine.on('registration', (event) => {
        if (event.registration.state !== 'failed') return
        forget()
        resolve(event)
      })
    })
    return within(failed, 'the registration to fail')
  }

  const cases: [name: string, server: CertificateInit, reason: RegExp][] = [
    ['expired', { isExpired: true }, /the certificate of 127.0.0.1 has expired on .* \(CERTIFICATE_EXPIRED\)$/],
    ['self-signed', { isSelfSigned: true }, /is self-signed: add it to the CA file.* \(CERTIFICATE_SELF_SIGNED\)$/],
    ['for another name', { names: ['DNS:other.test'] }, /is for other.test: .* \(CERTIFICATE_WRONG_NAME\)$/],
    [
      'in order, and wants our certificate',
      {},
      /127.0.0.1 wants a client certificate: set one \(CERTIFICATE_MISSING\)$/,
    ],
  ]
  for (const [name, init, reason] of cases) {
    it(`has a certificate that is ${name}`, async () => {
      const port = await listen(init, /wants/.test(name))
      const failed = failure()
      await engine.call('setAccount', account(port, TRUST))
      const { registration } = await failed
      assert.ok(registration.state === 'failed')
      assert.match(registration.reason, reason)
      const target = `sip:bob@127.0.0.1:${port};transport=tls`
      const { callId } = await engine.call('dial', { accountId: 'alice', target })
      const { end } = await heard.next('call.ended', (event) => event.callId === callId)
      assert.match(end.reason, reason)
    })
  }

  it('gets REGISTER and INVITE by TLS when both certificates are in order', async () => {
    const port = await listen({}, true)
    const arrived = once(server as Server, 'secureConnection')
    await engine.call('setAccount', account(port, { ...TRUST, pair: authority.make({ commonName: 'alice' }).pair }))
    const [socket] = (await within(arrived, 'a connection')) as [TLSSocket]
    assert.equal(socket.getPeerCertificate().subject.CN, 'alice')
    const [octets] = await within(once(socket, 'data'), 'a REGISTER')
    assert.match(String(octets), /^REGISTER sip:127\.0\.0\.1:\d+;transport=tls SIP\/2\.0\r\nVia: SIP\/2\.0\/TLS /)
    assert.match(String(octets), /\r\nContact: <sip:[^@]+@127\.0\.0\.1:\d+;transport=tls>/)
  })

  it('a file that is missing is said where the account is set up', async () => {
    const tls = { pair: { certificate: { file: '/nowhere/cert.pem' }, key: { file: '/nowhere/key.pem' } } }
    await assert.rejects(engine.call('setAccount', account(1, tls)), {
      code: 'BAD_CONFIG',
      message: /the file \/nowhere\/(cert|key).pem cannot be read: .* \(TLS_FILE\)$/,
    })
  })
})
