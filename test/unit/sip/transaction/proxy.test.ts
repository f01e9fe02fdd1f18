import assert from 'node:assert/strict'
import { silentLogger } from '../../../../src/base/logger.js'
import type { ParsedRequest, ParsedResponse } from '../../../../src/sip/message/parsed-message.js'
import { parseMessage } from '../../../../src/sip/message/parser.js'
import { responseText } from '../../../../src/sip/message/response-text.js'
import { serialiseMessage } from '../../../../src/sip/message/serialise.js'
import { stampVia } from '../../../../src/sip/message/via.js'
import type { InviteClient } from '../../../../src/sip/transaction/invite-client.js'
import type { ClientInvite, InviteUser } from '../../../../src/sip/transaction/transaction.js'
import { Transactions, viaOf } from '../../../../src/sip/transaction/transactions.js'
import { FakeClock } from '../../../support/fake-clock.js'
import { requestText, SDP, SOURCE } from '../../../support/sip-messages.js'
import { FakeFlow } from './fixture.js'

const read = <Message extends ParsedRequest | ParsedResponse>(text: string): Message =>
  parseMessage(Buffer.from(text), SOURCE) as Message

/** A request as a proxy sends it on (RFC 3261 16.6): all it has, one hop less, and the proxy's Via on top. */
class Forwarded implements ClientInvite {
  readonly method: string
  readonly callId: string
  readonly cseq: number
  readonly fromTag: string
  readonly #request: ParsedRequest

  constructor(request: ParsedRequest, method = request.method) {
    this.#request = request
    this.method = method
    this.callId = request.callId
    this.cseq = request.cseq
    this.fromTag = request.fromTag
  }

  toText(via: string): string {
    const copy = read<ParsedRequest>(serialiseMessage(this.#request))
    copy.fields.set('via', [via, ...copy.vias])
    copy.fields.set('max-forwards', [String(Number(copy.header('max-forwards')) - 1)])
    return serialiseMessage(copy)
  }

  /** RFC 3261 17.1.1.3 */
  ackText(via: string, to: string): string {
    return this.#alone('ACK', via, to)
  }

  /** RFC 3261 9.1 */
  cancel(): ClientInvite {
    const { callId, cseq, fromTag } = this
    const toText = (via: string): string => this.#alone('CANCEL', via, this.#request.header('to') ?? '')
    return { method: 'CANCEL', callId, cseq, fromTag, toText, ackText: () => '' }
  }

  #alone(method: string, via: string, to: string): string {
    const { uri, from, callId, cseq } = this.#request
    const routes = this.#request.headers('route').map((route) => `Route: ${route}\r\n`)
    return `${method} ${uri.text} SIP/2.0\r\nVia: ${via}\r\n${routes.join('')}Max-Forwards: 70\r\nFrom: ${from.text}\r\nTo: ${to}\r\nCall-ID: ${callId}\r\nCSeq: ${cseq} ${method}\r\nContent-Length: 0\r\n\r\n`
  }
}

/** The transaction-stateful part of a proxy (RFC 3261 16) over nothing but the transaction layer: one server, one client transaction. */
class StatefulProxy {
  readonly clock = new FakeClock()
  readonly layer = new Transactions({ clock: this.clock, log: silentLogger })
  /** To where requests come from, and to where they go. */
  readonly up = new FakeFlow()
  readonly down = new FakeFlow()

  request(text: string): void {
    const request = read<ParsedRequest>(text)
    request.fields.set('via', [stampVia(request.via, request.source), ...request.vias.slice(1)])
    if (this.layer.receiveRequest(request)) return
    if (request.method === 'ACK') this.#stateless(request)
    else if (request.method === 'CANCEL') this.#cancel(request)
    else this.#forward(request)
  }

  response(text: string): boolean {
    return this.layer.receiveResponse(read(text))
  }

  /** 16.11: the ACK to a 2xx belongs to no transaction. */
  #stateless(ack: ParsedRequest): void {
    void this.down.send(new Forwarded(ack).toText(viaOf(this.down, 'z9hG4bKstateless')))
  }

