/** What is WebSocket's own: handshakes, messages, limits (RFC 7118). What all transports share: test/contract. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { WebSocketServer } from 'ws'
import { systemClock } from '../../../src/base/clock.js'
import { silentLogger } from '../../../src/base/logger.js'
import type { Flow } from '../../../src/sip/transport/flow.js'
import { TCP } from '../../../src/sip/transport/tcp.js'
import type { SipTransport } from '../../../src/sip/transport/transport.js'
import { openWs } from '../../../src/sip/transport/ws/ws.js'
import { authority } from '../../support/certificates.js'
import { FakeClock } from '../../support/fake-clock.js'
import { requestText } from '../../support/sip-messages.js'
import { establish, Inbox, Party, testTls } from '../../support/sip-parties.js'
import { until, within } from '../../support/wait.js'
import { rawHttp, upgradeRequest, WsPeer } from '../../support/ws-peer.js'

const HOST = '127.0.0.1'
const options = (branch: string): string =>
  requestText({
    method: 'OPTIONS',
    uri: 'sip:bob@127.0.0.1',
    via: `SIP/2.0/WS x.invalid;branch=z9hG4bK${branch}`,
    callId: branch,
  })

interface Received {
  text: string
  flow: Flow
}

/** A transport of its own, and what it reports. */
async function openTransport(init: { clock?: FakeClock; origins?: string[]; port?: number; path?: string } = {}) {
  const received = new Inbox<Received>('a message over a WebSocket')
  const ended = new Inbox<Flow>('the end of a WebSocket')
  const { clock, port, ...settings } = init
  const transport = await openWs(
    { protocol: 'ws', connections: TCP, settings },
    {
      clock: clock ?? systemClock,
      log: silentLogger,
      user: {
        received: (bytes, flow) => received.put({ text: bytes.toString(), flow }),
        unreadable: () => assert.fail('a WebSocket has no unreadable stream'),
        sent: () => undefined,
        ended: (flow) => ended.put(flow),
      },
    },
    { host: HOST, advertise: (bound) => bound, ...(port !== undefined && { port }) },
  )
  return { transport, received, ended, bound: transport.listener?.local.port ?? 0 }
}

