/** Text that is not UTF-8: its octets go back as they came (RFC 3261 8.2.6.2), the layers above get letters. */
import assert from 'node:assert/strict'
import { octetsOf } from '../../../src/base/octets.js'
import { openForEachTest } from '../../support/each-test.js'
import { RawPeer } from '../../support/raw-peer.js'
import { requestText, SDP } from '../../support/sip-messages.js'
import { ANSWER, Party } from '../../support/sip-parties.js'
import { StreamPeer } from '../../support/stream-peer.js'

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1')
const FROM = '"J\xfcrgen M\xf6ller \x80" <sip:j\xfcrgen@example.com>;tag=t\xe4g'
const TO = 'B\xf6b <sip:bob@example.org>'

describe('SIP text that is not UTF-8', () => {
  let peer: RawPeer
  let bob: Party

  openForEachTest(
    () => Promise.all([RawPeer.open(), Party.open('bob')]),
    (...opened) => {
      ;[peer, bob] = opened
    },
  )

  const text = (parts: Parameters<typeof requestText>[0]): string =>
    requestText({
      uri: bob.address,
      via: peer.via(parts?.method ?? 'INVITE'),
      from: FROM,
      to: TO,
      callId: 'c\xe4ll@test',
      ...parts,
    }).replace('<sip:alice@192.0.2.1:5060>', `"\xc4rger" <sip:r\xfcck@127.0.0.1:${peer.port}>`)
  const octetsOfHeader = (message: { getHeader(name: string): string | undefined }, name: string): Buffer =>
    octetsOf(message.getHeader(name) ?? '')

  it('comes back octet for octet in every answer to INVITE, and is readable above', async () => {
    peer.send(latin1(text({ body: SDP })), bob.endpoint.local.port)
    const invite = await bob.invites.next()
    const { from, to, callId } = invite.request
    assert.deepEqual([from.displayName, from.user, to.displayName], ['Jürgen Möller €', 'jürgen', 'Böb'])
    assert.deepEqual(
      [from.uri, callId, invite.request.header('From')?.includes('Jürgen')],
      ['sip:jürgen@example.com', 'cäll@test', true],
    )
    assert.deepEqual(invite.request.headers('To'), [TO.replace('\xf6', 'ö')])
    invite.progress(180)
    const dialog = invite.accept({ body: ANSWER })
    for (const status of [100, 180, 200]) {
      const { message } = await peer.responses.next()
      assert.equal(message.statusCode, status)
      assert.deepEqual(octetsOfHeader(message, 'from'), latin1(FROM))
      assert.deepEqual(octetsOfHeader(message, 'to').subarray(0, TO.length), latin1(TO))
      assert.deepEqual(octetsOfHeader(message, 'call-id'), latin1('c\xe4ll@test'))
    }
    // Later requests of the dialog go to the same octets.
    const tag = dialog.localTag
    const ack = text({ method: 'ACK', to: `${TO};tag=${tag}`, cseq: '314159 ACK' })
    peer.send(latin1(ack), bob.endpoint.local.port)
    const ended = dialog.bye()
    const bye = await peer.requests.next()
    assert.deepEqual(octetsOf(bye.message.requestUri.text), latin1(`sip:r\xfcck@127.0.0.1:${peer.port}`))
    assert.deepEqual(octetsOfHeader(bye.message, 'to'), latin1('<sip:j\xfcrgen@example.com>;tag=t\xe4g'))
    assert.deepEqual(octetsOfHeader(bye.message, 'call-id'), latin1('c\xe4ll@test'))
    peer.answer(bye, 200)
    assert.equal((await ended).status, 200)
    assert.ok(
      bob.wire.every((line) => !/[\ufffd\p{Surrogate}]/u.test(line.text)),
      'the trace is readable',
    )
  })

  it('comes back in a refusal, too, that was made from the header fields alone', async () => {
    peer.send(latin1(text({ method: 'OPTIONS', uri: 'sip:nobody@127.0.0.1' })), bob.endpoint.local.port)
    const { message } = await peer.responses.next()
    assert.equal(message.statusCode, 404)
    assert.deepEqual(octetsOfHeader(message, 'from'), latin1(FROM))
  })

  it('is counted in octets, in bodies as well, by datagram and by stream', async () => {
    const body = 'Gr\xfc\xdfe \x80'
    const message = text({ method: 'MESSAGE', body, contentLength: String(body.length) })
    const seen: string[] = []
    bob.request = (request) => {
      seen.push(request.body?.content ?? '')
      return 200
    }
    peer.send(latin1(message), bob.endpoint.local.port)
    assert.equal((await peer.responses.next()).message.statusCode, 200)
    const carol = await Party.open('bob', { protocol: 'tcp' })
    carol.request = bob.request
    const stream = await StreamPeer.connect(carol.endpoint.local.port)
    stream.send(latin1(message.replace('SIP/2.0/UDP', 'SIP/2.0/TCP')))
    const answer = await stream.messages.next()
    assert.match(answer, /^SIP\/2\.0 200 /)
    const [framed] = stream.framed
    assert.ok(framed?.kind === 'message' && framed.bytes.includes(latin1(`From: ${FROM}`)))
    assert.deepEqual(seen, ['Grüße €', 'Grüße €'])
    await Promise.all([stream.close(), carol.close()])
  })

  it('in a percent-escape of a user is a letter, not a malformed address', async () => {
    peer.send(
      text({ body: SDP, from: '<sip:J%FCrgen@example.com>;tag=1', callId: 'x@y', to: '<sip:bob@x>' }),
      bob.endpoint.local.port,
    )
    assert.equal((await bob.invites.next()).request.from.user, 'Jürgen')
  })
})
