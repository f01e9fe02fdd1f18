/** What is TCP's own: framing, flows, limits (RFC 3261 18, RFC 5626). What all transports share: test/contract. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, Socket } from 'node:net'
import { silentLogger } from '../../../src/base/logger.js'
import { openTcp } from '../../../src/sip/transport/tcp.js'
import type { SipTransport } from '../../../src/sip/transport/transport.js'
import { isLocal, type SipAddress } from '../../../src/sip/types.js'
import { FakeClock } from '../../support/fake-clock.js'
import { tell } from '../../support/figures.js'
import { RawPeer } from '../../support/raw-peer.js'
import { requestText } from '../../support/sip-messages.js'
import { Inbox, OFFER, Party } from '../../support/sip-parties.js'
import { StreamListener, StreamPeer } from '../../support/stream-peer.js'

const via = (port: number, branch: string): string => `SIP/2.0/TCP 127.0.0.1:${port};branch=z9hG4bK${branch}`
const options = (port: number, branch: string): string =>
  requestText({ method: 'OPTIONS', uri: 'sip:bob@127.0.0.1', via: via(port, branch), callId: branch })
const statusOf = (text: string): string => text.split(' ', 2)[1] ?? ''

describe('SIP over TCP', () => {
  let bob: Party
  let peer: StreamPeer

  beforeEach(async () => {
    bob = await Party.open('bob', { protocol: 'tcp' })
    peer = await StreamPeer.connect(bob.endpoint.local.port)
  })
  afterEach(async () => {
    await peer.close()
    await bob.close()
  })

  it('answers many requests of one segment on the connection that brought them, though Via names another port', async () => {
    peer.send(options(9, 'a') + options(9, 'b') + options(9, 'c'))
    const answers = [await peer.messages.next(), await peer.messages.next(), await peer.messages.next()]
    assert.deepEqual(
      answers.map((text) => [statusOf(text), /branch=z9hG4bK(\w)/.exec(text)?.[1]]),
      [
        ['200', 'a'],
        ['200', 'b'],
        ['200', 'c'],
      ],
    )
    assert.ok(!answers[0]?.includes('rport'))
  })

  it('answers a ping by a pong (RFC 5626 3.5.1)', async () => {
    peer.send(`\r\n\r\n${options(9, 'a')}`)
    await peer.messages.next()
    assert.deepEqual(
      peer.framed.map(({ kind }) => kind),
      ['pong', 'message'],
    )
  })

  for (const [name, line] of [
    ['no Content-Length', ''],
    ['a wrong one', 'Content-Length: -1\r\n'],
    ['two of them', 'Content-Length: 0\r\nContent-Length: 5\r\n'],
  ]) {
    it(`ends a connection on which a request has ${name}, after a 400; what follows is not answered`, async () => {
      const broken = options(9, 'a').replace('Content-Length: 0\r\n', line ?? '')
      peer.send(broken + options(9, 'hidden'))
      assert.equal(statusOf(await peer.messages.next()), '400')
      await peer.closed
      assert.equal(peer.messages.waiting.length, 0)
      assert.deepEqual(bob.lines('in'), [])
      tell(`hidden behind ${name}: answered`, `${peer.messages.waiting.length} of 1`, 'none')
    })
  }

  it('sends each message at once, by connections of both directions: nothing waits for the ACK before it (Nagle)', async () => {
    const { setNoDelay } = Socket.prototype
    const told: (boolean | undefined)[] = []
    Socket.prototype.setNoDelay = function (on) {
      told.push(on)
      return setNoDelay.call(this, on)
    }
    const alice = await Party.open('alice', { protocol: 'tcp' })
    try {
      await alice.agent.request({ method: 'OPTIONS', target: bob.address, sipCallId: 'x', cseq: 1 })
    } finally {
      Socket.prototype.setNoDelay = setNoDelay
      await alice.close()
    }
    assert.deepEqual(told, [true, true])
  })

  it('goes on after a request that is wrong but has an end', async () => {
    peer.send(options(9, 'a').replace('CSeq: 314159 OPTIONS', 'CSeq: x OPTIONS') + options(9, 'b'))
    assert.deepEqual([statusOf(await peer.messages.next()), statusOf(await peer.messages.next())], ['400', '200'])
  })

  it('opens a connection to where the Via says for an answer whose connection has ended (18.2.2)', async () => {
    const listener = await StreamListener.open()
    peer.send(requestText({ uri: 'sip:bob@127.0.0.1', via: via(listener.port, 'a'), body: OFFER.content }))
    const invite = await bob.invites.next()
    await peer.close()
    await peer.closed
    await new Promise((resolve) => setImmediate(resolve))
    invite.reject(486)
    const back = await listener.connections.next()
    assert.equal(statusOf(await back.messages.next()), '486')
    await listener.close()
  })

  it('tells 503 at once where nobody listens, and when the connection ends before any answer', async () => {
    const listener = await StreamListener.open()
    const { port } = listener
    const first = bob.call(`sip:x@127.0.0.1:${port}`)
    const connection = await listener.connections.next()
    assert.match(await connection.messages.next(), /^INVITE /)
    await connection.close()
    const ended = await first.outcome
    assert.ok(ended.kind === 'failed' && isLocal(ended.response) && ended.response.status === 503)
    assert.ok(!ended.response.unsent, 'the peer may have the INVITE')
    await listener.close()
    const second = await bob.call(`sip:x@127.0.0.1:${port}`).outcome
    assert.ok(second.kind === 'failed' && isLocal(second.response) && second.response.status === 503)
    assert.ok(second.response.unsent)
  })

  it('uses one connection for all requests to the same peer, takes its requests there and tells when it ends', async () => {
    const listener = await StreamListener.open()
    const lost = new Inbox<SipAddress>('the end of a connection')
    const init = { handlers: { admit: () => ({ admit: true }) as const, invite() {}, flowLost: lost.put.bind(lost) } }
    const alice = await Party.open('alice', { protocol: 'udp+tcp', agent: { protocol: 'tcp', ...init } })
    const target = `sip:127.0.0.1:${listener.port}`
    for (const cseq of [1, 2]) void alice.agent.request({ method: 'REGISTER', target, sipCallId: 'x', cseq })
    const connection = await listener.connections.next()
    assert.match(await connection.messages.next(), /^REGISTER [\s\S]*Via: SIP\/2.0\/TCP /)
    assert.match(await connection.messages.next(), /^REGISTER [\s\S]*Contact|CSeq: 2/)
    connection.send(options(listener.port, 'a').replace('sip:bob@', 'sip:alice@'))
    assert.match(await connection.messages.next(), /^SIP\/2.0 200/)
    assert.equal(listener.connections.waiting.length, 0)
    await connection.close()
    assert.deepEqual(await lost.next(), { protocol: 'tcp', host: '127.0.0.1', port: listener.port })
    await Promise.all([alice.close(), listener.close()])
  })
})

describe('SIP over UDP and TCP at one port', () => {
  const large = { headers: [['X-Large', 'x'.repeat(1_400)] as const] }

  it('listens on both, answers each by its own', async () => {
    const bob = await Party.open('bob', { protocol: 'udp+tcp' })
    const { port } = bob.endpoint.local
    const [datagrams, stream] = [await RawPeer.open(), await StreamPeer.connect(port)]
    stream.send(options(9, 'a'))
    assert.match(await stream.messages.next(), /^SIP\/2.0 200/)
    const overUdp = options(datagrams.port, 'b').replace('/TCP', '/UDP')
    assert.equal((await datagrams.ask(overUdp, port)).status, 200)
    await Promise.all([bob.close(), datagrams.close(), stream.close()])
  })

  it('sends requests of more than 1300 octets by TCP, small ones by UDP (18.1.1)', async () => {
    const alice = await Party.open('alice', { protocol: 'udp+tcp' })
    const bob = await Party.open('bob', { protocol: 'udp+tcp' })
    alice.call(bob.address)
    assert.equal((await bob.invites.next()).request.source.protocol, 'udp')
    const { invite, outcome, progress } = alice.call(bob.address, large)
    const incoming = await bob.invites.next()
    assert.equal(incoming.request.source.protocol, 'tcp')
    assert.match(incoming.request.header('Via') ?? '', /^SIP\/2.0\/TCP /)
    incoming.progress(180)
    await progress.next()
    invite.cancel()
    const result = await outcome
    assert.ok(result.kind === 'failed' && result.response.status === 487)
    await Promise.all([alice.close(), bob.close()])
  })

  it('sends a large one by UDP where the peer refuses the connection', async () => {
    const alice = await Party.open('alice', { protocol: 'udp+tcp' })
    const bob = await Party.open('bob')
    const callsByUdp = async () => {
      alice.call(bob.address, large)
      const { request } = await bob.invites.next()
      assert.equal(request.source.protocol, 'udp')
      assert.match(request.header('Via') ?? '', /^SIP\/2.0\/UDP /)
    }
    await callsByUdp()
    // It is remembered: nobody waits again for a connection that may take seconds to fail.
    const late = createServer().listen(bob.endpoint.local.port, '127.0.0.1')
    await once(late, 'listening')
    await callsByUdp()
    await Promise.all([alice.close(), bob.close(), new Promise((resolve) => late.close(resolve))])
  })

  it('goes where the URI says, else where the account prefers to', async () => {
    const bob = await Party.open('bob', { protocol: 'udp+tcp' })
    const sources: string[] = []
    bob.request = ({ source }) => sources.push(source.protocol) && 200
    for (const prefer of ['udp', 'tcp', undefined] as const) {
      const agent = prefer ? { protocol: prefer } : {}
      const alice = await Party.open('alice', { protocol: 'udp+tcp', agent })
      for (const parameter of ['', ';transport=tcp', ';transport=UDP']) {
        const target = `${bob.address}${parameter}`
        const { response } = await alice.agent.request({ method: 'MESSAGE', target, sipCallId: 'x', cseq: 1 })
        assert.equal(response.status, 200)
      }
      assert.match(alice.agent.contactUri, prefer === 'tcp' ? /;transport=tcp$/ : /:\d+$/)
      await alice.close()
    }
    assert.deepEqual(sources, ['udp', 'tcp', 'udp', 'tcp', 'tcp', 'udp', 'udp', 'tcp', 'udp'])
    await bob.close()
  })
})

describe('slow and lying TCP peers', () => {
  let clock: FakeClock
  let transport: SipTransport
  let received: Inbox<string>
  let lost: Inbox<boolean>
  const opened: StreamPeer[] = []

  beforeEach(async () => {
    clock = new FakeClock()
    received = new Inbox('a message over TCP')
    lost = new Inbox('the end of a connection')
    transport = await openTcp(
      {
        clock,
        log: silentLogger,
        user: {
          received: (bytes) => received.put(bytes.toString()),
          unreadable() {},
          sent() {},
          ended: ({ isOurs }) => lost.put(isOurs),
        },
      },
      { host: '127.0.0.1', port: 0, advertise: (bound) => bound },
    )
  })
  afterEach(async () => {
    await transport.close()
    await Promise.all(opened.splice(0).map((peer) => peer.close()))
  })

  const port = (): number => transport.listener?.local.port ?? 0
  const isConnected = (to: SipAddress): boolean => transport.flowTo(to) !== undefined
  const send = async (text: string, to: SipAddress): Promise<void> => (await transport.connect(to)).send(text)
  const connect = async (): Promise<StreamPeer> => {
    const peer = await StreamPeer.connect(port())
    opened.push(peer)
    return peer
  }
  /** A pong shows that what came before has been read. */
  const sync = async (peer: StreamPeer): Promise<void> => {
    const before = peer.framed.length
    while (peer.framed.length === before && !peer.socket.destroyed)
      await new Promise((resolve) => setImmediate(resolve))
  }

  it('are let go 30 s after a message began, however they trickle', async () => {
    const peer = await connect()
    // One whole message before: the time that strangers get for their first one is not what ends it.
    peer.send(options(9, 'whole'))
    await received.next()
    peer.send('\r\n\r\nOPTIONS sip:')
    await sync(peer)
    for (let n = 0; n < 29; n++) {
      peer.send('x')
      clock.advance(1_000)
    }
    assert.equal(peer.socket.destroyed, false)
    clock.advance(1_000)
    await peer.closed
    console.log('      stalled in mid-message: closed after 30 s (35 s)')
  })

  it('are let go when they never say anything', async () => {
    const peer = await connect()
    peer.send('\r\n\r\n')
    await sync(peer)
    clock.advance(30_000)
    await peer.closed
  })

  it('keep their connection while whole messages come, and lose it after 15 minutes of silence', async () => {
    const peer = await connect()
    for (let n = 0; n < 5; n++) {
      peer.send(options(9, String(n)))
      await received.next()
      clock.advance(600_000)
    }
    assert.equal(peer.socket.destroyed, false)
    clock.advance(300_000)
    await peer.closed
  })

  it('that keep a connection alive by CR LF NUL or other octets between messages keep the connection and lose no message', async () => {
    const peer = await connect()
    peer.send(options(9, 'first'))
    await received.next()
    for (const noise of ['\r\n\0', '\0\0\0\0', '\n', '\r', ' ']) {
      // The ping in front shows that the same segment has been read.
      peer.send(`\r\n\r\n${noise}`)
      await sync(peer)
      clock.advance(35_000)
      assert.equal(peer.socket.destroyed, false, JSON.stringify(noise))
      peer.send(options(9, 'next'))
      assert.equal(await received.next(), options(9, 'next'))
    }
  })

  it('that read nothing hold 1 MB at most', async () => {
    const peer = await connect()
    peer.socket.pause()
    peer.send(options(9, 'a'))
    await received.next()
    const to: SipAddress = { protocol: 'tcp', host: '127.0.0.1', port: peer.port }
    const text = 'x'.repeat(60_000)
    let refusal: unknown
    let sent = 0
    while (!refusal && sent < 1_000) {
      sent++
      send(text, to).catch((error: unknown) => {
        refusal ??= error
      })
      await new Promise((resolve) => setImmediate(resolve))
    }
    assert.equal((refusal as { code: string }).code, 'TRANSPORT')
    assert.equal(isConnected(to), false)
    assert.equal(await lost.next(), false)
  })

  it('have 200 connections of one address at most', async () => {
    const peers = await Promise.all(Array.from({ length: 200 }, connect))
    const one = await connect()
    await one.closed
    peers[0]?.send(options(9, 'a'))
    await received.next()
    await peers[1]?.close()
    while (!(await tryAgain())) await new Promise((resolve) => setImmediate(resolve))
  })

  it('keep nobody out: of 1,000 the oldest stranger gives way, but nobody who was answered', async () => {
    const known = await connect()
    await send('SIP/2.0 200 OK', { protocol: 'tcp', host: '127.0.0.1', port: known.port })
    const strangers: StreamPeer[] = []
    for (let n = 0; n < 999; n++) {
      const from = `127.0.0.${2 + (n % 5)}`
      strangers.push(await StreamPeer.connect(port(), '127.0.0.1', from))
    }
    opened.push(...strangers)
    const late = await StreamPeer.connect(port(), '127.0.0.1', '127.0.0.9')
    opened.push(late)
    late.send(options(9, 'late'))
    assert.match(await received.next(), /z9hG4bKlate/)
    await strangers[0]?.closed
    known.send(options(9, 'known'))
    assert.match(await received.next(), /z9hG4bKknown/)
  })

  it('that swallow requests lose the connection, and the next request opens another', async () => {
    const listener = await StreamListener.open()
    const to: SipAddress = { protocol: 'tcp', host: '127.0.0.1', port: listener.port }
    await send(options(9, 'a'), to)
    const first = await listener.connections.next()
    await first.messages.next()
    clock.advance(20_000)
    first.send(options(9, 'b'))
    await received.next()
    clock.advance(31_000)
    transport.flowTo(to)?.suspect(32_000)
    assert.equal(isConnected(to), true)
    clock.advance(1_000)
    transport.flowTo(to)?.suspect(32_000)
    await first.closed
    assert.equal(await lost.next(), true)
    await send(options(9, 'c'), to)
    assert.match(await (await listener.connections.next()).messages.next(), /z9hG4bKc/)
    await listener.close()
  })

  const tryAgain = async (): Promise<boolean> => {
    const peer = await connect()
    peer.send('\r\n\r\n')
    return Promise.race([peer.closed.then(() => false), sync(peer).then(() => true)])
  }

  it('that once answered a ping are dead when they do not any more (RFC 5626 4.4.1)', async () => {
    const listener = await StreamListener.open()
    const to: SipAddress = { protocol: 'tcp', host: '127.0.0.1', port: listener.port }
    await send(options(9, 'a'), to)
    const peer = await listener.connections.next()
    await peer.messages.next()
    const pings = () => peer.framed.filter(({ kind }) => kind === 'ping').length
    const untilPing = async (count: number) => {
      while (pings() < count) {
        clock.advance(1_000)
        for (let n = 0; n < 10; n++) await new Promise((resolve) => setImmediate(resolve))
      }
    }
    await untilPing(1)
    peer.send(`\r\n${options(9, 'b')}`)
    await received.next()
    await untilPing(2)
    clock.advance(8_000) // the ping was one to two seconds old when it was seen
    assert.equal(isConnected(to), true)
    clock.advance(2_000)
    await peer.closed
    assert.equal(await lost.next(), true)
    await listener.close()
  })
})