describe('the handshake of a WebSocket listener (RFC 7118 4)', () => {
  let transport: SipTransport
  let port: number
  const listen = async (init: Parameters<typeof openTransport>[0] = {}): Promise<void> => {
    ;({ transport, bound: port } = await openTransport({ port: 0, ...init }))
  }
  const statusOf = async (request: string): Promise<string> => (await rawHttp(port, request)).split(' ', 2)[1] ?? ''
  afterEach(() => transport.close())

  it('chooses the subprotocol sip, also among others, and names it', async () => {
    await listen()
    for (const offered of ['sip', 'msrp, sip', 'sip,xmpp']) {
      const peer = await WsPeer.connect(port, {
        protocols: undefined,
        headers: { 'Sec-WebSocket-Protocol': offered },
      } as object)
      await peer.close()
    }
    const peer = await WsPeer.connect(port)
    assert.equal(peer.socket.protocol, 'sip')
    await peer.close()
  })

  it('answers 400 without the subprotocol sip', async () => {
    await listen()
    for (const offered of [undefined, 'xmpp', 'SIPs', 'msrp, chat']) {
      const answer = await rawHttp(port, upgradeRequest({ 'Sec-WebSocket-Protocol': offered }))
      assert.match(answer, /^HTTP\/1\.1 400 [\s\S]*Offer the subprotocol "sip"/)
    }
  })

  it('answers 403 to a page of a foreign origin, and takes one of the same host', async () => {
    await listen()
    const answer = await rawHttp(port, upgradeRequest({ Origin: 'https://evil.example' }))
    assert.match(answer, /^HTTP\/1\.1 403 [\s\S]*Pages of https:\/\/evil\.example may not connect here/)
    assert.equal(await statusOf(upgradeRequest({ Origin: 'null' })), '403')
    const peer = await WsPeer.connect(port, { origin: `http://${HOST}:1880` })
    await peer.close()
  })

  it('takes pages of the configured origins only', async () => {
    await listen({ origins: ['https://phone.example.com'] })
    const peer = await WsPeer.connect(port, { origin: 'https://phone.example.com' })
    await peer.close()
    assert.equal(await statusOf(upgradeRequest({ Origin: `http://${HOST}:1880` })), '403')
    await transport.close()
    await listen({ origins: ['*'] })
    await (await WsPeer.connect(port, { origin: 'https://any.example' })).close()
  })

  it('answers 426 and a short page to a request that is not an upgrade', async () => {
    await listen()
    for (const request of [
      'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
      'POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab',
    ]) {
      const answer = await rawHttp(port, request)
      assert.match(answer, /^HTTP\/1\.1 426 [\s\S]*\r\nUpgrade: websocket\r\n[\s\S]*takes SIP over WebSocket/)
    }
  })

  it('refuses upgrades to other protocols and malformed ones', async () => {
    await listen()
    assert.equal(await statusOf(upgradeRequest({ Upgrade: 'h2c' })), '400')
    assert.equal(await statusOf(upgradeRequest({ 'Sec-WebSocket-Key': 'short' })), '400')
    assert.equal(await statusOf(upgradeRequest({ 'Sec-WebSocket-Version': '7' })), '400')
    assert.equal(await statusOf('nonsense\r\n\r\n'), '400')
  })

  it('refuses an origin list that is wrong before it listens', async () => {
    await listen()
    await assert.rejects(openTransport({ port: 0, origins: ['phone'] }), { code: 'BAD_CONFIG' })
  })

  it('ends connections whose handshake stalls, within 10 s, and serves the others meanwhile', async () => {
    const clock = new FakeClock()
    await listen({ clock })
    const beginnings = ['', 'GET / HT', upgradeRequest().slice(0, -4), 'GET / HTTP/1.1\r\nHost: x\r\n', '\r\n']
    const stalled = await Promise.all(beginnings.map((text) => stalledConnection(port, text)))
    await (await WsPeer.connect(port)).close()
    clock.advance(10_000)
    await within(Promise.all(stalled.map(({ closed }) => closed)), 'the end of the stalled handshakes')
  })

  it('has 200 connections of one address at most, those in their handshake counted', async () => {
    await listen()
    const all = await Promise.all(Array.from({ length: 200 }, () => stalledConnection(port, '')))
    const one = await stalledConnection(port, '')
    await within(one.closed, 'the end of connection 201')
    all[0]?.socket.destroy()
    await until(async () => {
      const peer = await WsPeer.connect(port).catch(() => undefined)
      await peer?.close()
      return peer !== undefined
    }, 'a place to become free')
    for (const { socket } of all) socket.destroy()
  })

  it('gives its port back although handshakes and WebSockets are open', async () => {
    await listen()
    const stalled = await stalledConnection(port, 'GET')
    const peer = await WsPeer.connect(port)
    await within(transport.close(), 'the transport to close')
    await within(Promise.all([stalled.closed, peer.closed]), 'the ends of the connections')
    const again = await openTransport({ port })
    await again.transport.close()
  })
})

async function stalledConnection(port: number, text: string): Promise<{ socket: Socket; closed: Promise<void> }> {
  const socket = connect({ port, host: HOST })
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  socket.write(text)
  socket.resume()
  return { socket, closed }
}