  /** 16.10 */
  #cancel(cancel: ParsedRequest): void {
    const invite = this.layer.inviteOf(cancel)
    if (!invite?.isCancelledBy(cancel)) return
    const server = this.layer.open(cancel, this.up, { toTag: 'proxy', known: true, user: {} })
    server.respond(200, responseText(cancel.fields, { status: 200, toTag: 'proxy', headers: [] }))
    invite.cancel(cancel)
  }

  #forward(request: ParsedRequest): void {
    const { layer, down } = this
    const forwarded = new Forwarded(request)
    let isCancelled = false
    const cancelled = (): void => {
      isCancelled = true
      // 9.1: before a provisional response this does nothing, and is done then.
      if (client) layer.cancel(client, forwarded.cancel(), { provisional() {}, final() {}, failed() {} })
    }
    const server = layer.open(request, this.up, { toTag: 'proxy', known: true, user: { cancelled } })
    /** 16.7: without the proxy's own Via. */
    const back = (response: ParsedResponse): void => {
      response.fields.set('via', response.vias.slice(1))
      server.respond(response.status, serialiseMessage(response))
    }
    const user: InviteUser = {
      provisional: (response) => {
        if (isCancelled) cancelled()
        if (response.status > 100) back(response)
      },
      success: back,
      final: back,
      failed: ({ status }) =>
        server.respond(status, responseText(request.fields, { status, toTag: 'proxy', headers: [] })),
    }
    let client: InviteClient | undefined
    if (request.method === 'INVITE') client = layer.invite(forwarded, down, user)
    else layer.request(forwarded, down, user)
  }
}

const VIAS = [
  'SIP/2.0/UDP p1.example.com:5060;branch=z9hG4bKp1;received=192.0.2.1',
  'SIP/2.0/TCP 198.51.100.4:5062;branch=z9hG4bKfirst;received=203.0.113.9',
]
const TO = '<sip:bob@example.org>'

/** A request that has passed one proxy before ours. */
const incoming = (method: string, parts: { to?: string; branch?: string; body?: string } = {}): string =>
  requestText({
    method,
    via: 'SIP/2.0/UDP p1.example.com:5060;branch=z9hG4bKp1'.replace('z9hG4bKp1', parts.branch ?? 'z9hG4bKp1'),
    headers: [`Via: ${VIAS[1]}`, 'Route: <sip:p3.example.com;lr>', 'Route: <sip:p4.example.com;lr>', 'X-Other: kept'],
    cseq: `314159 ${method}`,
    to: parts.to ?? TO,
    body: parts.body ?? (method === 'INVITE' ? SDP : ''),
  })

const answer = (sent: string, status: number, toTag: string): string =>
  responseText(read<ParsedRequest>(sent).fields, { status, toTag, headers: ['X-By: callee'] })

const firstLines = (flow: FakeFlow): string[] => flow.sent.map((text) => text.slice(0, text.indexOf('\r\n')))
const last = (flow: FakeFlow): string => flow.sent.at(-1) ?? ''

