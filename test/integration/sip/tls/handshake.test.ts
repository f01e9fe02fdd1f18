/** Which TLS connections are taken, by which certificates, and the reason of a refusal. Peers are Node's own TLS. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import {
  type AddressInfo,
  connect as connectTcp,
  createServer as createTcpServer,
  type Server,
  type Socket,
} from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tls, { connect, createServer, type TLSSocket, type TlsOptions } from 'node:tls'
import { silentLogger } from '../../../../src/base/logger.js'
import { TlsAcceptor } from '../../../../src/sip/transport/tls/tls-acceptor.js'
import { TlsClient, type TlsTarget, VERIFIED } from '../../../../src/sip/transport/tls/tls-client.js'
import { TlsError, type TlsErrorCode } from '../../../../src/sip/transport/tls/tls-error.js'
import { TlsFiles } from '../../../../src/sip/transport/tls/tls-files.js'
import type { TlsSettings } from '../../../../src/sip/types.js'
import { authority, type CertificateInit } from '../../../support/certificates.js'
import { FakeClock } from '../../../support/fake-clock.js'
import { Inbox } from '../../../support/sip-parties.js'
import { until, within } from '../../../support/wait.js'

const host = '127.0.0.1'
const TRUST: TlsSettings = { ca: { file: authority.caFile } }
const own = (init: CertificateInit = {}): TlsSettings => ({ pair: authority.make(init).pair })

const read = (file: string): Buffer => readFileSync(file)

describe('TLS handshakes', () => {
  let clock: FakeClock
  let ends: (() => void)[]
  beforeEach(() => {
    clock = new FakeClock(Date.now())
    ends = []
  })
  afterEach(() => {
    for (const end of ends.splice(0)) end()
  })

  const filesFor = async (settings: TlsSettings): Promise<TlsFiles> => {
    const files = await TlsFiles.open({ clock, log: silentLogger }, settings)
    ends.push(() => files.close())
    return files
  }
  const client = async (settings: TlsSettings = TRUST): Promise<TlsClient> =>
    new TlsClient({ clock, files: await filesFor(settings) }, settings)

  async function portOf(server: Server): Promise<number> {
    const sockets = new Set<Socket>()
    server.on('connection', (socket: Socket) => {
      sockets.add(socket)
      socket.on('error', () => undefined)
    })
    server.listen(0, host)
    await once(server, 'listening')
    ends.push(() => {
      server.close()
      for (const socket of sockets) socket.destroy()
    })
    return (server.address() as AddressInfo).port
  }
  /** Node's TLS server with this certificate. */
  const nodeServer = (init: CertificateInit, options: TlsOptions = {}): Promise<number> => {
    const { certificateFile, keyFile } = authority.make(init)
    return portOf(createServer({ cert: read(certificateFile), key: read(keyFile), ...options }))
  }
  async function listener(settings: TlsSettings) {
    const secured = new Inbox<TLSSocket>('a TLS connection')
    const files = await filesFor(settings)
    const deps = { clock, log: silentLogger, files, secured: (socket: TLSSocket) => secured.put(socket) }
    const acceptor = new TlsAcceptor(deps, settings)
    const port = await portOf(createTcpServer((socket) => acceptor.accept(socket)))
    return { port, acceptor, secured }
  }

  /** The handshake is done and the certificate accepted, or the reason. */
  function open(from: TlsClient, to: TlsTarget): { socket: TLSSocket; ready: Promise<void> } {
    let socket!: TLSSocket
    const ready = new Promise<void>((resolve, reject) => {
      socket = from
        .connect(to, {})
        .once(VERIFIED, resolve)
        .once('error', (error) => reject(from.reasonOf(error, to)))
    })
    ends.push(() => socket.destroy())
    return { socket: socket.on('error', () => undefined), ready: within(ready, `the handshake with port ${to.port}`) }
  }
  async function opened(from: TlsClient, to: TlsTarget): Promise<TLSSocket> {
    const { socket, ready } = open(from, to)
    await ready
    return socket
  }
  async function refused(from: TlsClient, to: TlsTarget, code: TlsErrorCode, message: string | RegExp): Promise<void> {
    const { socket, ready } = open(from, to)
    await assert.rejects(ready, (error: Error) => {
      assert.ok(error instanceof TlsError, String(error))
      assert.equal(error.code, code, error.message)
      if (typeof message === 'string') assert.equal(error.message, `${message} (${code})`)
      else assert.match(error.message, message)
      return true
    })
    assert.ok(socket.destroyed)
  }

  it('a certificate that names the domain or the address is accepted, by TLS 1.2 and 1.3', async () => {
    const alice = await client()
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const port = await nodeServer({}, { minVersion: version, maxVersion: version })
      assert.equal((await opened(alice, { host, port, name: 'sip.test' })).getProtocol(), version)
      assert.equal((await opened(alice, { host, port })).getProtocol(), version)
    }
    const port = await nodeServer({ names: ['URI:sip:example.com'] })
    const socket = await opened(alice, { host, port, name: 'example.com' })
    assert.deepEqual([alice.serves(socket, 'example.com'), alice.serves(socket, 'other.test')], [true, false])
  })

  it('the server name of the handshake (SNI) is the domain, and there is none for an address', async () => {
    const names: unknown[] = []
    const { certificateFile, keyFile } = authority.make()
    const server = createServer({ cert: read(certificateFile), key: read(keyFile) }, (socket) =>
      names.push((socket as TLSSocket & { servername: unknown }).servername),
    )
    const port = await portOf(server)
    const alice = await client()
    await opened(alice, { host, port, name: 'sip.test' })
    await opened(alice, { host, port })
    await until(() => names.length === 2, 'two handshakes')
    assert.deepEqual(names, ['sip.test', false])
  })

  it('an expired certificate', async () => {
    const port = await nodeServer({ isExpired: true })
    await refused(
      await client(),
      { host, port, name: 'sip.test' },
      'CERTIFICATE_EXPIRED',
      /^the certificate of sip.test has expired on \d{4}-\d\d-\d\d: the operator of sip.test must renew it \(CERTIFICATE_EXPIRED\)$/,
    )
  })

  it('a self-signed certificate, until it stands in the CA file', async () => {
    const init = { isSelfSigned: true }
    const port = await nodeServer(init)
    const to = { host, port, name: 'sip.test' }
    const message = 'the certificate of sip.test is self-signed: add it to the CA file if you trust it'
    await refused(await client(), to, 'CERTIFICATE_SELF_SIGNED', message)
    await opened(await client({ ca: { file: authority.make(init).certificateFile } }), to)
  })

  it('a certificate of an unknown issuer', async () => {
    const port = await nodeServer({})
    const message =
      'the certificate of sip.test was issued by "Test ca", which is not trusted: add the issuer\'s certificate to the CA file'
    await refused(await client({}), { host, port, name: 'sip.test' }, 'CERTIFICATE_UNKNOWN_ISSUER', message)
  })

  it('a certificate for another name, and one with a wildcard', async () => {
    const alice = await client()
    const port = await nodeServer({ names: ['DNS:other.test', 'DNS:*.provider.test'] })
    const has = 'is for other.test, *.provider.test'
    const advice = 'use the name that the certificate has, or add this name to the certificate'
    const to = { host, port, name: 'sip.test' }
    await refused(alice, to, 'CERTIFICATE_WRONG_NAME', `the certificate of sip.test ${has}: ${advice}`)
    await refused(alice, { host, port }, 'CERTIFICATE_WRONG_NAME', `the certificate of 127.0.0.1 ${has}: ${advice}`)
    const wildcard = { host, port, name: 'me.provider.test' }
    await refused(alice, wildcard, 'CERTIFICATE_WRONG_NAME', /allow wildcards/)
    await opened(await client({ ...TRUST, allowWildcards: true }), wildcard)
    await opened(await client({ ...TRUST, verify: 'chain' }), to)
  })

  it('nothing is checked where checks are off', async () => {
    const unchecked = await client({ verify: 'off' })
    for (const init of [{ isExpired: true }, { isSelfSigned: true }, { names: ['DNS:other.test'] }]) {
      await opened(unchecked, { host, port: await nodeServer(init), name: 'sip.test' })
    }
  })

  it('a certificate that is not for servers', async () => {
    const port = await nodeServer({ usage: 'clientAuth' })
    await refused(await client(), { host, port, name: 'sip.test' }, 'CERTIFICATE_UNSUITABLE', /not for TLS servers/)
  })

  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    it(`${version}: a listener that requires client certificates`, async () => {
      const settings = { ...own(), ...TRUST, clientCertificate: 'require' as const }
      tls.DEFAULT_MAX_VERSION = version
      ends.push(() => {
        tls.DEFAULT_MAX_VERSION = 'TLSv1.3'
      })
      const { port, secured } = await listener(settings)
      const to = { host, port, name: 'sip.test' }
      await opened(await client({ ...TRUST, ...own({ commonName: 'alice' }) }), to)
      const first = await secured.next()
      assert.deepEqual([first.authorized, first.getProtocol()], [true, version])
      await opened(await client({ ...TRUST, ...own(), clientPair: authority.make({ commonName: 'bob' }).pair }), to)
      assert.equal((await secured.next()).getPeerCertificate().subject.CN, 'bob')

      const reason = await refusedOrEnded(await client(), to)
      assert.equal(reason.code, 'CERTIFICATE_MISSING', reason.message)
      const stranger = authority.make({ byStranger: true }).pair
      const ended = await refusedOrEnded(await client({ ...TRUST, pair: stranger }), to)
      assert.match(ended.code, /^(CERTIFICATE_REFUSED|TLS_HANDSHAKE)$/)
      assert.equal(secured.waiting.length, 0)
    })
  }

  it('a listener that asks for client certificates takes peers without one', async () => {
    const { port, secured } = await listener({ ...own(), ...TRUST, clientCertificate: 'request' })
    await opened(await client(), { host, port })
    assert.equal((await secured.next()).authorized, false)
  })

  /** TLS 1.3: the refusal of a client certificate comes after the client's handshake is done. */
  async function refusedOrEnded(from: TlsClient, to: TlsTarget): Promise<TlsError> {
    const { socket, ready } = open(from, to)
    let error: Error = Object.assign(new Error('closed'), { code: 'ECONNRESET' })
    socket.once('error', (thrown) => {
      error = thrown
    })
    const ended = new Promise((resolve) => socket.resume().once('close', resolve))
    await ready.catch(() => undefined)
    await within(ended, 'the end of the connection')
    const reason = from.reasonOf(error, to)
    assert.ok(reason instanceof TlsError, String(reason))
    return reason
  }

  it('a server of an old version, one that speaks no TLS, and one that closes', async () => {
    const alice = await client()
    const old = await nodeServer({}, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' })
    await refused(alice, { host, port: old, name: 'sip.test' }, 'TLS_VERSION', /TLS 1.2 or 1.3 is needed/)
    const plain = await portOf(createTcpServer((socket) => socket.write('SIP/2.0 400 Bad Request\r\n\r\n')))
    await refused(alice, { host, port: plain }, 'TLS_NOT_SPOKEN', /127.0.0.1 does not speak TLS at this port/)
    const closing = await portOf(createTcpServer((socket) => socket.destroy()))
    await refused(alice, { host, port: closing }, 'TLS_HANDSHAKE', /may want a client certificate/)
  })

  it('a refused connection keeps the words of the socket', async () => {
    const { ready } = open(await client(), { host, port: 1 })
    await assert.rejects(ready, { code: 'ECONNREFUSED' })
  })

  it('a peer that stalls, before or within its handshake, is closed after 10 s; others are served meanwhile', async () => {
    const { port, acceptor, secured } = await listener(own())
    const silent = connectTcp(port, host)
    const half = connectTcp(port, host)
    half.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]))
    await until(() => acceptor.pending === 2, 'two handshakes')
    await opened(await client(), { host, port })
    await secured.next()
    assert.equal(acceptor.pending, 2)
    clock.advance(9_999)
    assert.equal(acceptor.pending, 2)
    clock.advance(1)
    await within(Promise.all([once(silent, 'close'), once(half, 'close')]), 'both connections to be closed')
    await until(() => acceptor.pending === 0, 'no handshake to be left')
  })

  it('a peer that does not speak TLS loses its connection', async () => {
    const { port, acceptor } = await listener(own())
    const socket = connectTcp(port, host).on('error', () => undefined)
    socket.write('OPTIONS sip:a@b SIP/2.0\r\n\r\n')
    socket.resume()
    await within(once(socket, 'close'), 'the connection to be closed')
    await until(() => acceptor.pending === 0, 'no handshake to be left')
  })

  it('a connection to the same server resumes the session', async () => {
    const { port, secured } = await listener(own())
    const alice = await client()
    const first = await opened(alice, { host, port, name: 'sip.test' })
    ;(await secured.next()).write('x')
    await within(once(first, 'session'), 'a session').catch(() => undefined)
    const again = await opened(alice, { host, port, name: 'sip.test' })
    const other = await opened(alice, { host, port })
    assert.deepEqual(
      [first, again, other].map((socket) => socket.isSessionReused()),
      [false, true, false],
    )
  })

  it('TLS 1.2: renegotiation is refused', async () => {
    const { port } = await listener(own())
    const socket = connect({ host, port, ca: read(authority.caFile), maxVersion: 'TLSv1.2' }).on(
      'error',
      () => undefined,
    )
    ends.push(() => socket.destroy())
    await once(socket, 'secureConnect')
    const error = await within(
      new Promise<Error | null>((resolve) => {
        socket.once('error', resolve)
        socket.renegotiate({}, resolve)
      }),
      'the answer to a renegotiation',
    )
    assert.match(String(error), /renegotiation/i)
  })

  it('renewed certificates are used without a restart, on both sides; connections that stand stay', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ringflow-tls-'))
    ends.push(() => rmSync(folder, { recursive: true }))
    const put = (init: CertificateInit): TlsSettings => {
      const made = authority.make(init)
      const [certificate, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
      copyFileSync(made.certificateFile, certificate)
      copyFileSync(made.keyFile, key)
      return { pair: { certificate: { file: certificate }, key: { file: key } } }
    }
    const settings = { ...TRUST, ...put({ commonName: 'first' }), clientCertificate: 'require' as const }
    const { port, secured } = await listener(settings)
    const alice = await client(settings)
    const names = async (): Promise<[unknown, unknown, TLSSocket, TLSSocket]> => {
      const ours = await opened(alice, { host, port })
      const theirs = await secured.next()
      return [ours.getPeerCertificate().subject.CN, theirs.getPeerCertificate().subject.CN, ours, theirs]
    }
    const [server, shown, ours, theirs] = await names()
    assert.deepEqual([server, shown], ['first', 'first'])
    put({ commonName: 'second' })
    const pending = clock.pending
    for (let polls = 0; polls < 3; polls++) {
      clock.advance(2_000)
      await until(() => clock.pending === pending, 'the next look at the files')
    }
    assert.deepEqual((await names()).slice(0, 2), ['second', 'second'])
    theirs.write('still here')
    assert.equal(String((await within(once(ours, 'data'), 'data on the old connection'))[0]), 'still here')
  })
})
