import assert from 'node:assert/strict'
import { Dialog, dialogId } from '../../../../src/sip/dialog/dialog.js'
import type { OutgoingRequest } from '../../../../src/sip/message/outgoing-request.js'
import { ParsedRequest, type ParsedResponse } from '../../../../src/sip/message/parsed-message.js'
import { parseMessage } from '../../../../src/sip/message/parser.js'
import type { SipAddress } from '../../../../src/sip/types.js'
import { wayTo } from '../../../support/memory-transport.js'
import { lineOf, outgoing } from '../../../support/outgoing-request.js'
import { requestText, SOURCE } from '../../../support/sip-messages.js'

const MADE_BY = ['INVITE', 'SUBSCRIBE', 'REFER']

const received = (text: string, source: SipAddress = SOURCE): ParsedRequest => {
  const message = parseMessage(Buffer.from(text), source)
  assert.ok(message instanceof ParsedRequest)
  return message
}

/** A response to `request` from the peer. */
function answered(
  request: OutgoingRequest,
  init: { status?: number; toTag?: string; contact?: string; routes?: string[]; source?: SipAddress } = {},
): ParsedResponse {
  const { status = 200, toTag = 'theirs', contact = '<sip:bob@192.0.2.7:5070>', source = SOURCE } = init
  const lines = [
    `SIP/2.0 ${status} Some`,
    'Via: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKabc',
    ...(init.routes ?? []).map((route) => `Record-Route: ${route}`),
    `From: ${request.from}`,
    `To: "B" ${request.to}${toTag === '' ? '' : `;tag=${toTag}`}`,
    `Call-ID: ${request.callId}`,
    `CSeq: ${request.cseq} ${request.method}`,
    ...(contact === '' ? [] : [`Contact: ${contact}`]),
    'Content-Length: 0',
    '',
    '',
  ]
  const message = parseMessage(Buffer.from(lines.join('\r\n')), source)
  assert.ok(message && !(message instanceof ParsedRequest))
  return message
}

const LARGEST_BUT_TWO = 2 ** 31 - 3

const anywhere = (): boolean => true
const nowhere = (): boolean => false

const WAY = wayTo({ protocol: 'udp', host: '192.0.2.7', port: 5060 })

