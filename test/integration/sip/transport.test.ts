import assert from 'node:assert/strict'
import { systemClock } from '../../../src/base/clock.js'
import { silentLogger } from '../../../src/base/logger.js'
import { openSipEndpoint } from '../../../src/sip/endpoint.js'
import { openUdp } from '../../../src/sip/transport/udp.js'
import type { SipEndpointInit } from '../../../src/sip/types.js'
import { RawPeer } from '../../support/raw-peer.js'
import { requestText } from '../../support/sip-messages.js'
import { ANSWER, listenersAt, Party } from '../../support/sip-parties.js'
import { within } from '../../support/wait.js'

const open = (init: Partial<SipEndpointInit> = {}) =>
  openSipEndpoint(
    { clock: systemClock, log: silentLogger },
    { host: '127.0.0.1', listeners: listenersAt(0), userAgent: 'x', ...init },
  )

describe('the UDP transport', () => {
  it('says what to do where the port is taken, and where the address is not ours', async () => {
    const first = await open()
    await assert.rejects(open({ listeners: listenersAt(first.local.port) }), {
      code: 'TRANSPORT',
      message: `cannot listen on udp 127.0.0.1:${first.local.port}: another program, or another transport node, uses this address: choose another port (or 0 for any)`,
    })
    await assert.rejects(open({ host: '192.0.2.1' }), {
      code: 'TRANSPORT',
      message: /this machine has no such address/,
    })
    await first.close()
    const again = await open({ listeners: listenersAt(first.local.port) })
    await again.close()
  })

  it('advertises what it was told to, or an address that peers can use', async () => {
    const [told, wildcard, plain] = await Promise.all([
      open({ advertise: { host: 'sip.example.com', port: 5060 } }),
      open({ host: '0.0.0.0' }),
      open(),
    ])
    assert.deepEqual(told.advertised, { host: 'sip.example.com', port: 5060 })
    assert.notEqual(wildcard.advertised.host, '0.0.0.0')
    assert.equal(wildcard.advertised.port, wildcard.local.port)
    assert.deepEqual(plain.advertised, { host: '127.0.0.1', port: plain.local.port })
    await Promise.all([told.close(), wildcard.close(), plain.close()])
  })

  it('closes once, and lets nobody in after that', async () => {
    const endpoint = await open()
    assert.equal(endpoint.close(), endpoint.close())
    await endpoint.close()
    const authenticator = { answer: () => undefined }
    const handlers = { admit: () => ({ admit: true }) as const, invite() {} }
    const init = { aor: 'sip:a@b', displayName: '', contactUser: 'a', routeSet: [], authenticator, handlers }
    assert.throws(() => endpoint.createUserAgent(init), { code: 'CLOSED' })
  })

  it('sends line breaks that keep a NAT open, no message and not in the trace; those of others are passed over', async () => {
    const alice = await Party.open('alice')
    const peer = await RawPeer.open()
    alice.agent.keepAlive({ protocol: 'udp', host: peer.host, port: peer.port })
    assert.equal(await peer.everything.next(), '\r\n\r\n')
    alice.agent.keepAlive({ protocol: 'udp', host: '2001:db8::1', port: 9 }) // cannot be sent: nobody minds
    peer.send('\r\n\r\n', alice.endpoint.local.port)
    const uri = `sip:alice@127.0.0.1:${alice.endpoint.local.port}`
    await peer.ask(requestText({ method: 'OPTIONS', uri }), alice.endpoint.local.port)
    assert.equal(peer.texts.length, 2)
    assert.deepEqual(
      alice.wire.map(({ direction }) => direction),
      ['in', 'out'],
    )
    await Promise.all([alice.close(), peer.close()])
  })

  it('rejects what the system refuses to send, and what is sent after the end', async () => {
    const user = { received() {}, unreadable() {}, sent() {}, ended() {} }
    const socket = await openUdp(
      { log: silentLogger, user },
      { host: '127.0.0.1', port: 0, advertise: (bound) => bound },
    )
    const flow = await socket.connect({ protocol: 'udp', host: '127.0.0.1', port: 9 })
    await assert.rejects(flow.send('x'.repeat(70_000)), { code: 'TRANSPORT' })
    await socket.close()
    assert.equal(flow.isOpen, false)
    await assert.rejects(flow.send('x'), { code: 'CLOSED' })
  })

  it('gives 503 to an INVITE that is larger than a datagram', async () => {
    const alice = await Party.open('alice')
    const { outcome } = alice.call('sip:x@127.0.0.1', { headers: [['X', 'x'.repeat(70_000)]] })
    const { status, reason } = (await outcome).response
    assert.equal(status, 503)
    assert.match(reason, /^cannot send to udp 127\.0\.0\.1:5060: .*EMSGSIZE/)
    await alice.close()
  })

  it('survives whatever its receiver throws', async () => {
    const errors: string[] = []
    const log = { ...silentLogger, error: (_fields: object, message: string) => errors.push(message) }
    const peer = await RawPeer.open()
    const heard = new Promise<void>((resolve) => {
      let count = 0
      const received = (): void => {
        if (++count === 2) resolve()
        throw new Error('broken')
      }
      const user = { received, unreadable() {}, sent() {}, ended() {} }
      void openUdp({ log, user }, { host: '127.0.0.1', port: 0, advertise: (bound) => bound }).then((socket) => {
        peer.send('1', socket.listener?.local.port ?? 0)
        peer.send('2', socket.listener?.local.port ?? 0)
        void heard.then(() => socket.close())
      })
    })
    await within(heard, 'two datagrams to be received')
    assert.equal(errors[0], 'a SIP message could not be handled')
    await peer.close()
  })

  it('shows every message of a call in the trace, as it went over the wire', async () => {
    const alice = await Party.open('alice')
    const bob = await Party.open('bob')
    const { outcome } = alice.call(bob.address)
    ;(await bob.invites.next()).accept({ body: ANSWER })
    const result = await outcome
    assert.ok(result.kind === 'answered')
    await result.dialog.bye()
    const label = (text: string): string => text.replace('SIP/2.0 ', '').split(' ', 1)[0] ?? ''
    assert.deepEqual(
      alice.wire.map(({ direction, text }) => `${direction} ${label(text)}`),
      ['out INVITE', 'in 100', 'in 200', 'out ACK', 'out BYE', 'in 200'],
    )
    const [line] = alice.wire
    assert.equal(line?.local, `127.0.0.1:${alice.endpoint.local.port}`)
    assert.equal(line?.remote, `127.0.0.1:${bob.endpoint.local.port}`)
    assert.match(line?.text ?? '', /\r\nVia: SIP\/2.0\/UDP 127.0.0.1:\d+;branch=z9hG4bK[0-9a-f]{16};rport\r\n/)
    await Promise.all([alice.close(), bob.close()])
  })

  it('keeps credentials out of the trace', async () => {
    const peer = await RawPeer.open()
    const authenticator = {
      answer: () => [['Authorization', 'Digest username="a", response="5ec7e7", nonce="n0nce"'] as const],
    }
    const alice = await Party.open('alice', { agent: { authenticator } })
    const result = alice.agent.request({ method: 'OPTIONS', target: peer.uri, sipCallId: 'x', cseq: 1 })
    peer.answer(await peer.requests.next(), 401, { headers: ['WWW-Authenticate: Digest realm="r", nonce="n"'] })
    const second = await peer.requests.next()
    assert.match(second.text, /5ec7e7/)
    peer.answer(second, 200)
    await result
    assert.ok(!alice.wire.some(({ text }) => text.includes('5ec7e7') || text.includes('n0nce')))
    await Promise.all([alice.close(), peer.close()])
  })

  it('hands requests for any user to the account that wants them', async () => {
    const peer = await RawPeer.open()
    const trunk = await Party.open('trunk', { agent: { anyUser: true } })
    for (const uri of ['sip:+4930123@192.0.2.1', 'sip:192.0.2.1', 'tel:+4930123']) {
      const via = peer.via(`any${uri.length}`)
      const request = requestText({ uri, via, callId: uri, method: 'OPTIONS' })
      assert.equal((await peer.ask(request, trunk.endpoint.local.port)).status, 200)
    }
    await Promise.all([trunk.close(), peer.close()])
  })
})
