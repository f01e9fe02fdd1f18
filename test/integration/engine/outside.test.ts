/** Messages, pings, subscriptions and published states between accounts, over real sockets and through the whole engine. */
import assert from 'node:assert/strict'
import { startLocalEngine } from '../../../src/engine/client.js'
import type { Engine, EngineEvents } from '../../../src/engine/protocol.js'
import { BY_FLOW, engineInit, Heard, twoAccounts } from '../../support/engine-pair.js'
import { RawPeer } from '../../support/raw-peer.js'
import { Inbox } from '../../support/sip-parties.js'

type Subscribed = EngineEvents['subscription']
/** An event of this type, or of one of the types that share its form. */
type Of<Type> = Subscribed extends infer Each
  ? Each extends { type: infer Own }
    ? Type extends Own
      ? Each
      : never
    : never
  : never

describe('outside of calls, engine to engine and peer', () => {
  let engine: Engine
  let target: string
  let peer: RawPeer
  let messages: Inbox<EngineEvents['message']>
  let peers: Inbox<EngineEvents['peer']>
  let subscriptions: Inbox<EngineEvents['subscription']>

  beforeEach(async () => {
    engine = await startLocalEngine(engineInit())
    messages = new Inbox('a message')
    peers = new Inbox('an event of a watched peer')
    subscriptions = new Inbox('an event of a subscription')
    engine.on('message', (event) => messages.put(event))
    engine.on('peer', (event) => peers.put(event))
    engine.on('subscription', (event) => subscriptions.put(event))
    ;({ target } = await twoAccounts(engine, BY_FLOW, { exposeHeaders: ['X-Room'] }))
    peer = await RawPeer.open()
  })

  afterEach(() => Promise.all([engine.close(), peer.close()]))

  const send = (to: string, init: { text?: string; headers?: Record<string, string>; contentType?: string } = {}) =>
    engine.call('sendMessage', { accountId: 'caller', target: to, text: 'Wasser im Keller – 水', ...init })

  async function next<Type extends Subscribed['type']>(type: Type): Promise<Of<Type>> {
    for (;;) {
      const event = await subscriptions.next()
      if (event.type === type) return event as Of<Type>
    }
  }

  describe('MESSAGE (RFC 3428)', () => {
    it('arrives with its text and the exposed headers; without a taker it is answered 480', async () => {
      assert.deepEqual((await send(target)).status, 480)
      await engine.call('takeMessages', { accountId: 'callee', taker: 'n', on: true })
      const sent = await send(target, { headers: { 'X-Room': '12', 'X-Other': '1' } })
      assert.deepEqual([sent.result, sent.status], ['delivered', 200])
      const { accountId, text, from, contentType, headers } = await messages.next()
      assert.deepEqual(
        [accountId, text, from.user, contentType, headers],
        ['callee', 'Wasser im Keller – 水', 'caller', 'text/plain', { 'X-Room': '12' }],
      )
      await engine.call('takeMessages', { accountId: 'callee', taker: 'n', on: false })
      assert.equal((await send(target)).status, 480)
    })

    it('refuses a report that a telephone sends by itself with 415', async () => {
      await engine.call('takeMessages', { accountId: 'callee', taker: 'n', on: true })
      const refused = await send(target, { contentType: 'application/im-iscomposing+xml', text: '<isComposing/>' })
      assert.equal(refused.status, 415)
      assert.equal((await send(target)).status, 200)
      assert.equal((await messages.next()).contentType, 'text/plain')
    })

    it('202 is accepted, an error is refused', async () => {
      for (const [status, result] of [
        [202, 'accepted'],
        [404, 'refused'],
      ] as const) {
        const sent = send(peer.uri)
        const request = await peer.requests.next()
        assert.equal(request.message.method, 'MESSAGE')
        assert.equal(request.message.header('contact'), undefined, 'RFC 3428 4')
        peer.answer(request, status, { contact: false })
        assert.equal((await sent).result, result)
      }
    })

    it('takes no header that would change the request, no line break, no empty and no huge text', async () => {
      for (const headers of [{ Route: '<sip:x>' }, { Contact: 'x' }, { 'X-A': 'b\r\nVia: c' }])
        await assert.rejects(send(peer.uri, { headers: headers as unknown as Record<string, string> }), {
          code: 'BAD_HEADER',
        })
      await assert.rejects(send(peer.uri, { contentType: 'text/plain\r\nVia: c' }), { code: 'BAD_HEADER' })
      await assert.rejects(send(peer.uri, { text: '' }), { code: 'BAD_ARGUMENT' })
      await assert.rejects(send(peer.uri, { text: 'x'.repeat(60_001) }), { code: 'BAD_ARGUMENT' })
      await assert.rejects(send('sip:112@127.0.0.1'), { code: 'TARGET_BLOCKED' })
      assert.deepEqual(peer.texts, [])
    })
  })

  describe('OPTIONS', () => {
    it('a ping has the latency, the status and the address that answered', async () => {
      const { up, status, latencyMs, source, agent } = await engine.call('ping', { accountId: 'caller', target })
      assert.deepEqual([up, status, source?.host, agent], [true, 200, '127.0.0.1', 'ringflow-test'])
      assert.ok(latencyMs !== null && latencyMs >= 0)
      const silent = await engine.call('ping', { accountId: 'caller', target: peer.uri, timeoutMs: 200 })
      assert.deepEqual([silent.up, silent.status, silent.latencyMs], [false, 0, null])
    })

    it('a watched peer is down after so many pings without an answer, and up again', async () => {
      const watch = { accountId: 'caller', watchId: 'w', target: peer.uri, timeoutMs: 200, intervalMs: 1000 }
      await engine.call('watchPeer', { ...watch, failures: 2 })
      const heard = async (count: number) => {
        const events: string[] = []
        while (events.length < count) events.push((await peers.next()).type)
        return events
      }
      peer.answer(await peer.requests.next(), 200)
      assert.deepEqual(await heard(2), ['peer.ping', 'peer.up'])
      assert.deepEqual(await heard(3), ['peer.ping', 'peer.ping', 'peer.down'])
      peer.requests.drop(() => true)
      peer.answer(await peer.requests.next(), 404)
      const events = await heard(2)
      assert.ok(events.includes('peer.ping'))
      if (!events.includes('peer.up')) assert.ok((await heard(2)).includes('peer.up'))
      await engine.call('unwatchPeer', { watchId: 'w' })
    })
  })

  describe('subscriptions', () => {
    const subscribe = (event: string, to = target) =>
      engine.call('subscribe', { accountId: 'caller', subscriptionId: 's', target: to, event })

    for (const [event, one, two, shown] of [
      ['presence', { status: 'open', note: 'da <ja>' }, { status: 'closed' }, ['open', 'closed']],
      ['dialog', { line: 'idle' }, { line: 'confirmed', remote: 'sip:1@h' }, ['idle', 'confirmed']],
      ['message-summary', { messages: { voice: { new: 2, old: 1 } } }, { waiting: false }, [true, false]],
    ] as const) {
      it(`${event}: the state at once and at each change, then the end`, async () => {
        await engine.call('notify', { accountId: 'callee', event, state: one })
        await subscribe(event)
        const added = await next('subscriber.added')
        assert.deepEqual([added.from.user, added.subscribers], ['caller', 1])
        const read = (state: unknown) => {
          const { status, line, waiting } = state as Record<string, unknown>
          return status ?? line ?? waiting
        }
        const first = await next('subscription.notify')
        assert.deepEqual(read(first.state), shown[0])
        assert.deepEqual(await engine.call('notify', { accountId: 'callee', event, state: two }), { subscribers: 1 })
        assert.deepEqual(read((await next('subscription.notify')).state), shown[1])
        await engine.call('unsubscribe', { subscriptionId: 's' })
        const ended = await next('subscription.ended')
        assert.deepEqual([ended.cause, ended.retryAt], ['unsubscribed', null])
      })
    }

    it('a state that is taken away ends its subscriptions; a package without a state is refused with 489', async () => {
      await engine.call('notify', { accountId: 'callee', event: 'presence', state: { status: 'open' } })
      await subscribe('presence')
      await next('subscription.notify')
      await engine.call('notify', { accountId: 'callee', event: 'presence', state: null })
      assert.deepEqual((await next('subscription.ended')).cause, 'noresource')
      await subscribe('presence')
      const refused = await next('subscription.ended')
      assert.deepEqual([refused.cause, refused.status, refused.retryAt], ['refused', 489, null])
    })

    it('a state that its package does not have is refused with what to do', async () => {
      for (const [event, state] of [
        ['presence', { status: 'maybe' }],
        ['dialog', {}],
        ['message-summary', { messages: { voice: { new: -1 } } }],
        ['unknown', {}],
      ] as const)
        await assert.rejects(engine.call('notify', { accountId: 'callee', event, state }), { code: 'BAD_ARGUMENT' })
    })
  })

  it('PUBLISH: the ETag of the answer goes with the next one; 412 publishes anew; null removes (RFC 3903 4)', async () => {
    const publish = (state: unknown) =>
      engine.call('publish', { accountId: 'caller', event: 'presence', target: peer.uri, state })
    const step = async (state: unknown, status: number, headers: string[]) => {
      const published = publish(state)
      const request = await peer.requests.next()
      assert.equal(request.message.method, 'PUBLISH')
      peer.answer(request, status, { contact: false, headers })
      return { published, etag: request.message.header('sip-if-match'), expires: request.message.header('expires') }
    }
    const first = await step({ status: 'open' }, 200, ['SIP-ETag: a', 'Expires: 600'])
    await first.published
    assert.equal(first.etag, undefined)
    const second = await step({ status: 'closed' }, 412, [])
    assert.equal(second.etag, 'a')
    const anew = await peer.requests.next()
    assert.equal(anew.message.header('sip-if-match'), undefined)
    peer.answer(anew, 200, { contact: false, headers: ['SIP-ETag: b'] })
    await second.published
    const removed = await step(null, 200, [])
    await removed.published
    assert.deepEqual([removed.etag, removed.expires], ['b', '0'])
    const refused = await step({ status: 'open' }, 403, [])
    await assert.rejects(refused.published, { code: 'REFUSED' })
  })

  it('a call still works while a line is watched', async () => {
    const heard = new Heard(engine)
    await engine.call('notify', { accountId: 'callee', event: 'dialog', state: { line: 'idle' } })
    await engine.call('subscribe', { accountId: 'caller', subscriptionId: 's', target, event: 'dialog' })
    await next('subscription.notify')
    const { callId } = await engine.call('dial', { accountId: 'caller', target })
    await heard.next('call.ringing', (event) => event.callId === callId)
    await engine.call('hangup', { callId })
  })
})