describe('Dialog', () => {
  for (const method of MADE_BY) {
    it(`is made by ${method} at the UAC (RFC 3261 12.1.2)`, () => {
      const request = outgoing({ method })
      const dialog = Dialog.ofResponse(
        request,
        answered(request, { routes: ['<sip:p1;lr>, <sip:p2;lr>', '<sip:p3;lr>'] }),
      )
      assert.deepEqual([dialog.callId, dialog.localTag, dialog.remoteTag], ['call@test', 'ours', 'theirs'])
      assert.equal(dialog.id, dialogId('call@test', 'ours', 'theirs'))
      assert.equal(dialog.remoteTarget.text, 'sip:bob@192.0.2.7:5070')
      assert.deepEqual(dialog.routeSet.map(String), ['<sip:p3;lr>', '<sip:p2;lr>', '<sip:p1;lr>'])
      const next = dialog.request('BYE', { lines: [] })
      assert.equal(
        next.toText('SIP/2.0/UDP h;branch=z9hG4bKx', WAY).split('\r\n').join('|'),
        [
          'BYE sip:bob@192.0.2.7:5070 SIP/2.0',
          'Via: SIP/2.0/UDP h;branch=z9hG4bKx',
          'Route: <sip:p3;lr>',
          'Route: <sip:p2;lr>',
          'Route: <sip:p1;lr>',
          'Max-Forwards: 70',
          'From: "Alice" <sip:alice@example.com>;tag=ours',
          'To: <sip:bob@example.org>;tag=theirs',
          'Call-ID: call@test',
          'CSeq: 8 BYE',
          'Content-Length: 0',
          '',
          '',
        ].join('|'),
      )
    })

    it(`is made by ${method} at the UAS (RFC 3261 12.1.1)`, () => {
      const headers = ['Record-Route: <sip:p1;lr>', 'Record-Route: <sip:p2;lr>, <sip:p3>']
      const dialog = Dialog.ofRequest(received(requestText({ method, headers })), 'mine')
      assert.deepEqual([dialog.localTag, dialog.remoteTag], ['mine', '1928301774'])
      assert.equal(dialog.id, dialogId('a84b4c76e66710@pc33.example.com', 'mine', '1928301774'))
      assert.equal(dialog.remoteTarget.text, 'sip:alice@192.0.2.1:5060')
      assert.deepEqual(dialog.routeSet.map(String), ['<sip:p1;lr>', '<sip:p2;lr>', '<sip:p3>'])
      const next = dialog.request('NOTIFY', { lines: ['Event: refer'] })
      assert.deepEqual(lineOf(next, 'From'), ['<sip:bob@example.org>;tag=mine'])
      assert.deepEqual(lineOf(next, 'To'), ['<sip:alice@example.com>;tag=1928301774'])
      assert.deepEqual(lineOf(next, 'CSeq'), ['1 NOTIFY'])
      assert.deepEqual(lineOf(next, 'Event'), ['refer'])
    })
  }

  it('keeps its route set, whatever the messages within it say (12.2)', () => {
    const request = outgoing()
    const dialog = Dialog.ofResponse(request, answered(request, { routes: ['<sip:p1;lr>'] }))
    dialog.refresh(answered(request, { routes: ['<sip:p9;lr>'] }), anywhere)
    dialog.refresh(received(requestText({ headers: ['Record-Route: <sip:p8;lr>'] })), anywhere)
    assert.deepEqual(dialog.routeSet.map(String), ['<sip:p1;lr>'])
  })

  it('has the route set and the target of the 2xx, not those of the 1xx before it (13.2.2.4)', () => {
    const request = outgoing()
    const early = answered(request, {
      status: 183,
      routes: ['<sip:p1;lr>', '<sip:p2;lr>'],
      contact: '<sip:early@192.0.2.5>',
    })
    const dialog = Dialog.ofResponse(request, early)
    dialog.confirm(answered(request, { routes: ['<sip:p3;lr>', '<sip:p4;lr>'], contact: '<sip:late@192.0.2.6>' }))
    assert.deepEqual(dialog.routeSet.map(String), ['<sip:p4;lr>', '<sip:p3;lr>'])
    assert.equal(dialog.remoteTarget.text, 'sip:late@192.0.2.6')
    dialog.confirm(answered(request))
    assert.deepEqual(dialog.routeSet, [])
  })

  it('knows peers without a tag: its key and its requests have none (12.1.1, 12.1.2)', () => {
    const request = outgoing()
    const asCaller = Dialog.ofResponse(request, answered(request, { toTag: '' }))
    assert.equal(asCaller.id, dialogId('call@test', 'ours', ''))
    assert.deepEqual(lineOf(asCaller.request('BYE', { lines: [] }), 'To'), ['<sip:bob@example.org>'])
    const asCallee = Dialog.ofRequest(received(requestText({ from: '<sip:old@example.com>' })), 'mine')
    assert.equal(asCallee.remoteTag, '')
    assert.deepEqual(lineOf(asCallee.request('BYE', { lines: [] }), 'To'), ['<sip:old@example.com>'])
  })

  it('sends to where the message came from if that had no usable Contact', () => {
    const request = outgoing()
    const source: SipAddress = { protocol: 'tcp', host: '192.0.2.44', port: 5099 }
    for (const contact of ['', '*', '<tel:+4930>']) {
      const dialog = Dialog.ofResponse(request, answered(request, { contact, source }))
      assert.equal(dialog.remoteTarget.text, 'sip:192.0.2.44:5099;transport=tcp', contact)
    }
  })

  describe('the sequence of the peer (12.2.2)', () => {
    const LARGEST = 2 ** 31 - 1

    it('has to rise; gaps are allowed', () => {
      const dialog = Dialog.ofRequest(received(requestText({ cseq: '10 INVITE' })), 'mine')
      const takes = [9, 10, 11, 11, 10, 500, 499, LARGEST, LARGEST, 501].map((cseq) => dialog.acceptSequence(cseq))
      assert.deepEqual(takes, [false, false, true, false, false, true, false, true, false, false])
    })

    it('is empty at a caller: the first request may have any number, 0 as well', () => {
      const request = outgoing()
      for (const first of [0, 1, LARGEST]) {
        const dialog = Dialog.ofResponse(request, answered(request))
        assert.equal(dialog.acceptSequence(first), true)
        assert.equal(dialog.acceptSequence(first), false)
      }
    })
  })

  it('numbers its own requests one by one, and an ACK as its INVITE (12.2.1.1, 13.2.2.4)', () => {
    const request = outgoing({ cseq: LARGEST_BUT_TWO })
    const dialog = Dialog.ofResponse(request, answered(request))
    assert.equal(dialog.request('INFO', { lines: [] }).cseq, LARGEST_BUT_TWO + 1)
    const ack = dialog.ack(request.cseq, { lines: ['X: y'] })
    assert.deepEqual([lineOf(ack, 'CSeq'), lineOf(ack, 'X')], [[`${LARGEST_BUT_TWO} ACK`], ['y']])
    assert.equal(dialog.nextSeq(), 2 ** 31 - 1)
  })

  it('moves its target with Contact, and stays where a message has none (12.2.1.2, 12.2.2)', () => {
    const dialog = Dialog.ofRequest(received(requestText()), 'mine')
    dialog.refresh(received(requestText().replace('sip:alice@192.0.2.1:5060', 'sip:alice@192.0.2.2:5062')), anywhere)
    assert.equal(dialog.remoteTarget.text, 'sip:alice@192.0.2.2:5062')
    dialog.refresh(received(requestText({ method: 'UPDATE' }).replace(/Contact:.*\r\n/, '')), anywhere)
    assert.equal(dialog.remoteTarget.text, 'sip:alice@192.0.2.2:5062')
  })

  describe('keepInReach', () => {
    const source: SipAddress = { protocol: 'udp', host: '192.0.2.99', port: 5099 }

    it('changes nothing where we can reach the next hop, whatever stands behind it', () => {
      const headers = ['Record-Route: <sip:p1;lr>']
      const routed = Dialog.ofRequest(received(requestText({ headers })), 'mine')
      routed.keepInReach(source, ({ host }) => host === 'p1')
      assert.deepEqual([routed.routeSet.map(String), routed.remoteTarget.host], [['<sip:p1;lr>'], '192.0.2.1'])
      const direct = Dialog.ofRequest(received(requestText()), 'mine')
      direct.keepInReach(source, anywhere)
      assert.equal(direct.remoteTarget.host, '192.0.2.1')
    })

    it('puts the source in the place of a first route out of reach, as loose as it was', () => {
      const headers = ['Record-Route: <sip:p1;transport=tls;lr>, <sip:p2;lr>']
      const dialog = Dialog.ofRequest(received(requestText({ headers })), 'mine')
      dialog.keepInReach(source, nowhere)
      assert.deepEqual(dialog.routeSet.map(String), ['<sip:192.0.2.99:5099;lr>', '<sip:p2;lr>'])
      assert.equal(dialog.remoteTarget.text, 'sip:alice@192.0.2.1:5060')
    })

    it('puts the source in the place of a target out of reach, with its user', () => {
      const dialog = Dialog.ofRequest(received(requestText()), 'mine')
      dialog.keepInReach(source, nowhere)
      assert.equal(dialog.remoteTarget.text, 'sip:alice@192.0.2.99:5099')
    })

    it('stays with the WebSocket of the peer, whatever address its Contact has, but with the route of a proxy', () => {
      const byWebSocket: SipAddress = { ...source, protocol: 'ws' }
      const direct = Dialog.ofRequest(received(requestText()), 'mine')
      direct.keepInReach(byWebSocket, anywhere)
      assert.equal(direct.remoteTarget.text, 'sip:alice@192.0.2.99:5099;transport=ws')
      const routed = Dialog.ofRequest(received(requestText({ headers: ['Record-Route: <sip:p1;lr>'] })), 'mine')
      routed.keepInReach(byWebSocket, anywhere)
      assert.deepEqual([routed.routeSet.map(String), routed.remoteTarget.host], [['<sip:p1;lr>'], '192.0.2.1'])
    })

    it('is looked after with each refresh', () => {
      const dialog = Dialog.ofRequest(received(requestText()), 'mine')
      dialog.refresh(received(requestText(), source), ({ host }) => host === source.host)
      assert.equal(dialog.remoteTarget.text, 'sip:alice@192.0.2.99:5099')
    })
  })

  it('lets no line break of a received message into a request', () => {
    const folded = requestText({
      from: '"Mallory\r\n Via: SIP/2.0/UDP evil" <sip:m@example.com>;tag=x',
      headers: ['Record-Route: <sip:p1;lr>\r\n ;a=b'],
    })
    const text = Dialog.ofRequest(received(folded), 'mine').request('BYE', { lines: [] }).toText('v', WAY)
    assert.deepEqual(
      text.split('\r\n').filter((line) => /^(Via|\s)/.test(line)),
      ['Via: v'],
    )
    assert.doesNotMatch(text.replaceAll('\r\n', ''), /[\r\n]/)
  })
})
