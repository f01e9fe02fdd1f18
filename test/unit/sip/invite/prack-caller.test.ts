import assert from 'node:assert/strict'
import type {
  EarlyProgress,
  FinalResponse,
  OutgoingInvite,
  SipDialog,
  UserAgentInit,
} from '../../../../src/sip/types.js'
import { MemoryWire, turn } from '../../../support/memory-wire.js'
import { SDP } from '../../../support/sip-messages.js'
import { ANSWER, OFFER } from '../../../support/sip-parties.js'

const header = (text: string, name: string): string | undefined =>
  new RegExp(`\\r\\n${name}: ([^\\r]*)`, 'i').exec(text)?.[1]

describe('reliable provisional responses to our INVITE (RFC 3262)', () => {
  let wire: MemoryWire
  let told: string[]
  let earlies: EarlyProgress[]
  let dialog: SipDialog | undefined
  let first: string
  let invite: OutgoingInvite
  let progress: (early: EarlyProgress) => void

  function call(init: { offer?: boolean } & Pick<UserAgentInit, 'reliableProvisional'> = {}): void {
    const { offer = true, ...account } = init
    wire = new MemoryWire({ account })
    told = []
    earlies = []
    dialog = undefined
    progress = () => {}
    invite = wire.endpoint.agent.invite(
      { target: 'sip:peer@192.0.2.1:5060', sipCallId: 'call@test', ...(offer ? { body: OFFER } : {}) },
      {
        progress({ status }, early) {
          told.push(`progress ${status}`)
          if (!early) return
          earlies.push(early)
          progress(early)
        },
        answered: (made, _response, answer) => {
          dialog = made
          told.push(answer ? 'answered with an offer' : 'answered')
          answer?.(ANSWER)
        },
        failed: ({ status }) => told.push(`failed ${status}`),
      },
    )
    first = wire.last('INVITE')
    wire.out.length = 0
  }

  afterEach(() => wire.endpoint.close())

  const answer = (
    status: number,
    init: { tag?: string; rseq?: number; body?: string; headers?: string[] } = {},
  ): void => {
    const { tag = 'a', rseq, body = '', headers = [] } = init
    const reliable = rseq === undefined ? [] : ['Require: 100rel', `RSeq: ${rseq}`]
    wire.answer(first.replace(/(\r\nTo: [^\r]*)/, `$1;tag=${tag}`), status, {
      body,
      headers: [...reliable, ...headers],
    })
  }

  const racks = (): (string | undefined)[] =>
    wire.out.filter((text) => text.startsWith('PRACK ')).map((text) => header(text, 'RAck'))

  it('says in INVITE what we support, and demands it where the account needs it', () => {
    call()
    assert.equal(header(first, 'Supported'), '100rel, timer, 199, replaces, norefersub')
    call({ reliableProvisional: 'off' })
    assert.equal(header(first, 'Supported'), 'timer, 199, replaces, norefersub')
    call({ reliableProvisional: 'required' })
    assert.equal(header(first, 'Require'), '100rel')
  })

  it('4: each gets one PRACK, in their order; repeats and those that overtake are dropped', () => {
    call()
    answer(183, { rseq: 10 })
    answer(183, { rseq: 10 })
    answer(180, { rseq: 12 })
    answer(180, { rseq: 11 })
    answer(183, { rseq: 10 })
    answer(180, { rseq: 12 })
    assert.deepEqual(racks(), ['10 1 INVITE', '11 1 INVITE', '12 1 INVITE'])
    assert.deepEqual(told, ['progress 183', 'progress 180', 'progress 180'])
  })

  it('4: each early dialog counts its own', () => {
    call()
    answer(183, { tag: 'a', rseq: 5 })
    answer(183, { tag: 'b', rseq: 900 })
    answer(180, { tag: 'a', rseq: 6 })
    answer(180, { tag: 'b', rseq: 5 })
    assert.deepEqual(racks(), ['5 1 INVITE', '900 1 INVITE', '6 1 INVITE'])
    assert.deepEqual(
      wire.out.map((text) => /;tag=(\w+)/.exec(header(text, 'To') ?? '')?.[1]),
      ['a', 'b', 'a'],
    )
  })

  it('7.1: an RSeq that is not a number from 1 on makes the response unreliable', () => {
    call()
    for (const rseq of ['0', '-1', 'x', '4294967296', '1e3']) {
      answer(183, { headers: ['Require: 100rel', `RSeq: ${rseq}`] })
    }
    answer(183, { headers: ['Require: 100rel'] })
    answer(183, { headers: ['RSeq: 4'] })
    assert.deepEqual([racks(), told.length], [[], 7])
  })

  it('a PRACK is challenged like every request (RFC 3261 22)', async () => {
    call()
    answer(183, { rseq: 1 })
    wire.credentials = [['Authorization', 'Digest x']]
    wire.answer(wire.last('PRACK'), 401, { headers: ['WWW-Authenticate: Digest realm="r", nonce="n"'] })
    await turn()
    const again = wire.last('PRACK')
    assert.deepEqual(
      [header(again, 'RAck'), header(again, 'CSeq'), header(again, 'Authorization')],
      ['1 1 INVITE', '3 PRACK', 'Digest x'],
    )
  })

  it('the PRACK is sent after a CANCEL too', () => {
    call()
    answer(100)
    invite.cancel()
    answer(183, { rseq: 1 })
    assert.deepEqual([racks(), told], [['1 1 INVITE'], []])
  })

  it('5: an offer in a reliable response is answered in its PRACK, one in the 2xx in the ACK (RFC 3261 13.2.1)', async () => {
    call({ offer: false })
    assert.equal(header(first, 'Content-Length'), '0')
    progress = (early) => void early.prack(ANSWER)
    answer(183, { rseq: 1, body: SDP })
    assert.match(wire.last('PRACK'), /\r\n\r\nv=0.*m=audio 5000/s)
    answer(200)
    await turn()
    assert.deepEqual([told.at(-1), header(wire.last('ACK'), 'Content-Length')], ['answered', '0'])
    call({ offer: false })
    answer(200, { body: SDP })
    await turn()
    assert.equal(told.at(-1), 'answered with an offer')
    assert.match(wire.last('ACK'), /\r\n\r\nv=0.*m=audio 5000/s)
  })

  it('5: after the answer in the response its PRACK may carry a new offer, whose answer is in the response to it', async () => {
    call()
    let result: Promise<FinalResponse> | undefined
    progress = (early) => {
      result = early.prack(OFFER)
    }
    answer(183, { rseq: 1, body: SDP })
    const [early] = earlies
    await assert.rejects(async () => early?.dialog.update(OFFER), { code: 'WRONG_STATE' })
    await assert.rejects(async () => early?.prack(OFFER), { code: 'WRONG_STATE' }, 'one PRACK for each response')
    wire.answer(wire.last('PRACK'), 200, { body: SDP })
    const response = await result
    assert.ok(response && !('local' in response))
    assert.equal(response.body?.content, SDP)
  })

  it('RFC 3311 5.1: before the answer neither side may offer again, after a reliable one both may', async () => {
    call()
    answer(183, { body: SDP })
    const early = earlies[0]?.dialog
    assert.ok(early)
    early.handlers.request = (offer) => offer.accept({ body: ANSWER })
    await assert.rejects(early.update(OFFER), { code: 'WRONG_STATE' })
    wire.receive(wire.request('UPDATE', { dialog: early, body: SDP }))
    assert.match(wire.out.at(-1) ?? '', /^SIP\/2.0 491 /, 'the description of an unreliable response is not the answer')
    answer(183, { rseq: 1, body: SDP })
    const update = early.update(OFFER)
    await turn()
    wire.receive(wire.request('UPDATE', { dialog: early, body: SDP }))
    assert.match(wire.out.at(-1) ?? '', /^SIP\/2.0 491 /, 'our offer is open')
    wire.answer(wire.last('UPDATE'), 200, { body: SDP })
    assert.equal((await update).status, 200)
    wire.receive(wire.request('UPDATE', { dialog: early, body: SDP }))
    assert.match(wire.out.at(-1) ?? '', /^SIP\/2.0 200 .*v=0/s)
  })

  it('a 2xx keeps the early dialog that it belongs to; the others end later', async () => {
    call()
    answer(183, { tag: 'a', rseq: 1, body: SDP })
    answer(183, { tag: 'b', rseq: 1, body: SDP })
    answer(200, { tag: 'b' })
    await turn()
    assert.deepEqual([dialog === earlies[1]?.dialog, dialog?.remoteTag], [true, 'b'])
  })

  it('RFC 3261 16.6, Timer C: a peer that falls silent after a provisional response is cancelled after three minutes', async () => {
    call()
    answer(180)
    wire.clock.advance(170_000)
    answer(180)
    wire.clock.advance(170_000)
    assert.deepEqual(wire.sent(), [])
    wire.clock.advance(11_000)
    await turn()
    assert.deepEqual([wire.sent().map((line) => line.split(' ', 1)[0]), told.at(-1)], [['CANCEL'], 'failed 408'])
  })
})
