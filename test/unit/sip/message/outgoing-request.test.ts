import assert from 'node:assert/strict'
import { wayTo } from '../../../support/memory-transport.js'
import { lineOf, outgoing, routes } from '../../../support/outgoing-request.js'
import { uriOf } from '../../../support/uri.js'

const WAY = wayTo({ protocol: 'udp', host: '192.0.2.7', port: 5060 })

describe('OutgoingRequest', () => {
  describe('the way (RFC 3261 8.1.2, 12.2.1.1)', () => {
    it('without routes: the target', () => {
      const request = outgoing()
      assert.deepEqual([request.uri.text, request.nextHop.text], ['sip:bob@example.org', 'sip:bob@example.org'])
      assert.deepEqual(lineOf(request, 'Route'), [])
    })

    it('a loose router first: the target is the Request-URI, every route is written', () => {
      const request = outgoing({ routeSet: routes('<sip:p1;lr>', '<sip:p2>') })
      assert.deepEqual([request.uri.text, request.nextHop.text], ['sip:bob@example.org', 'sip:p1;lr'])
      assert.deepEqual(lineOf(request, 'Route'), ['<sip:p1;lr>', '<sip:p2>'])
    })

    it('a strict router first: it is the Request-URI, the target is the last route', () => {
      const routeSet = routes('"P" <sip:p1;method=INVITE?x=y>', '<sip:p2;lr>')
      const request = outgoing({ target: uriOf('sip:bob@example.org;method=INVITE?Subject=x'), routeSet })
      assert.deepEqual([request.uri.text, request.nextHop.host], ['sip:p1', 'p1'])
      assert.deepEqual(lineOf(request, 'Route'), ['<sip:p2;lr>', '<sip:bob@example.org>'])
    })

    for (const [target, written] of [
      ['sip:bob@example.org?Subject=x&Route=y', 'sip:bob@example.org'],
      ['sip:bob@example.org?', 'sip:bob@example.org'],
      ['sip:bob@example.org;method=INVITE', 'sip:bob@example.org'],
      ['sip:bob@example.org;a=1;METHOD=BYE;b?c=d', 'sip:bob@example.org;a=1;b'],
      ['sip:bob@example.org;methodical=1;method', 'sip:bob@example.org;methodical=1'],
      ['sip:a;method=x?y@example.org;method=z', 'sip:a;method=x?y@example.org'],
      ['sip:what?@example.org', 'sip:what?@example.org'],
      ['tel:+4930;phone-context=a?b', 'tel:+4930;phone-context=a?b'],
    ] as const) {
      it(`writes ${target} as ${written} (19.1.1)`, () => {
        assert.equal(outgoing({ target: uriOf(target) }).uri.text, written)
      })
    }
  })

  it('writes its lines in one order: Via, routes, the mandatory ones, those of the caller, the body', () => {
    const request = outgoing({
      routeSet: routes('<sip:p1;lr>'),
      lines: ['Contact: <sip:us>', 'Allow: INVITE'],
      body: { contentType: 'application/sdp', content: 'v=0\r\n' },
    })
    const text = request.toText('via', WAY)
    assert.deepEqual(
      text.split('\r\n').map((line) => line.split(':', 1)[0]),
      [
        'INVITE sip',
        'Via',
        'Route',
        'Max-Forwards',
        'From',
        'To',
        'Call-ID',
        'CSeq',
        'Contact',
        'Allow',
        'Content-Type',
        'Content-Length',
        '',
        'v=0',
        '',
      ],
    )
    assert.ok(text.endsWith('Content-Length: 5\r\n\r\nv=0\r\n'))
  })

  describe('again (22.2)', () => {
    const first = outgoing({ lines: ['Contact: <sip:us>', 'authorization: old', 'Session-Expires: 90'] })

    it('has the next CSeq, and all else as it was', () => {
      const again = first.again(8, [])
      assert.equal(again.toText('v', WAY), first.toText('v', WAY).replace('CSeq: 7', 'CSeq: 8'))
    })

    it('has new credentials in the place of all old ones', () => {
      for (const name of ['Authorization', 'Proxy-Authorization']) {
        const again = first.again(8, [`${name}: new`])
        assert.deepEqual(again.credentials, [`${name}: new`])
      }
      const both = first.again(8, ['Authorization: a', 'Authorization: b', 'Proxy-Authorization: c'])
      assert.deepEqual(both.credentials, ['Authorization: a', 'Authorization: b', 'Proxy-Authorization: c'])
    })

    it('replaces other headers by name, in whatever case and form, as for 422', () => {
      const again = first.again(8, ['x: 1800', 'Min-SE: 1800'])
      assert.deepEqual(
        [lineOf(again, 'Session-Expires'), lineOf(again, 'x'), lineOf(again, 'Min-SE')],
        [[], ['1800'], ['1800']],
      )
      assert.deepEqual(again.credentials, ['authorization: old'])
    })
  })

  describe('CANCEL and ACK', () => {
    const invite = outgoing({
      routeSet: routes('<sip:strict>', '<sip:p2;lr>'),
      lines: ['Contact: <sip:us>', 'Proxy-Authorization: p', 'Authorization: a'],
      body: { contentType: 'application/sdp', content: 'v=0\r\n' },
    })
    const head = (text: string): string[] => text.split('\r\n')

    it('CANCEL repeats Request-URI, routes, From, To, Call-ID, number (9.1), and nothing of the body', () => {
      const [start, ...lines] = head(invite.cancel(['Reason: SIP;cause=200']).toText('v', WAY))
      assert.equal(start, 'CANCEL sip:strict SIP/2.0')
      assert.deepEqual(lines, [
        'Via: v',
        'Route: <sip:p2;lr>',
        'Route: <sip:bob@example.org>',
        'Max-Forwards: 70',
        'From: "Alice" <sip:alice@example.com>;tag=ours',
        'To: <sip:bob@example.org>',
        'Call-ID: call@test',
        'CSeq: 7 CANCEL',
        'Reason: SIP;cause=200',
        'Content-Length: 0',
        '',
        '',
      ])
    })

    it('the ACK to a failure has every route and the To of the failure (17.1.1.3)', () => {
      const [start, ...lines] = head(invite.ackText('v', '<sip:bob@example.org>;tag=busy', WAY))
      assert.equal(start, 'ACK sip:strict SIP/2.0')
      assert.deepEqual(
        lines.filter((line) => /^(Route|To|CSeq|Via|Contact|Auth|Proxy)/.test(line)),
        [
          'Via: v',
          'Route: <sip:p2;lr>',
          'Route: <sip:bob@example.org>',
          'To: <sip:bob@example.org>;tag=busy',
          'CSeq: 7 ACK',
        ],
      )
    })

    it('what is kept for a late 2xx has the credentials and no body', () => {
      assert.deepEqual(invite.origin, {
        callId: invite.callId,
        cseq: 7,
        fromTag: invite.fromTag,
        sender: invite.sender,
        credentials: ['Proxy-Authorization: p', 'Authorization: a'],
      })
    })
  })

  it('refuses a content type that would begin another line', () => {
    assert.throws(() => outgoing({ body: { contentType: 'a/b\r\nX: y', content: 'x' } }), { code: 'BAD_HEADER' })
  })

  it('is about as long as it says, by octets', () => {
    const request = outgoing({ body: { contentType: 'text/plain', content: 'ü'.repeat(500) } })
    const via = 'SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK0123456789abcdef;rport'
    const octets = Buffer.byteLength(request.toText(via, WAY))
    assert.ok(Math.abs(request.octets - octets) < 100, `${request.octets} for ${octets}`)
  })
})
