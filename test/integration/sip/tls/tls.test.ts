/** SIP over TLS: framing, limits and names. What all transports share: test/contract. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect as connectTcp, type Socket } from 'node:net'
import tls from 'node:tls'
import { silentLogger } from '../../../../src/base/logger.js'
import { openTls } from '../../../../src/sip/transport/tls.js'
import type { SipTransport } from '../../../../src/sip/transport/transport.js'
import type { TlsSettings } from '../../../../src/sip/types.js'
import { authority, type CertificateInit } from '../../../support/certificates.js'
import { FakeClock } from '../../../support/fake-clock.js'
import { tell } from '../../../support/figures.js'
import { requestText } from '../../../support/sip-messages.js'
import { ANSWER, establish, Party, testTls } from '../../../support/sip-parties.js'
import { StreamPeer } from '../../../support/stream-peer.js'
import { until, within } from '../../../support/wait.js'

const options = (branch: string, uri = 'sip:bob@127.0.0.1'): string =>
  requestText({ method: 'OPTIONS', uri, via: `SIP/2.0/TLS 127.0.0.1:9;branch=z9hG4bK${branch}`, callId: branch })
const statusOf = (text: string): string => text.split(' ', 2)[1] ?? ''
const own = (init: CertificateInit): TlsSettings => ({ ...testTls(), pair: authority.make(init).pair })

describe('SIP over TLS', () => {
  const opened: { close(): Promise<void> }[] = []
  const party = async (user: string, init: Parameters<typeof Party.open>[1] = {}): Promise<Party> => {
    const it = await Party.open(user, { protocol: 'tls', ...init })
    opened.push(it)
    return it
  }
  const peer = async (port: number, init: tls.ConnectionOptions = {}): Promise<StreamPeer> => {
    const it = await StreamPeer.connectTls(port, '127.0.0.1', init)
    opened.push(it)
    return it
  }
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((it) => it.close()))
  })

  it('answers many requests of one record, and one request in many', async () => {
    const bob = await party('bob')
    const stranger = await peer(bob.endpoint.local.port)
    stranger.send(options('a') + options('b'))
    assert.deepEqual(
      [statusOf(await stranger.messages.next()), statusOf(await stranger.messages.next())],
      ['200', '200'],
    )
    await stranger.sendInPieces([...Buffer.from(options('c'))].map((octet) => Buffer.from([octet])))
    assert.equal(statusOf(await stranger.messages.next()), '200')
    stranger.send('\r\n\r\n')
    await until(() => stranger.framed.at(-1)?.kind === 'pong', 'a pong')
  })

  it('takes a renewed PEM text without another listener, and keeps the old one if that cannot be used', async () => {
    const pem = (commonName: string): TlsSettings => {
      const { certificateFile, keyFile } = authority.make({ commonName })
      const [certificate, key] = [certificateFile, keyFile].map((file) => ({ pem: readFileSync(file, 'utf8') }))
      return certificate && key ? { ...testTls(), pair: { certificate, key } } : {}
    }
    const bob = await party('bob', { tls: pem('old') })
    const { port } = bob.endpoint.local
    const shown = async (): Promise<string> => {
      const socket = tls.connect({ port, host: '127.0.0.1', ca: readFileSync(authority.caFile) })
      await within(once(socket, 'secureConnect'), 'a handshake')
      const name = socket.getPeerCertificate().subject.CN
      socket.destroy()
      return String(name)
    }
    const standing = await peer(port)
    assert.equal(await shown(), 'old')
    await bob.endpoint.renewTls(pem('new'))
    assert.equal(await shown(), 'new')
    await bob.endpoint.renewTls({ pair: { certificate: { pem: 'x' }, key: { pem: 'x' } } })
    assert.equal(await shown(), 'new')
    standing.send(options('s'))
    assert.equal(statusOf(await standing.messages.next()), '200', 'a connection that stands goes on')
  })

  it('a SIPS target is called by TLS, from a SIPS Contact, and both sides stay with TLS', async () => {
    const [alice, bob] = [await party('alice'), await party('bob')]
    const { port } = bob.endpoint.local
    const { outcome } = alice.call(`sips:bob@127.0.0.1:${port}`)
    const invite = await bob.invites.next()
    invite.accept({ body: ANSWER })
    const result = await outcome
    assert.ok(result.kind === 'answered')
    const contacts = [...alice.wire, ...bob.wire].flatMap(({ text }) => /\r\nContact: <([^@]*)/.exec(text)?.[1] ?? [])
    assert.ok(contacts.length > 2 && contacts.every((contact) => contact.startsWith('sips:')), contacts.join())
    assert.equal((await result.dialog.bye()).status, 200)
    assert.ok([...alice.wire, ...bob.wire].every(({ protocol }) => protocol === 'tls'))
  })

  it('an endpoint without a TLS listener calls by TLS, and is reached by its connection', async () => {
    const alice = await party('alice', { protocol: 'udp', tls: testTls(), agent: { protocol: 'tls' } })
    const bob = await party('bob')
    const { calleeDialog } = await establish(alice, bob)
    assert.equal((await calleeDialog.request('INFO')).status, 200)
    assert.equal((await calleeDialog.bye()).status, 200)
    assert.ok(alice.wire.every(({ protocol }) => protocol === 'tls'))
  })

  it('a listener without a certificate is not opened', async () => {
    await assert.rejects(Party.open('bob', { protocol: 'tls', tls: {} }), {
      code: 'BAD_CONFIG',
      message: 'a TLS listener needs a certificate: set its file and the file of its key',
    })
  })

  describe('the reason of a refused certificate is the reason of the failed call', () => {
    const resolve = async () => '127.0.0.1'
    const callTo = async (callee: TlsSettings, caller: TlsSettings = testTls()): Promise<string> => {
      const bob = await party('bob', { tls: callee })
      const alice = await party('alice', { protocol: 'udp', tls: caller, resolve })
      const { outcome } = alice.call(`sip:bob@sip.test:${bob.endpoint.local.port};transport=tls`)
      const result = await outcome
      assert.ok(result.kind === 'failed')
      assert.deepEqual([result.response.status, 'local' in result.response], [503, true])
      return result.response.reason
    }
    const cases: [name: string, callee: CertificateInit, reason: RegExp][] = [
      ['expired', { isExpired: true }, /the certificate of sip.test has expired on .* \(CERTIFICATE_EXPIRED\)$/],
      [
        'self-signed',
        { isSelfSigned: true },
        /the certificate of sip.test is self-signed.* \(CERTIFICATE_SELF_SIGNED\)$/,
      ],
      ['of a stranger', { byStranger: true }, /was issued by "Test stranger".* \(CERTIFICATE_UNKNOWN_ISSUER\)$/],
      ['for another name', { names: ['DNS:other.test'] }, /is for other.test: .* \(CERTIFICATE_WRONG_NAME\)$/],
    ]
    for (const [name, callee, reason] of cases) {
      it(name, async () => {
        assert.match(await callTo(own(callee)), reason)
      })
    }
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      it(`a missing client certificate, by ${version}`, async () => {
        tls.DEFAULT_MAX_VERSION = version
        try {
          const caller: TlsSettings = { ca: { file: authority.caFile } }
          const reason = await callTo({ ...testTls(), clientCertificate: 'require' }, caller)
          assert.match(reason, /sip.test .* client certificate.* \(CERTIFICATE_MISSING\)$/)
        } finally {
          tls.DEFAULT_MAX_VERSION = 'TLSv1.3'
        }
      })
    }
  })

  it('a connection serves the names of its certificate, and no other (RFC 5923)', async () => {
    const bob = await party('bob', { tls: own({ names: ['DNS:one.test', 'DNS:two.test', 'DNS:three.test'] }) })
    const alice = await party('alice', { protocol: 'udp', tls: testTls(), resolve: async () => '127.0.0.1' })
    const { port } = bob.endpoint.local
    const ask = async (name: string): Promise<number> => {
      const target = `sip:bob@${name}:${port};transport=tls`
      return (await alice.agent.request({ method: 'OPTIONS', target, sipCallId: name, cseq: 1 })).response.status
    }
    bob.request = () => 200
    assert.deepEqual([await ask('one.test'), await ask('two.test'), await ask('four.test')], [200, 200, 503])
    const sources = new Set(bob.wire.flatMap(({ direction, remote }) => (direction === 'in' ? [remote] : [])))
    assert.equal(sources.size, 1)
  })

  describe('with a crowd of strangers', () => {
    let clock: FakeClock
    let transport: SipTransport
    const served: string[] = []
    let port: number

    beforeEach(async () => {
      clock = new FakeClock(Date.now())
      served.length = 0
      const user = {
        received: (bytes: Buffer, flow: { send(text: string): Promise<void> }) => {
          served.push(bytes.toString())
          void flow.send('SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n')
        },
        unreadable() {},
        sent() {},
        ended() {},
      }
      transport = await openTls(
        testTls(),
        { clock, log: silentLogger, user },
        { host: '127.0.0.1', port: 0, advertise: (bound) => bound },
      )
      opened.push(transport)
      port = transport.listener?.local.port ?? 0
    })

    const stall = async (from: string): Promise<Socket> => {
      const socket = connectTcp({ port, host: '127.0.0.1', localAddress: from }).on('error', () => undefined)
      await once(socket, 'connect')
      socket.resume()
      // Every other one begins a handshake.
      if (Number(from.split('.')[3]) % 2) socket.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]))
      return socket
    }

    it('handshakes that stall count in the limit of their host, and are closed after 10 s; other peers are served meanwhile', async () => {
      const hosts = ['127.0.0.2', '127.0.0.3', '127.0.0.4', '127.0.0.5', '127.0.0.6']
      const stalled: Socket[] = []
      for (const host of hosts) {
        for (let n = 0; n < 200; n += 50)
          stalled.push(...(await Promise.all(Array.from({ length: 50 }, () => stall(host)))))
      }
      // The place of one more from the same host is refused at once.
      const surplus = await stall('127.0.0.2')
      await within(once(surplus, 'close'), 'the surplus connection to be closed')
      let answered = 0
      for (let n = 0; n < 50; n++) {
        const good = await peer(port)
        good.send(options(`good${n}`))
        if (statusOf(await good.messages.next()) === '200') answered++
        await good.close()
      }
      tell('peers served while 1,000 handshakes stall', `${answered} of 50`, '99 %')
      assert.equal(answered, 50)
      const open = stalled.filter((socket) => !socket.closed)
      assert.ok(open.length >= 900, `${open.length} of 1000 stall on`)
      clock.advance(10_000)
      await until(() => open.every((socket) => socket.closed), 'all stalled connections to be closed')
    }).timeout(60_000)
  })
})
