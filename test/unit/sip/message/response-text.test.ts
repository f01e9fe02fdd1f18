import assert from 'node:assert/strict'
import { octetsOf } from '../../../../src/base/octets.js'
import { ParsedResponse } from '../../../../src/sip/message/parsed-message.js'
import { parseMessage } from '../../../../src/sip/message/parser.js'
import { reasonPhrase } from '../../../../src/sip/message/reason-phrases.js'
import { responseText } from '../../../../src/sip/message/response-text.js'
import { requestText, SDP, SOURCE } from '../../../support/sip-messages.js'

const OPTIONS = { status: 200, toTag: 't', headers: [] }
const request = (parts: Parameters<typeof requestText>[0] = {}) =>
  parseMessage(Buffer.from(requestText(parts)), SOURCE).fields

function respond(
  fields: ReturnType<typeof request>,
  parts: Partial<Parameters<typeof responseText>[1]> = {},
): ParsedResponse {
  const response = parseMessage(octetsOf(responseText(fields, { ...OPTIONS, ...parts })), SOURCE)
  assert.ok(response instanceof ParsedResponse)
  return response
}

describe('a response (RFC 3261 8.2.6)', () => {
  it('repeats all Vias in order, From, Call-ID and CSeq', () => {
    const fields = request({ headers: ['Via: SIP/2.0/TCP b;branch=2', 'v: SIP/2.0/UDP c, SIP/2.0/UDP d'] })
    const response = respond(fields)
    assert.equal(response.vias.length, 4)
    assert.deepEqual(response.vias, fields.all('via'))
    for (const name of ['from', 'call-id', 'cseq']) assert.equal(response.header(name), fields.first(name))
  })

  const tags: [to: string, toTag: string, written: string][] = [
    ['<sip:a@b>', 't', '<sip:a@b>;tag=t'],
    ['<sip:a@b>', '', '<sip:a@b>'],
    ['<sip:a@b>;tag=x', 't', '<sip:a@b>;tag=x'],
    ['<sip:a@b>; TAG = x', 't', '<sip:a@b>; TAG = x'],
    ['<sip:a@b;tag=x>', 't', '<sip:a@b;tag=x>;tag=t'],
    ['"tag=x" <sip:a@b>', 't', '"tag=x" <sip:a@b>;tag=t'],
  ]
  for (const [to, toTag, written] of tags) {
    it(`answers To: ${to} with ${written}`, () =>
      assert.equal(respond(request({ to }), { toTag }).header('to'), written))
  }

  it('has the usual phrase of its status, unless another one is given', () => {
    assert.deepEqual([100, 180, 200, 404, 486, 608].map(reasonPhrase), [
      'Trying',
      'Ringing',
      'OK',
      'Not Found',
      'Busy Here',
      'Rejected',
    ])
    assert.equal(respond(request(), { status: 486 }).reason, 'Busy Here')
    assert.equal(respond(request(), { status: 486, reason: 'Not now' }).reason, 'Not now')
    assert.equal(respond(request(), { status: 599 }).reason, '')
  })

  it('has the given headers and the body, in octets', () => {
    const body = { contentType: 'text/plain', content: 'größe' }
    const response = respond(request(), { headers: ['X-Own: 1'], body })
    assert.deepEqual([response.header('x-own'), response.header('content-type')], ['1', 'text/plain'])
    assert.deepEqual([response.header('content-length'), response.body], ['7', 'größe'])
    assert.equal(respond(request()).header('content-length'), '0')
    assert.equal(respond(request({ body: SDP })).header('content-type'), undefined)
  })

  it('refuses a content type that could start another line', () => {
    const body = { contentType: 'text/plain\r\nX: y', content: 'x' }
    assert.throws(() => responseText(request(), { ...OPTIONS, body }), { code: 'BAD_HEADER' })
  })

  it('repeats Record-Route only where it makes a dialog (RFC 3261 12.1.1)', () => {
    const fields = request({ headers: ['Record-Route: <sip:p2;lr>, <sip:p1;lr>', 'Record-Route: <sip:p0;lr>'] })
    const routes = ['<sip:p2;lr>', '<sip:p1;lr>', '<sip:p0;lr>']
    for (const status of [180, 200, 299]) {
      assert.deepEqual(respond(fields, { status, recordRoute: true }).headers('record-route'), routes)
    }
    for (const status of [100, 302, 486]) {
      assert.deepEqual(respond(fields, { status, recordRoute: true }).headers('record-route'), [])
    }
    assert.deepEqual(respond(fields).headers('record-route'), [])
  })
})
