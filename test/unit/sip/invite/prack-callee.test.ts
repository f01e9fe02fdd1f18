import assert from 'node:assert/strict'
import type { IncomingInvite, IncomingRequest, SipBody, SipDialog, UserAgentInit } from '../../../../src/sip/types.js'
import { MemoryWire, turn } from '../../../support/memory-wire.js'
import { SDP } from '../../../support/sip-messages.js'
import { ANSWER, OFFER } from '../../../support/sip-parties.js'

const header = (text: string, name: string): string | undefined =>
  new RegExp(`\\r\\n${name}: ([^\\r]*)`, 'i').exec(text)?.[1]

/** Calls an endpoint; the test says what the caller sends. */
class Caller {
  readonly wire: MemoryWire
  readonly cseq = 7
  readonly invite: string
  dialog!: SipDialog

  constructor(init: { headers?: string[]; body?: string } & Pick<UserAgentInit, 'reliableProvisional'>) {
    const { headers = ['Supported: 100rel'], body = SDP, ...account } = init
    this.wire = new MemoryWire({ account })
    this.invite = this.wire.request('INVITE', { body, cseq: this.cseq, headers })
    this.wire.receive(this.invite)
  }

  get incoming(): IncomingInvite {
    const [incoming] = this.wire.invites
    assert.ok(incoming)
    return incoming
  }

  /** The latest response to the INVITE. */
  get response(): string {
    const text = this.wire.out.findLast(
      (each) => each.startsWith('SIP/2.0') && / INVITE$/.test(header(each, 'CSeq') ?? ''),
    )
    assert.ok(text)
    return text
  }

  get rseq(): number {
    return Number(header(this.response, 'RSeq'))
  }

  /** Statuses that were sent since the last look. */
  statuses(): string[] {
    return this.wire.sent().map((line) => line.slice(8, 11))
  }

  /** The early dialog from the caller's side. */
  get early(): SipDialog {
    const localTag = /;tag=([^;\s]+)/.exec(header(this.response, 'To') ?? '')?.[1] ?? ''
    return { sipCallId: header(this.invite, 'Call-ID'), localTag, remoteTag: 'peer' } as SipDialog
  }

  prack(init: { rseq?: number; cseq?: number; body?: string; method?: string } = {}): void {
    const { rseq = this.rseq, cseq = this.cseq, body = '', method = 'INVITE' } = init
    const headers = [`RAck: ${rseq} ${cseq} ${method}`]
    this.wire.receive(this.wire.request('PRACK', { dialog: this.early, body, headers }))
  }
}

