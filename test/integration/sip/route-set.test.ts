/** RFC 3261 8.1.2, 12.2.1.1, 16.12: the way of every request, by loose and by strict routers. */
import assert from 'node:assert/strict'
import { FakeClock } from '../../support/fake-clock.js'
import { RawPeer } from '../../support/raw-peer.js'
import { requestText, SDP } from '../../support/sip-messages.js'
import { ANSWER, Party } from '../../support/sip-parties.js'
import { called } from '../../support/wait.js'

describe('route set', () => {
  let proxy: RawPeer
  let alice: Party

  beforeEach(async () => {
    proxy = await RawPeer.open()
  })
  afterEach(() => Promise.all([proxy.close(), alice.close()]))

  const open = async (...routeSet: string[]) => {
    alice = await Party.open('alice', { clock: new FakeClock(), agent: { routeSet } })
  }
  const strict = () => `sip:127.0.0.1:${proxy.port};x=y`
  const loose = () => `<sip:127.0.0.1:${proxy.port};lr>`
  const next = async () => {
    const received = await proxy.requests.next()
    const { message } = received
    return { received, method: message.method, uri: message.uri.text, routes: message.headers('route') }
  }

  it('goes to a strict router first, which is the Request-URI; the target is the last route', async () => {
    await open(`<${strict()}>`, '<sip:second.example.com;lr>')
    for (const method of ['REGISTER', 'OPTIONS', 'MESSAGE']) {
      const target = `sip:${method === 'REGISTER' ? '' : 'bob@'}far.example.com`
      const init = { method, target, sipCallId: `${method}@test`, cseq: 1 }
      const sent = alice.agent.request({ ...init, headers: [['X-Strict-Route', 'next']] })
      const { received, uri, routes } = await next()
      assert.equal(uri, strict())
      assert.deepEqual(routes, ['<sip:second.example.com;lr>', `<${target}>`])
      assert.equal(received.message.header('to'), `<${target}>`)
      // What core tells the router is not for the wire; the same name given by a user is.
      assert.equal(received.text.match(/X-Strict-Route/g)?.length, 1)
      proxy.answer(received, 200)
      await sent
    }
  })

  it('takes INVITE, CANCEL and the ACK to a failure the same way', async () => {
    await open(`<${strict()}>`)
    const { invite, progress, outcome } = alice.call('sip:bob@far.example.com')
    const first = await next()
    proxy.answer(first.received, 180)
    await progress.next()
    invite.cancel()
    const cancel = await next()
    proxy.answer(cancel.received, 200)
    proxy.answer(first.received, 487)
    const ack = await next()
    assert.deepEqual(
      [first, cancel, ack].map(({ method, uri, routes }) => [method, uri, routes]),
      ['INVITE', 'CANCEL', 'ACK'].map((method) => [method, strict(), ['<sip:bob@far.example.com>']]),
    )
    assert.equal((await outcome).response.status, 487)
  })

  it('leaves strict routers behind a loose one to that one', async () => {
    await open(loose(), '<sip:second.example.com>')
    const { outcome } = alice.call('sip:bob@far.example.com')
    const { received, uri, routes } = await next()
    assert.deepEqual([uri, routes], ['sip:bob@far.example.com', [loose(), '<sip:second.example.com>']])
    proxy.answer(received, 404)
    await outcome
  })

  it('follows a strict Record-Route within dialogs, as caller', async () => {
    await open()
    const { outcome } = alice.call(proxy.uri)
    const { received } = await next()
    const headers = [`Record-Route: <sip:far.example.com;lr>, <${strict()}>`]
    proxy.answer(received, 200, { body: SDP, contact: 'sip:bob@192.0.2.77', headers })
    const result = await outcome
    assert.ok(result.kind === 'answered')
    const ack = await next()
    const bye = result.dialog.bye()
    const last = await next()
    proxy.answer(last.received, 200)
    assert.equal((await bye).status, 200)
    assert.deepEqual(
      [ack, last].map(({ method, uri, routes }) => [method, uri, routes]),
      ['ACK', 'BYE'].map((method) => [method, strict(), ['<sip:far.example.com;lr>', '<sip:bob@192.0.2.77>']]),
    )
  })

  it('follows a strict Record-Route within dialogs, as the called one', async () => {
    await open()
    const port = alice.endpoint.local.port
    const text = (method: string, to: string) =>
      requestText({
        method,
        uri: alice.address,
        to,
        via: proxy.via(method),
        cseq: `1 ${method}`,
        headers: [`Record-Route: <${strict()}>, <sip:far.example.com;lr>`],
        ...(method === 'INVITE' ? { body: SDP } : {}),
      })
    await proxy.ask(text('INVITE', '<sip:alice@example.com>'), port)
    const dialog = (await alice.invites.next()).accept({ body: ANSWER })
    const acknowledged = called(dialog.handlers, 'acknowledged')
    proxy.send(text('ACK', `<sip:alice@example.com>;tag=${dialog.localTag}`), port)
    await acknowledged
    const bye = dialog.bye()
    const { received, uri, routes } = await next()
    assert.deepEqual([uri, routes], [strict(), ['<sip:far.example.com;lr>', '<sip:alice@192.0.2.1:5060>']])
    proxy.answer(received, 200)
    await bye
  })

  it('finds the account that a strict router has moved to the last Route (16.4), and its CANCEL', async () => {
    await open()
    const { port } = alice.endpoint.local
    const via = proxy.via('INVITE')
    const text = (method: string) =>
      requestText({
        method,
        uri: `sip:127.0.0.1:${port}`,
        via,
        to: '<sip:alice@example.com>',
        cseq: `1 ${method}`,
        headers: [`Route: <${alice.address}>`],
        ...(method === 'INVITE' ? { body: SDP } : {}),
      })
    await proxy.ask(text('INVITE'), port)
    const invite = await alice.invites.next()
    assert.equal(invite.request.uri, alice.address)
    const cancelled = called(invite.handlers, 'cancelled')
    proxy.send(text('CANCEL'), port)
    await cancelled
  })
})
