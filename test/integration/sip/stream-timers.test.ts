/** RFC 3261 17, 13.3.1.4: over TCP nothing is repeated but a 2xx to INVITE, whose way may lead over UDP further on. */
import assert from 'node:assert/strict'
import { FakeClock } from '../../support/fake-clock.js'
import { requestText, SDP } from '../../support/sip-messages.js'
import { ANSWER, Party } from '../../support/sip-parties.js'
import { StreamListener, StreamPeer } from '../../support/stream-peer.js'
import { called, within } from '../../support/wait.js'

const TIMEOUT = { status: 408, reason: 'Request Timeout', local: true }

describe('the timers of a transaction over TCP', () => {
  let alice: Party
  let clock: FakeClock
  let peers: { close(): Promise<void> }[]

  beforeEach(async () => {
    clock = new FakeClock()
    alice = await Party.open('alice', { clock, protocol: 'tcp' })
    peers = []
  })
  afterEach(() => Promise.all([alice.close(), ...peers.map((peer) => peer.close())]))

  let probes = 0

  const text = (method: string, parts: { callId: string; branch: string; to?: string; port: number; cseq?: number }) =>
    requestText({
      method,
      uri: alice.address,
      via: `SIP/2.0/TCP 127.0.0.1:${parts.port};branch=z9hG4bK${parts.branch}`,
      callId: parts.callId,
      to: parts.to ?? '<sip:alice@example.com>',
      cseq: `${parts.cseq ?? 1} ${method}`,
      ...(method === 'INVITE' ? { body: SDP } : {}),
    }).replace('<sip:alice@192.0.2.1:5060>', `<sip:peer@127.0.0.1:${parts.port};transport=tcp>`)

  /** All that has come by this connection until now. */
  async function heardBy(peer: StreamPeer): Promise<string[]> {
    const callId = `probe-${++probes}@test`
    peer.send(text('OPTIONS', { callId, branch: `probe${probes}`, port: peer.port }))
    const messages = () => peer.framed.flatMap((item) => (item.kind === 'message' ? [item.bytes.toString()] : []))
    while (!messages().some((message) => message.includes(callId))) await peer.messages.next()
    return messages().filter((message) => !message.includes('probe-'))
  }

  /** Our connection to a listener, seen from its end. */
  async function listen() {
    const listener = await StreamListener.open()
    peers.push(listener)
    return { target: `sip:peer@127.0.0.1:${listener.port};transport=tcp`, accepted: () => listener.connections.next() }
  }

  async function connect() {
    const peer = await StreamPeer.connect(alice.endpoint.local.port)
    peers.push(peer)
    return peer
  }

  it('A, E: neither INVITE nor another request is repeated; B, F: both end with 408 after 64*T1', async () => {
    for (const method of ['INVITE', 'OPTIONS'] as const) {
      const { target, accepted } = await listen()
      const result =
        method === 'INVITE'
          ? alice.call(target).outcome.then(({ response }) => response)
          : alice.agent.request({ method, target, sipCallId: 'o@test', cseq: 1 }).then(({ response }) => response)
      const peer = await accepted()
      await peer.messages.next()
      for (const ms of [500, 1_000, 14_000, 16_499]) {
        clock.advance(ms)
        // Pings keep the connection; here only requests count.
        assert.equal((await heardBy(peer)).filter((message) => message.startsWith(method)).length, 1)
      }
      clock.advance(1)
      assert.deepEqual(await within(result, `the 408 to ${method}`), TIMEOUT)
    }
  })

  it('G: a failure is sent once', async () => {
    const peer = await connect()
    peer.send(text('INVITE', { callId: 'refused@test', branch: 'refused', port: peer.port }))
    ;(await alice.invites.next()).reject(486)
    for (const ms of [500, 1_000, 40_000]) {
      clock.advance(ms)
      const failures = (await heardBy(peer)).filter((message) => message.startsWith('SIP/2.0 486'))
      assert.equal(failures.length, 1)
    }
  })

  it('the 2xx is repeated until its ACK all the same, and the call hears when none comes', async () => {
    const peer = await connect()
    peer.send(text('INVITE', { callId: 'taken@test', branch: 'taken', port: peer.port }))
    const dialog = (await alice.invites.next()).accept({ body: ANSWER })
    let timeouts = 0
    dialog.handlers.ackTimeout = () => timeouts++
    const answers = async () => (await heardBy(peer)).filter((message) => message.startsWith('SIP/2.0 200')).length
    assert.equal(await answers(), 1)
    clock.advance(500)
    assert.equal(await answers(), 2)
    clock.advance(31_499)
    assert.deepEqual([await answers(), timeouts], [11, 0])
    clock.advance(1)
    assert.equal(timeouts, 1)
  })

  it('the 2xx is not repeated after its ACK', async () => {
    const peer = await connect()
    peer.send(text('INVITE', { callId: 'acknowledged@test', branch: 'invite', port: peer.port }))
    const dialog = (await alice.invites.next()).accept({ body: ANSWER })
    const acknowledged = called(dialog.handlers, 'acknowledged')
    const to = `<sip:alice@example.com>;tag=${dialog.localTag}`
    peer.send(text('ACK', { callId: 'acknowledged@test', branch: 'ack', to, port: peer.port }))
    await acknowledged
    clock.advance(40_000)
    const heard = await heardBy(peer)
    assert.equal(heard.filter((message) => message.startsWith('SIP/2.0 200')).length, 1)
    assert.equal(heard.filter((message) => message.startsWith('BYE')).length, 0)
  })
})