describe('the messages of a WebSocket (RFC 7118 5)', () => {
  let clock: FakeClock
  let transport: SipTransport
  let received: Inbox<Received>
  let ended: Inbox<Flow>
  let peer: WsPeer

  beforeEach(async () => {
    clock = new FakeClock()
    const opened = await openTransport({ clock, port: 0 })
    ;({ transport, received, ended } = opened)
    peer = await WsPeer.connect(opened.bound)
  })
  afterEach(async () => {
    await peer.close()
    await transport.close()
  })
  const flow = async (): Promise<Flow> => {
    peer.send(options('first'))
    return (await received.next()).flow
  }
  /** A CRLF that comes back shows that the server has read everything before it. */
  const sync = async (): Promise<void> => {
    const before = peer.received.length
    peer.send('\r\n\r\n')
    await until(() => peer.received.length > before || peer.isClosed, 'a pong')
  }

  it('are taken as text, as binary and in fragments, one SIP message each', async () => {
    peer.send(options('text'))
    peer.send(Buffer.from(options('binary')))
    for (const part of [options('whole').slice(0, 50), options('whole').slice(50)]) {
      peer.socket.send(part, { fin: part.endsWith('\n') })
    }
    assert.equal((await received.next()).text, options('text'))
    assert.equal((await received.next()).text, options('binary'))
    assert.equal((await received.next()).text, options('whole'))
  })

  it('leave as text, and as binary if they hold octets that are not UTF-8', async () => {
    const to = await flow()
    await to.send('OPTIONS sip:a SIP/2.0\r\nSubject: Grüße ☎\r\n\r\n')
    await to.send('OPTIONS sip:a SIP/2.0\r\nSubject: Gr\udcfc\udcdfe\r\n\r\n')
    await peer.messages.next()
    await peer.messages.next()
    assert.deepEqual(
      peer.received.map(({ isBinary }) => isBinary),
      [false, true],
    )
    assert.match(peer.received[0]?.text ?? '', /Grüße ☎/)
  })

  it('that are CRLF CRLF are answered by CRLF, other keep-alives are not (RFC 7118 6, RFC 5626 3.5.1)', async () => {
    for (const text of ['\r\n', '\0', '', ' ']) peer.send(text)
    peer.send('\r\n\r\n')
    await until(() => peer.received.length > 0, 'an answer to CRLF CRLF')
    peer.send(options('a'))
    await received.next()
    assert.deepEqual(
      peer.received.map(({ text }) => text),
      ['\r\n'],
    )
  })

  it('end the connection if they are larger than 64 KB, or text that is not UTF-8', async () => {
    peer.send('x'.repeat(65_537))
    assert.equal(await peer.closed, 1009)
    const other = await WsPeer.connect(transport.listener?.local.port ?? 0)
    other.socket.send(Buffer.from([0x47, 0xfc]), { binary: false })
    assert.equal(await other.closed, 1007)
    assert.equal(received.waiting.length, 0)
    await ended.next()
    await ended.next()
  })

  it('end the connection 30 s after one began, however it trickles, pings and fragments of it as well', async () => {
    await flow()
    const frame = Buffer.from([0x01, 0x81, 0, 0, 0, 0, 0x4f]) // text, more follows
    const more = Buffer.from([0x00, 0x81, 0, 0, 0, 0, 0x4f])
    const ping = Buffer.from([0x89, 0x80, 0, 0, 0, 0])
    let pongs = 0
    peer.socket.on('pong', () => pongs++)
    await peer.sendRaw(frame)
    for (let n = 1; n <= 29; n++) {
      await peer.sendRaw(Buffer.concat([more, ping]))
      await until(() => pongs === n, 'a pong')
      clock.advance(1_000)
    }
    assert.equal(peer.isClosed, false)
    clock.advance(1_000)
    clock.advance(1_000)
    await within(peer.closed, 'the end of the connection')
  })

  it('end the connection after 30 s if none is ever sent', async () => {
    await sync()
    clock.advance(30_000)
    await within(peer.closed, 'the end of the connection')
  })

  it('keep a connection while they come; after 15 minutes of silence it ends', async () => {
    for (let n = 0; n < 5; n++) {
      peer.send(options(String(n)))
      await received.next()
      clock.advance(600_000)
    }
    assert.equal(peer.isClosed, false)
    clock.advance(300_000)
    await within(peer.closed, 'the end of the connection')
  })

  it('wait for a peer that reads nothing up to 1 MB', async () => {
    const to = await flow()
    ;(await peer.connection()).pause()
    const text = 'x'.repeat(60_000)
    let refusal: { code?: string } | undefined
    for (let sent = 0; !refusal && sent < 1_000; sent++) {
      to.send(text).catch((error: { code?: string }) => {
        refusal ??= error
      })
      await new Promise((resolve) => setImmediate(resolve))
    }
    assert.equal(refusal?.code, 'TRANSPORT')
    assert.equal(to.isOpen, false)
    assert.equal(await ended.next(), to)
    clock.advance(1_000) // it does not answer the close frame
  })

  it('are taken from a peer that has ended the WebSocket no more, and its end is reported once', async () => {
    const to = await flow()
    assert.deepEqual([to.isOurs, to.isOpen, to.isReliable], [false, true, true])
    assert.equal(transport.flowTo(to.remote), to)
    peer.socket.close()
    assert.equal(await ended.next(), to)
    await peer.closed
    assert.equal(to.isOpen, false)
    assert.equal(transport.flowTo(to.remote), undefined)
    await assert.rejects(to.send(options('late')), { code: 'TRANSPORT' })
    to.close()
    assert.equal(ended.waiting.length, 0)
  })

  it('leave by the flow that their request came by until the peer has been silent too long', async () => {
    const to = await flow()
    to.suspect(5_000)
    assert.equal(to.isOpen, true)
    clock.advance(5_000)
    to.suspect(5_000)
    assert.equal(to.isOpen, false)
    assert.equal(await peer.closed, 1001)
  })
})

