/** Addresses with and without brackets, on the wire (RFC 3261 20.10): our requests go to the whole URI. */
import assert from 'node:assert/strict'
import { openForEachTest } from '../../support/each-test.js'
import { RawPeer } from '../../support/raw-peer.js'
import { requestText, SDP } from '../../support/sip-messages.js'
import { ANSWER, Party } from '../../support/sip-parties.js'

const INSTANCE = '+sip.instance="<urn:uuid:00000000-0000-1000-8000-000a959e6d22>";+g.x="a, <b>;c"'

describe('name-addr on the wire', () => {
  let peer: RawPeer
  let bob: Party

  openForEachTest(
    () => Promise.all([RawPeer.open(), Party.open('bob')]),
    (...opened) => {
      ;[peer, bob] = opened
    },
  )

  const contacts = () => [
    { written: `${peer.uri};${INSTANCE}`, target: peer.uri },
    { written: `<${peer.uri};x="1">;${INSTANCE}`, target: undefined },
    { written: `"Door, <front>; \\"left\\"" <${peer.uri};ob>;${INSTANCE}`, target: `${peer.uri};ob` },
    { written: `Door <${peer.uri}>`, target: peer.uri },
  ]
  const text = (method: string, contact: string, parts: Parameters<typeof requestText>[0] = {}): string =>
    requestText({
      method,
      uri: bob.address,
      via: peer.via(method),
      ...parts,
    }).replace('<sip:alice@192.0.2.1:5060>', contact)

  for (const n of [0, 2, 3]) {
    it(`INVITE with the Contact form ${n}: the BYE goes to the whole URI`, async () => {
      const { written, target } = contacts()[n] ?? { written: '' }
      const from = 'sip:door@example.com;tag=t1;epid="<urn:x, 1>"'
      peer.send(text('INVITE', written, { body: SDP, from }), bob.endpoint.local.port)
      const invite = await bob.invites.next()
      assert.deepEqual(
        [invite.request.from.user, invite.request.from.tag, invite.request.from.displayName],
        ['door', 't1', ''],
      )
      const dialog = invite.accept({ body: ANSWER })
      for (const status of [100, 200]) assert.equal((await peer.responses.next()).message.statusCode, status)
      const to = `<sip:bob@example.org>;tag=${dialog.localTag}`
      peer.send(text('ACK', written, { from, to, cseq: '314159 ACK' }), bob.endpoint.local.port)
      const ended = dialog.bye()
      const bye = await peer.requests.next()
      assert.deepEqual([bye.message.method, bye.message.requestUri.text], ['BYE', target])
      peer.answer(bye, 200)
      assert.equal((await ended).status, 200)
    })

    it(`200 with the Contact form ${n}: ACK and BYE go to the whole URI`, async () => {
      const { written, target } = contacts()[n] ?? { written: '' }
      const { outcome } = bob.call('sip:peer@127.0.0.1:'.concat(String(peer.port)))
      const invite = await peer.requests.next()
      peer.answer(invite, 200, { contact: false, headers: [`Contact: ${written}`], body: ANSWER.content })
      const result = await outcome
      assert.ok(result.kind === 'answered')
      const ack = await peer.requests.next()
      assert.deepEqual([ack.message.method, ack.message.requestUri.text], ['ACK', target])
      const ended = result.dialog.bye()
      const bye = await peer.requests.next()
      assert.deepEqual([bye.message.method, bye.message.requestUri.text], ['BYE', target])
      peer.answer(bye, 200)
      await ended
    })
  }

  it('Record-Route with commas and brackets in its quotes is the route set, value by value', async () => {
    const routes = [`<sip:127.0.0.1:${peer.port};lr>;name="a, <b>"`, '"Edge, <2>" <sip:192.0.2.7;lr>']
    peer.send(
      text('INVITE', `<${peer.uri}>`, { body: SDP, headers: [`Record-Route: ${routes.join(', ')}`] }),
      bob.endpoint.local.port,
    )
    const dialog = (await bob.invites.next()).accept({ body: ANSWER })
    for (const status of [100, 200]) assert.equal((await peer.responses.next()).message.statusCode, status)
    peer.send(
      text('ACK', peer.uri, { to: `<sip:bob@example.org>;tag=${dialog.localTag}`, cseq: '314159 ACK' }),
      bob.endpoint.local.port,
    )
    const ended = dialog.bye()
    const bye = await peer.requests.next()
    assert.deepEqual(bye.message.getHeaders('route'), routes)
    peer.answer(bye, 200)
    await ended
  })

  for (const [name, before, after] of [
    ['line breaks and a NUL before it', '\r\n\0', ''],
    ['blanks before it', ' \t\n', ''],
    ['a NUL after it, and no Content-Length', '', '\0'],
    ['a keep-alive after it, and no Content-Length', '', '\r\n\r\n\0'],
  ] as const) {
    it(`a datagram with ${name} is read`, async () => {
      const options = text('OPTIONS', `<${peer.uri}>`)
      const whole = after === '' ? options : options.replace('Content-Length: 0\r\n', '')
      assert.equal((await peer.ask(before + whole + after, bob.endpoint.local.port)).statusCode, 200)
    })
  }
})
