/** RFC 3261 10.2.2, 18.2.1, RFC 3581: the Contact of an account whose registrar sees another address. */
import assert from 'node:assert/strict'
import { Account } from '../../../src/account/account.js'
import { systemClock } from '../../../src/base/clock.js'
import { silentLogger } from '../../../src/base/logger.js'
import { openSipEndpoint } from '../../../src/sip/endpoint.js'
import type { SipEndpoint } from '../../../src/sip/types.js'
import { RawPeer } from '../../support/raw-peer.js'
import { requestText, SDP } from '../../support/sip-messages.js'
import { OFFER } from '../../support/sip-parties.js'
import { StunServer } from '../../support/stun-server.js'
import { UdpRelay } from '../../support/udp-relay.js'

describe('an account behind a NAT', () => {
  let registrar: RawPeer
  let endpoint: SipEndpoint
  let nat: UdpRelay
  let account: Account

  beforeEach(async () => {
    registrar = await RawPeer.open()
    endpoint = await openSipEndpoint(
      { clock: systemClock, log: silentLogger },
      { host: '127.0.0.1', listeners: [{ protocol: 'udp', port: 0 }], userAgent: '' },
    )
    const { port } = endpoint.local
    nat = await UdpRelay.open({ host: '127.0.0.1', port }, { host: '127.0.0.1', port: registrar.port }, () => ({
      copies: 1,
    }))
  })
  afterEach(async () => {
    account.stop()
    await Promise.all([endpoint.close(), nat.close(), registrar.close()])
  })

  const start = (rewriteContact: boolean) => {
    account = new Account(
      {
        clock: systemClock,
        log: silentLogger,
        endpoint,
        lookup: async (host) => [host],
        activeCalls: () => 0,
        invite: () => {},
        decidesAtOnce: () => false,
        registration: () => {},
      },
      {
        id: 'a',
        aor: 'sip:alice@example.com',
        displayName: '',
        authUser: '',
        password: '',
        registrar: '',
        register: true,
        expiresSec: 600,
        maxCalls: 1,
        inboundFrom: 'anyone',
        allowedSources: [],
        proxy: { hops: [`127.0.0.1:${nat.portForA}`] },
        rewriteContact,
        outbound: false,
      },
    )
    account.start()
  }

  /** Answers 200 as a registrar does: with the source in the Via, and with the Contacts that stay. */
  const register = async () => {
    const received = await registrar.requests.next()
    const { message } = received
    assert.equal(message.method, 'REGISTER')
    const [via = ''] = message.headers('via')
    const text = registrar.answerText(received, 200, {
      contact: false,
      headers: message.headers('contact').map((each) => `Contact: ${each}`),
    })
    registrar.send(
      text.replace(via, `${via.replace(/;rport[^;]*/, '')};received=127.0.0.1;rport=${nat.portForB}`),
      received.from.port,
    )
    return message.headers('contact')
  }

  it('registers with its address outside, removes the one inside, and is called and calls with it', async () => {
    start(true)
    const { port } = endpoint.local
    const [first = ''] = await register()
    const contact = (at: number) => first.replace(`:${port}>`, `:${at}>`).replace(/;expires=.*/, '')
    assert.match(first, new RegExp(`@127\\.0\\.0\\.1:${port}>;expires=600$`))
    assert.deepEqual(await register(), [`${contact(nat.portForB)};expires=600`, `${contact(port)};expires=0`])
    const ended = { progress() {}, answered() {}, failed() {}, retried() {} }
    const invite = account.userAgent.invite({ target: 'sip:bob@example.com', sipCallId: 'c@test', body: OFFER }, ended)
    const received = await registrar.requests.next()
    assert.deepEqual(received.message.headers('contact'), [contact(nat.portForB)])
    invite.cancel()
    registrar.answer(received, 486, { body: SDP })
  })

  it('keeps its address inside if the Contact shall not be rewritten', async () => {
    start(false)
    const [first = ''] = await register()
    const invite = account.userAgent.invite(
      { target: 'sip:bob@example.com', sipCallId: 'c@test', body: OFFER },
      { progress() {}, answered() {}, failed() {} },
    )
    const received = await registrar.requests.next()
    assert.equal(received.message.method, 'INVITE')
    assert.deepEqual(received.message.headers('contact'), [first.replace(/;expires=.*/, '')])
    invite.cancel()
    registrar.answer(received, 486)
  })
})

describe('STUN by the SIP socket', () => {
  it('shows the address outside of the NAT, and SIP goes on by the same socket', async () => {
    const [stun, peer] = await Promise.all([StunServer.open(), RawPeer.open()])
    const log = silentLogger
    const listeners = [{ protocol: 'udp', port: 0 }] as const
    const endpoint = await openSipEndpoint({ clock: systemClock, log }, { host: '127.0.0.1', listeners, userAgent: '' })
    const { port } = endpoint.local
    const nat = await UdpRelay.open({ host: '127.0.0.1', port }, { host: '127.0.0.1', port: stun.port }, () => ({
      copies: 1,
    }))
    const found = await endpoint.publicAddress({ host: '127.0.0.1', port: nat.portForA })
    assert.deepEqual([found, stun.requests], [{ host: '127.0.0.1', port: nat.portForB }, 1])
    assert.deepEqual(await endpoint.publicAddress({ host: '127.0.0.1', port: stun.port }), { host: '127.0.0.1', port })
    const answer = await peer.ask(
      requestText({ method: 'OPTIONS', uri: `sip:127.0.0.1:${port}`, via: peer.via('o') }),
      port,
    )
    assert.equal(answer.status, 200)
    await Promise.all([endpoint.close(), nat.close(), stun.close(), peer.close()])
  })

  it('needs a UDP port', async () => {
    const listeners = [{ protocol: 'tcp', port: 0 }] as const
    const endpoint = await openSipEndpoint(
      { clock: systemClock, log: silentLogger },
      { host: '127.0.0.1', listeners, userAgent: '' },
    )
    await assert.rejects(endpoint.publicAddress({ host: '127.0.0.1', port: 9 }), /STUN needs a UDP port/)
    await endpoint.close()
  })
})