describe('our reliable provisional responses (RFC 3262)', () => {
  let caller: Caller
  const call = (init: ConstructorParameters<typeof Caller>[0] = {}): Caller => {
    caller = new Caller(init)
    return caller
  }

  afterEach(() => caller.wire.endpoint.close())

  it('3: a 183 with a description is repeated at T1 doubling until its PRACK', () => {
    const { incoming, wire } = call()
    incoming.progress(183, { body: ANSWER })
    assert.match(caller.response, /\r\nRequire: 100rel\r\nRSeq: \d+\r\n/)
    assert.ok(caller.rseq >= 1 && caller.rseq < 2 ** 31)
    wire.sent()
    wire.clock.advance(499)
    assert.deepEqual(caller.wire.sent(), [])
    for (const ms of [1, 1_000, 2_000, 4_000, 8_000]) {
      wire.clock.advance(ms)
      assert.equal(wire.out.length, 1, `${ms} ms`)
      if (ms < 8_000) wire.sent()
    }
    caller.prack()
    assert.deepEqual(caller.statuses(), ['183', '200'])
    wire.clock.advance(60_000)
    assert.deepEqual(caller.statuses(), [])
  })

  it('3: a RAck with another number, CSeq or method gets 481, and so does the second PRACK', () => {
    const { incoming } = call()
    incoming.progress(183, { body: ANSWER })
    const { rseq } = caller
    const { response } = caller
    for (const wrong of [{ rseq: rseq + 1 }, { cseq: 8 }, { method: 'UPDATE' }]) {
      caller.wire.out.splice(0, Number.POSITIVE_INFINITY, response)
      caller.prack({ rseq, ...wrong })
      assert.equal(caller.statuses().at(-1), '481')
    }
    for (const expected of ['200', '481']) {
      caller.wire.out.push(response)
      caller.prack()
      assert.equal(caller.statuses().at(-1), expected)
    }
  })

  it('3: the next reliable response waits for the PRACK of the one before, with the next RSeq', () => {
    const { incoming } = call({ headers: ['Require: 100rel'] })
    incoming.progress(180)
    const { rseq } = caller
    incoming.progress(183, { body: ANSWER })
    assert.deepEqual(
      caller.wire.out.map((text) => text.slice(8, 11)),
      ['100', '180'],
    )
    caller.prack()
    assert.deepEqual([caller.response.slice(8, 11), caller.rseq], ['183', rseq + 1])
  })

  it('3: a 180 without a description is unreliable where the caller only supports PRACK, reliable where it demands it', () => {
    call().incoming.progress(180)
    assert.equal(header(caller.response, 'RSeq'), undefined)
    call({ headers: ['Require: 100rel'] }).incoming.progress(180)
    assert.ok(caller.rseq > 0)
    call({ headers: [] }).incoming.progress(183, { body: ANSWER })
    assert.equal(header(caller.response, 'RSeq'), undefined)
  })

  it('3: our 2xx waits for the PRACK of a response with a description, and has none itself then (RFC 6337 2.2)', async () => {
    const { incoming, wire } = call()
    incoming.progress(183, { body: ANSWER })
    const dialog = incoming.accept({ body: ANSWER })
    assert.deepEqual(caller.statuses(), ['100', '183'])
    wire.out.push(caller.invite.replace(/^/, ''))
    wire.out.length = 0
    wire.clock.advance(500)
    caller.prack()
    assert.deepEqual([caller.response.slice(8, 11), header(caller.response, 'Content-Length')], ['200', '0'])
    wire.receive(wire.request('ACK', { dialog, cseq: caller.cseq }))
    wire.sent()
    const bye = dialog.bye()
    await turn()
    wire.answer(wire.last('BYE'), 200)
    assert.equal((await bye).status, 200)
  })

  it('3: our 2xx does not wait for the PRACK of a response without a description, which gets 200 after it as well', () => {
    const { incoming } = call({ headers: ['Require: 100rel'] })
    incoming.progress(180)
    const { rseq } = caller
    incoming.accept({ body: ANSWER })
    assert.match(caller.response, /^SIP\/2.0 200 .*v=0/s)
    caller.wire.clock.advance(500)
    assert.deepEqual(caller.statuses(), ['100', '180', '200', '200'], 'the 180 is not repeated')
    caller.wire.clock.advance(1_000)
    caller.prack({ rseq })
    assert.equal(caller.statuses().at(-1), '200')
  })

  it('3: without a PRACK for 64*T1 the INVITE is refused with 504', () => {
    const { incoming, wire } = call()
    let told = 0
    incoming.handlers.unacknowledged = () => told++
    incoming.progress(183, { body: ANSWER })
    wire.sent()
    wire.clock.advance(32_000)
    assert.deepEqual([caller.response.slice(8, 11), told], ['504', 1])
  })

  it('3: without a PRACK for 64*T1 a 2xx that waits for it becomes 504, and the dialog is lost', () => {
    const { incoming, wire } = call()
    incoming.progress(183, { body: ANSWER })
    const lost: number[] = []
    incoming.accept({ body: ANSWER }).handlers = { lost: ({ status }) => lost.push(status) }
    wire.clock.advance(32_000)
    assert.deepEqual([caller.response.slice(8, 11), lost], ['504', [503]])
  })

  it('a CANCEL ends a 2xx that waits for a PRACK', () => {
    const { incoming, wire } = call()
    incoming.progress(183, { body: ANSWER })
    const lost: string[] = []
    incoming.accept({ body: ANSWER }).handlers = { lost: ({ reason }) => lost.push(reason) }
    wire.sent()
    wire.receive(
      caller.invite.replaceAll('INVITE', 'CANCEL').replace(/\r\nContent-Type.*$/s, '\r\nContent-Length: 0\r\n\r\n'),
    )
    assert.deepEqual([caller.statuses().sort(), lost], [['200', '487'], ['the caller has cancelled the call']])
    assert.equal(wire.endpoint.dialogs.kept, 0)
  })

  it('a refusal needs no PRACK, and ends the repeats', () => {
    const { incoming, wire } = call()
    incoming.progress(183, { body: ANSWER })
    incoming.reject(486)
    assert.deepEqual(caller.statuses(), ['100', '183', '486'])
    wire.clock.advance(400)
    assert.deepEqual(caller.statuses(), [])
  })

  it('5: without an offer in the INVITE the 183 carries ours, and the PRACK its answer', () => {
    const { incoming, wire } = call({ body: '' })
    const answers: (SipBody | undefined)[] = []
    incoming.handlers.answered = (body) => answers.push(body)
    assert.equal(incoming.isReliable, true)
    incoming.progress(183, { body: OFFER })
    const { response } = caller
    wire.receive(wire.request('UPDATE', { dialog: caller.early, body: SDP }))
    assert.equal(caller.statuses().at(-1), '491', 'our offer waits for its answer (RFC 3311 5.2)')
    wire.out.push(response)
    caller.prack({ body: SDP })
    assert.deepEqual(caller.statuses().at(-1), '200')
    assert.deepEqual(
      answers.map((body) => body?.content),
      [SDP],
    )
    incoming.accept({ body: OFFER })
    assert.equal(header(caller.response, 'Content-Length'), '0')
  })

  it('5, RFC 3311 5: after the PRACK an offer may come in the next PRACK, in UPDATE, and from us', async () => {
    const { incoming, wire } = call({ headers: ['Require: 100rel', 'Allow: UPDATE'] })
    const offers: IncomingRequest[] = []
    incoming.handlers.request = (offer) => {
      offers.push(offer)
      offer.accept({ body: ANSWER })
    }
    incoming.progress(183, { body: ANSWER })
    const early = caller.early
    wire.receive(wire.request('UPDATE', { dialog: early, body: SDP }))
    assert.match(wire.out.at(-1) ?? '', /^SIP\/2.0 500 .*\r\nRetry-After: 1\r\n/s, 'the answer has no PRACK yet')
    caller.prack({ body: SDP })
    assert.match(wire.out.at(-1) ?? '', /^SIP\/2.0 200 .*v=0/s)
    wire.receive(wire.request('UPDATE', { dialog: early, body: SDP }))
    assert.match(wire.out.at(-1) ?? '', /^SIP\/2.0 200 .*v=0/s)
    assert.deepEqual(
      offers.map(({ request }) => request.method),
      ['PRACK', 'UPDATE'],
    )
  })

  it('RFC 3261 8.2.2.3, 21.4.15: an account without PRACK refuses a demand with 420, one that needs it a caller without with 421', () => {
    call({ headers: ['Require: 100rel'], reliableProvisional: 'off' })
    assert.match(caller.response, /^SIP\/2.0 420 .*\r\nUnsupported: 100rel\r\n/s)
    call({ headers: [], reliableProvisional: 'required' })
    assert.match(caller.response, /^SIP\/2.0 421 .*\r\nRequire: 100rel\r\n/s)
    assert.equal(caller.wire.endpoint.dialogs.kept, 0)
    call({ reliableProvisional: 'off' }).incoming.progress(183, { body: ANSWER })
    assert.equal(header(caller.response, 'RSeq'), undefined)
    call({ reliableProvisional: 'required' }).incoming.progress(180)
    assert.ok(caller.rseq > 0)
  })
})