describe('a proxy over bare transactions (RFC 3261 16)', () => {
  let proxy: StatefulProxy

  beforeEach(() => {
    proxy = new StatefulProxy()
  })

  const nothingIsLeft = (): void => {
    proxy.clock.advance(64_000)
    assert.deepEqual([proxy.layer.size, proxy.clock.pending], [{ clients: 0, servers: 0 }, 0])
  }

  it('sends an INVITE on with every Via below its own, and each response back with those of the others', () => {
    proxy.request(incoming('INVITE'))
    const sent = read<ParsedRequest>(last(proxy.down))
    assert.match(sent.vias[0] ?? '', /^SIP\/2\.0\/UDP 192\.0\.2\.9:5060;branch=z9hG4bK[0-9a-f]{16};rport$/)
    assert.deepEqual(sent.vias.slice(1), VIAS)
    assert.deepEqual([sent.header('max-forwards'), sent.header('x-other'), sent.body], ['69', 'kept', SDP])
    for (const status of [100, 180, 200]) assert.ok(proxy.response(answer(last(proxy.down), status, 'callee')))
    assert.deepEqual(firstLines(proxy.up), ['SIP/2.0 180 Ringing', 'SIP/2.0 200 OK'])
    for (const text of proxy.up.sent) {
      const back = read<ParsedResponse>(text)
      assert.deepEqual([back.vias, back.toTag, back.header('x-by')], [VIAS, 'callee', 'callee'])
    }
    nothingIsLeft()
  })

  it('sends every 2xx back, repeats and those of other forks; ACKs to them pass by the layer, repeats of the INVITE do not', () => {
    proxy.request(incoming('INVITE'))
    const [invite = ''] = proxy.down.sent
    for (const toTag of ['one', 'one', 'two']) assert.ok(proxy.response(answer(invite, 200, toTag)))
    assert.deepEqual(
      proxy.up.sent.map((text) => read<ParsedResponse>(text).toTag),
      ['one', 'one', 'two'],
    )
    proxy.request(incoming('INVITE'))
    assert.equal(proxy.down.sent.length, 1)
    proxy.request(incoming('ACK', { to: `${TO};tag=one`, branch: 'z9hG4bKack' }))
    proxy.request(incoming('ACK', { to: `${TO};tag=two` })) // some peers take the branch of the INVITE
    assert.deepEqual(firstLines(proxy.down).slice(1), Array(2).fill('ACK sip:bob@example.org SIP/2.0'))
    assert.equal(read<ParsedRequest>(last(proxy.down)).vias.length, 3)
    nothingIsLeft()
  })

  it('acknowledges a failure itself, hop by hop, and repeats it upstream until the ACK from there', () => {
    proxy.request(incoming('INVITE'))
    const invite = read<ParsedRequest>(last(proxy.down))
    for (let times = 0; times < 2; times++) proxy.response(answer(proxy.down.sent[0] ?? '', 486, 'callee'))
    const [, ...acks] = proxy.down.sent
    assert.equal(acks.length, 2, 'one for each time that the failure came')
    for (const text of acks) {
      const ack = read<ParsedRequest>(text)
      assert.deepEqual([ack.method, ack.vias, ack.toTag], ['ACK', invite.vias.slice(0, 1), 'callee'])
      assert.deepEqual(ack.headers('route'), ['<sip:p3.example.com;lr>', '<sip:p4.example.com;lr>'])
    }
    proxy.clock.advance(1_500)
    assert.deepEqual(firstLines(proxy.up), Array(3).fill('SIP/2.0 486 Busy Here'))
    proxy.request(incoming('ACK', { to: `${TO};tag=callee` }))
    proxy.clock.advance(10_000)
    assert.deepEqual([proxy.up.sent.length, proxy.down.sent.length], [3, 3], 'the ACK goes no further')
    nothingIsLeft()
  })

  it('answers a CANCEL, sends one of its own by the branch of its INVITE, and the 487 back', () => {
    proxy.request(incoming('INVITE'))
    const [invite = ''] = proxy.down.sent
    proxy.request(incoming('CANCEL'))
    assert.deepEqual(firstLines(proxy.up), ['SIP/2.0 200 OK'])
    assert.equal(proxy.down.sent.length, 1, 'not before a provisional response')
    proxy.response(answer(invite, 180, 'callee'))
    const cancel = read<ParsedRequest>(last(proxy.down))
    assert.deepEqual([cancel.method, cancel.vias], ['CANCEL', read<ParsedRequest>(invite).vias.slice(0, 1)])
    assert.ok(proxy.response(answer(last(proxy.down), 200, 'callee')))
    proxy.request(incoming('CANCEL'))
    assert.equal(last(proxy.up), proxy.up.sent[0], 'a repeated CANCEL has the same answer again')
    proxy.response(answer(invite, 487, 'callee'))
    assert.deepEqual(firstLines(proxy.up).slice(-1), ['SIP/2.0 487 Request Terminated'])
    assert.match(last(proxy.down), /^ACK /)
    proxy.request(incoming('ACK', { to: `${TO};tag=callee` }))
    nothingIsLeft()
  })

  it('tells 408 upstream if nothing comes (Timer B), and 503 if its flow breaks', async () => {
    proxy.request(incoming('INVITE'))
    proxy.clock.advance(32_000)
    assert.deepEqual(firstLines(proxy.up), ['SIP/2.0 408 Request Timeout'])
    assert.deepEqual(read<ParsedResponse>(last(proxy.up)).vias, VIAS)
    proxy.request(incoming('INVITE', { branch: 'z9hG4bKsecond' }))
    await proxy.down.fail(-1)
    assert.equal(firstLines(proxy.up).at(-1), 'SIP/2.0 503 Service Unavailable')
    nothingIsLeft()
  })

  it('sends other requests on, repeats them while there is no answer, and answers repeats from what it has', () => {
    proxy.request(incoming('BYE', { to: `${TO};tag=callee` }))
    proxy.clock.advance(500)
    assert.equal(proxy.down.sent.length, 2)
    assert.equal(proxy.down.sent[0], proxy.down.sent[1])
    proxy.response(answer(last(proxy.down), 200, 'callee'))
    proxy.request(incoming('BYE', { to: `${TO};tag=callee` }))
    assert.equal(proxy.down.sent.length, 2)
    assert.equal(proxy.up.sent[0], proxy.up.sent[1])
    assert.deepEqual(read<ParsedResponse>(last(proxy.up)).vias, VIAS)
    nothingIsLeft()
  })
})