describe('connections to a WebSocket server', () => {
  const servers: Server[] = []
  let transport: SipTransport
  let ended: Inbox<Flow>
  let received: Inbox<Received>
  let clock: FakeClock
  const open = async (init: { path?: string } = {}): Promise<void> => {
    clock = new FakeClock()
    ;({ transport, ended, received } = await openTransport({ clock, ...init }))
  }
  afterEach(async () => {
    await transport.close()
    for (const server of servers.splice(0)) server.close().closeAllConnections()
  })
  const serve = async (server: Server): Promise<number> => {
    servers.push(server)
    server.listen(0, HOST)
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }

  it('name the host and the path, offer the subprotocol sip, and share one WebSocket', async () => {
    await open({ path: '/sip/ws' })
    const upgrades: [string | undefined, string | undefined, string | undefined, string | undefined][] = []
    const server = createServer()
    const sockets = new WebSocketServer({ server, handleProtocols: () => 'sip' })
    sockets.on('connection', (socket, { url, headers }) => {
      upgrades.push([url, headers.host, headers['sec-websocket-protocol'], headers.origin])
      socket.send(options('at-once'))
    })
    const port = await serve(server)
    const to = { protocol: 'ws', host: HOST, port, name: 'pbx.example.com' } as const
    const [flow, same] = await Promise.all([transport.connect(to), transport.connect(to)])
    assert.equal(flow, same)
    assert.deepEqual(upgrades, [['/sip/ws', `pbx.example.com:${port}`, 'sip', undefined]])
    assert.equal((await received.next()).text, options('at-once'))
    // RFC 7118 5: a client has no address.
    assert.match(flow.sentBy, /^[a-z0-9]+\.invalid$/)
    assert.deepEqual([flow.isOurs, flow.remote], [true, { protocol: 'ws', host: HOST, port }])
    assert.equal(transport.listener, undefined)
    assert.equal(transport.flowTo(to), flow)
    for (const socket of sockets.clients) socket.close()
    assert.equal(await ended.next(), flow)
    const next = await transport.connect(to)
    assert.notEqual(next, flow)
    assert.equal(next.sentBy, flow.sentBy, 'the Contact stays the same')
    sockets.close()
  })

  it('are pinged, and end if a server that has answered a ping stops to (RFC 7118 6, RFC 5626 4.4.1)', async () => {
    await open()
    const server = createServer()
    const sockets = new WebSocketServer({ server, handleProtocols: () => 'sip', autoPong: false })
    const port = await serve(server)
    const arrived = new Inbox<string>('a message at the server')
    let pings = 0
    sockets.on('connection', (socket) => {
      socket.on('message', () => arrived.put('message'))
      socket.on('ping', () => {
        if (++pings > 1) return
        socket.pong()
        socket.send(options('after-the-pong'))
      })
    })
    const flow = await transport.connect({ protocol: 'ws', host: HOST, port })
    /** The message shows that the server has got everything before it. */
    const untilPing = async (count: number): Promise<void> => {
      clock.advance(94_000)
      for (let sec = 94; pings < count && sec <= 120; sec++) {
        clock.advance(1_000)
        await flow.send(options('behind'))
        await arrived.next()
      }
      assert.equal(pings, count)
    }
    await untilPing(1)
    await received.next()
    await untilPing(2)
    assert.equal(flow.isOpen, true)
    clock.advance(10_000)
    assert.equal(flow.isOpen, false)
    assert.equal(await ended.next(), flow)
    sockets.close()
  })

  it('fail with the reason of the server', async () => {
    await open()
    const plain = await serve(createServer((_, response) => response.writeHead(404).end()))
    const silent = await serve(createServer().on('upgrade', (_, socket) => socket.destroy()))
    const other = createServer()
    new WebSocketServer({ server: other, handleProtocols: () => false })
    const otherPort = await serve(other)
    const cases: [number, RegExp][] = [
      [plain, /: the server refuses a WebSocket with 404 Not Found$/],
      [silent, /: socket hang up$/],
      [otherPort, /: the server does not speak SIP over WebSocket: it does not take the subprotocol "sip"$/],
    ]
    for (const [port, message] of cases) {
      const to = { protocol: 'ws', host: HOST, port } as const
      await assert.rejects(transport.connect(to), { code: 'TRANSPORT', message })
      assert.equal(transport.flowTo(to), undefined)
    }
    const numbers = { protocol: 'ws', host: HOST, port: plain, name: '1.2.3.4.5' } as const
    await assert.rejects(transport.connect(numbers), { message: /: 1\.2\.3\.4\.5:\d+ cannot stand in the URL/ })
  })

  it('refuse a path that is wrong', async () => {
    await open()
    for (const path of ['ws', '/a b', '/a\r\nX: y', '/a#b', '']) {
      await assert.rejects(openTransport({ path }), { code: 'BAD_CONFIG' })
    }
  })

  it('fail if the server never answers the handshake', async () => {
    await open()
    const silent = createTcpServer((socket) => socket.on('error', () => undefined))
    silent.listen(0, HOST)
    await once(silent, 'listening')
    const connected = once(silent, 'connection')
    const connecting = transport.connect({ protocol: 'ws', host: HOST, port: (silent.address() as AddressInfo).port })
    const [socket] = (await connected) as [Socket]
    await once(socket, 'data')
    clock.advance(10_000)
    await assert.rejects(connecting, { code: 'TRANSPORT' })
    silent.close()
  })
})

