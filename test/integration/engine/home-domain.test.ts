/** An account whose registrar is another host than the domain of its address. */
import assert from 'node:assert/strict'
import { startLocalEngine } from '../../../src/engine/client.js'
import type { AccountConfig, Engine } from '../../../src/engine/protocol.js'
import { engineInit, loopbackAccount } from '../../support/engine-pair.js'
import { RawPeer } from '../../support/raw-peer.js'

describe('an account whose registrar is not its domain', () => {
  let engine: Engine
  let registrar: RawPeer
  let other: RawPeer

  beforeEach(async () => {
    ;[engine, registrar, other] = await Promise.all([startLocalEngine(engineInit()), RawPeer.open(), RawPeer.open()])
  })

  afterEach(() => Promise.all([engine.close(), registrar.close(), other.close()]))

  const open = (init: Partial<AccountConfig> = {}) =>
    engine.call(
      'setAccount',
      loopbackAccount('alice', { aor: 'alice@sip.test', registrar: `127.0.0.1:${registrar.port}`, ...init }),
    )
  const dial = (target: string) => engine.call('dial', { accountId: 'alice', target })
  const next = async (peer: RawPeer) => {
    const received = await peer.requests.next()
    const { message } = received
    return { received, way: [message.method, message.uri.text, message.headers('route')] }
  }
  const route = () => [`<sip:127.0.0.1:${registrar.port};lr>`]

  it('registers without a route', async () => {
    await open({ register: true })
    const { received, way } = await next(registrar)
    assert.deepEqual(way, ['REGISTER', `sip:127.0.0.1:${registrar.port}`, []])
    registrar.answer(received, 200, { headers: ['Expires: 0'] })
  })

  it('calls its own domain by the registrar, which gets CANCEL and ACK as well (RFC 3261 8.1.2, 9.1, 17.1.1.3)', async () => {
    await open()
    for (const [target, uri] of [
      ['bob', 'sip:bob@sip.test'],
      ['sip:bob@SIP.test:5060;user=phone', 'sip:bob@SIP.test:5060;user=phone'],
    ] as const) {
      const { callId } = await dial(target)
      const invite = await next(registrar)
      assert.deepEqual(invite.way, ['INVITE', uri, route()])
      registrar.answer(invite.received, 180)
      void engine.call('hangup', { callId })
      const cancel = await next(registrar)
      assert.deepEqual(cancel.way, ['CANCEL', uri, route()])
      registrar.answer(cancel.received, 200)
      registrar.answer(invite.received, 487)
      assert.deepEqual((await next(registrar)).way, ['ACK', uri, route()])
    }
  })

  it('calls another domain directly', async () => {
    await open()
    await dial(other.uri)
    const { received, way } = await next(other)
    assert.deepEqual(way, ['INVITE', other.uri, []])
    other.answer(received, 404)
    assert.equal((await next(other)).way[0], 'ACK')
  })

  it('calls its own domain by the proxy, if one is set', async () => {
    const hop = `<sip:127.0.0.1:${other.port};lr>`
    await open({ proxy: { id: 'proxy', name: '', hops: [hop] } })
    await dial('bob')
    const { received, way } = await next(other)
    assert.deepEqual(way, ['INVITE', 'sip:bob@sip.test', [hop]])
    other.answer(received, 404)
    assert.equal((await next(other)).way[0], 'ACK')
  })
})