describe('SIP over WSS', () => {
  const opened: Party[] = []
  const party = async (user: string, init: Parameters<typeof Party.open>[1]): Promise<Party> => {
    const it = await Party.open(user, init)
    opened.push(it)
    return it
  }
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((it) => it.close()))
  })
  const options = async (from: Party, target: string) =>
    (await from.agent.request({ method: 'OPTIONS', target, sipCallId: 'x', cseq: 1 })).response

  it('an endpoint without a listener of it calls by it, and is reached by its connection', async () => {
    const bob = await party('bob', { protocol: 'wss' })
    const alice = await party('alice', { protocol: 'udp', tls: testTls() })
    const { callerDialog, calleeDialog } = await establish(alice, bob)
    const contact = bob.wire.find(({ text }) => text.startsWith('INVITE'))?.text.match(/Contact: <(.*?)>/)?.[1]
    // RFC 7118 5: over TLS as well.
    assert.match(contact ?? '', /^sip:alice-contact@[a-z0-9]+\.invalid;transport=ws$/)
    assert.equal((await calleeDialog.request('INFO')).status, 200)
    assert.equal((await callerDialog.bye()).status, 200)
    assert.deepEqual([...new Set(alice.wire.map(({ protocol }) => protocol))], ['wss'])
  })

  it('a sips: target with transport=ws is called by WSS (RFC 3261 26.2.2)', async () => {
    const bob = await party('bob', { protocol: 'wss' })
    const alice = await party('alice', { protocol: 'udp', tls: testTls() })
    const { port } = bob.endpoint.local
    assert.equal((await options(alice, `sips:bob@127.0.0.1:${port};transport=ws`)).status, 200)
    assert.equal(alice.wire[0]?.protocol, 'wss')
  })

  it('a certificate that is not trusted ends the connection with the reason', async () => {
    const bob = await party('bob', { protocol: 'wss' })
    const alice = await party('alice', { protocol: 'udp', tls: { ca: { file: authority.strangerFile } } })
    const response = await options(alice, bob.address)
    assert.equal(response.status, 503)
    assert.match(response.reason, /CERTIFICATE_UNKNOWN_ISSUER/)
  })

  it('a handshake that stalls is ended within 10 s, in TLS and after it', async () => {
    const clock = new FakeClock()
    const bob = await party('bob', { protocol: 'wss', clock })
    const { port } = bob.endpoint.local
    const inTls = await stalledConnection(port, '')
    const secured = connectTls({ port, host: HOST, rejectUnauthorized: false })
    secured.on('error', () => undefined)
    await once(secured, 'secureConnect')
    secured.write('GET / HTTP/1.1\r\nHost')
    const ended = Promise.all([inTls.closed, once(secured.resume(), 'close')])
    await until(() => {
      clock.advance(500)
      return clock.now() <= 10_000 ? secured.closed && inTls.socket.closed : true
    }, 'the end of the handshakes')
    await within(ended, 'the end of the stalled handshakes')
    assert.ok(clock.now() <= 10_500)
  })
})
