import assert from 'node:assert/strict'
import type { FinalResponse, OutgoingInvite } from '../../../../src/sip/types.js'
import { MemoryWire, turn } from '../../../support/memory-wire.js'
import { SDP } from '../../../support/sip-messages.js'
import { ANSWER, OFFER } from '../../../support/sip-parties.js'

const never = (): Promise<never> => new Promise(() => {})

/** What an application waits for, and what it is told. */
class Waits {
  readonly told: string[] = []
  readonly promises: Promise<unknown>[] = []

  response(promise: Promise<FinalResponse>): void {
    this.promises.push(promise.then(({ status }) => this.told.push(`${status}`)))
  }
}

const invite = (wire: MemoryWire, waits: Waits, target = 'sip:peer@192.0.2.1:5060', content = ''): OutgoingInvite =>
  wire.endpoint.agent.invite(
    { target, body: { ...OFFER, content: OFFER.content + content }, sipCallId: 'call@test' },
    {
      progress: ({ status }) => waits.told.push(`progress ${status}`),
      answered: () => waits.told.push('answered'),
      failed: ({ status }) => waits.told.push(`failed ${status}`),
    },
  )

const request = (wire: MemoryWire, waits: Waits, target = 'sip:peer@192.0.2.1:5060', content = ''): void => {
  const body = content === '' ? {} : { body: { contentType: 'text/plain', content } }
  const init = { method: 'MESSAGE', target, sipCallId: 'message@test', cseq: 1, ...body }
  waits.response(wire.endpoint.agent.request(init).then(({ response }) => response))
}

interface Phase {
  what: string
  wire?: ConstructorParameters<typeof MemoryWire>[0]
  begin(wire: MemoryWire, waits: Waits): void | Promise<void>
  /** What is told, of all that happens. */
  told: string[]
}

const LARGE = 'x'.repeat(2_000)

const PHASES: Phase[] = [
  {
    what: 'a name is being resolved',
    wire: { resolve: never },
    begin(wire, waits) {
      invite(wire, waits, 'sip:peer@host.example')
      request(wire, waits, 'sip:peer@host.example')
    },
    told: ['failed 503', '503'],
  },
  {
    what: 'a TCP connection is being opened',
    wire: { connect: never },
    begin(wire, waits) {
      invite(wire, waits, undefined, LARGE)
      request(wire, waits, undefined, LARGE)
    },
    told: ['failed 503', '503'],
  },
  {
    what: 'an INVITE and another request have had no response',
    begin(wire, waits) {
      invite(wire, waits)
      request(wire, waits)
    },
    told: ['failed 503', '503'],
  },
  {
    what: 'the other telephone rings',
    begin(wire, waits) {
      invite(wire, waits)
      wire.answer(wire.last('INVITE'), 180)
      assert.equal(wire.endpoint.dialogs.size, 1)
    },
    told: ['progress 180', 'failed 503'],
  },
  {
    what: 'a CANCEL has been sent',
    begin(wire, waits) {
      const call = invite(wire, waits)
      wire.answer(wire.last('INVITE'), 180)
      call.cancel()
      assert.ok(wire.last('CANCEL'))
    },
    told: ['progress 180', 'failed 503'],
  },
  {
    what: 'a placed call stands, and its INFO, UPDATE and re-INVITE have no answer',
    async begin(wire, waits) {
      const dialog = await wire.placed()
      waits.response(dialog.request('INFO'))
      waits.response(dialog.reinvite(OFFER))
      await turn()
      await assert.rejects(dialog.update(OFFER), { code: 'WRONG_STATE' })
      dialog.handlers = {
        bye: () => waits.told.push('bye'),
        lost: () => waits.told.push('lost'),
      }
    },
    told: ['503', '503'],
  },
  {
    what: 'our re-INVITE has had a provisional response',
    async begin(wire, waits) {
      const dialog = await wire.placed()
      waits.response(dialog.reinvite(OFFER))
      await turn()
      wire.answer(wire.last('INVITE'), 100)
      dialog.handlers = { lost: () => waits.told.push('lost') }
    },
    told: ['503'],
  },
  {
    what: 'our UPDATE with an offer has no answer',
    async begin(wire, waits) {
      const dialog = await wire.placed()
      waits.response(dialog.update(OFFER))
      await turn()
      await assert.rejects(dialog.reinvite(OFFER), { code: 'WRONG_STATE' })
    },
    told: ['503'],
  },
  {
    what: 'our BYE has no answer',
    async begin(wire, waits) {
      const dialog = await wire.placed()
      dialog.handlers = { bye: () => waits.told.push('bye'), lost: () => waits.told.push('lost') }
      waits.response(dialog.bye())
      waits.response(dialog.bye())
      waits.response(dialog.request('INFO'))
      waits.response(dialog.reinvite(OFFER))
      await turn()
      assert.deepEqual(
        wire.sent().map((line) => line.split(' ')[0]),
        ['BYE'],
        'after BYE no other request leaves',
      )
    },
    told: ['503', '503', '503', '503'],
  },
  {
    what: 'our 200 has no ACK, and BYE and re-INVITE wait for it',
    begin(wire, waits) {
      const dialog = wire.taken({ ack: false })
      dialog.handlers = { ackTimeout: () => waits.told.push('ackTimeout'), bye: () => waits.told.push('bye') }
      waits.response(dialog.reinvite(OFFER))
      waits.response(dialog.bye())
    },
    told: ['503', '503'],
  },
  {
    what: 'a call rings here',
    begin(wire, waits) {
      wire.receive(wire.request('INVITE', { body: SDP }))
      const ringing = wire.invites.pop()
      assert.ok(ringing)
      ringing.progress(180)
      ringing.handlers.cancelled = () => waits.told.push('cancelled')
    },
    told: ['cancelled'],
  },
  {
    what: 'a call has come that is decided at once',
    begin(wire, waits) {
      wire.handlers.decidesAtOnce = () => true
      wire.receive(wire.request('INVITE', { body: SDP }))
      const open = wire.invites.pop()
      assert.ok(open)
      open.handlers.cancelled = () => waits.told.push('cancelled')
    },
    told: ['cancelled'],
  },
  {
    what: "the peer's re-INVITE waits for its answer, or for the ACK",
    begin(wire, waits) {
      for (const isAnswered of [false, true]) {
        const dialog = wire.taken()
        dialog.handlers = {
          request(offer) {
            waits.told.push('offer')
            if (isAnswered) offer.accept({ body: ANSWER })
          },
          ackTimeout: () => waits.told.push('ackTimeout'),
          bye: () => waits.told.push('bye'),
          lost: () => waits.told.push('lost'),
        }
        wire.receive(wire.request('INVITE', { dialog, body: SDP }))
      }
    },
    told: ['offer', 'offer'],
  },
  {
    what: 'a call was refused, and the ACK has not come',
    begin(wire) {
      wire.receive(wire.request('INVITE', { body: SDP }))
      wire.invites.pop()?.reject(486)
    },
    told: [],
  },
]

describe('an endpoint that closes', () => {
  for (const { what, wire: init, begin, told } of PHASES) {
    it(`while ${what}: every wait ends, every handler is told once, nothing stays`, async () => {
      const wire = new MemoryWire(init)
      const waits = new Waits()
      await begin(wire, waits)
      wire.endpoint.close()
      await Promise.all(waits.promises)
      await wire.assertNothingLeft()
      assert.deepEqual(waits.told.sort(), [...told].sort())
    })
  }

  it('has 503 for all that is asked of it afterwards', async () => {
    const wire = new MemoryWire()
    const placed = await wire.placed()
    const waits = new Waits()
    wire.endpoint.close()
    for (const response of [placed.bye(), placed.request('INFO'), placed.reinvite(OFFER)]) waits.response(response)
    request(wire, waits)
    invite(wire, waits)
    await Promise.all(waits.promises)
    await turn()
    assert.deepEqual(waits.told.sort(), ['503', '503', '503', '503', 'failed 503'])
    await wire.assertNothingLeft()
  })
})

describe('a dialog', () => {
  it('that was asked to hang up with a wrong header lives on, and can be ended', async () => {
    const wire = new MemoryWire()
    const dialog = await wire.placed()
    await assert.rejects(dialog.bye({ headers: [['X', 'a\r\nb']] }), { code: 'BAD_HEADER' })
    wire.receive(wire.request('INFO', { dialog }))
    assert.deepEqual(wire.sent(), ['SIP/2.0 200 OK'])
    const bye = dialog.bye()
    await turn()
    wire.answer(wire.last('BYE'), 200)
    assert.equal((await bye).status, 200)
  })

  it('that answers after a BYE in its early dialog is a dialog all the same', async () => {
    const wire = new MemoryWire()
    const waits = new Waits()
    invite(wire, waits)
    const sent = wire.last('INVITE')
    wire.answer(sent, 180)
    const fromTag = /\r\nFrom: [^\r]*tag=(\w+)/.exec(sent)?.[1] ?? ''
    const early = { sipCallId: 'call@test', localTag: fromTag, remoteTag: 'peer', handlers: {} }
    const within = (method: string): void => {
      wire.out.length = 0
      wire.receive(wire.request(method, { dialog: early as never }))
    }
    within('BYE')
    assert.deepEqual(wire.sent(), ['SIP/2.0 200 OK'])
    wire.answer(sent, 200, { body: SDP })
    await turn()
    assert.deepEqual(waits.told, ['progress 180', 'answered'])
    within('INFO')
    assert.deepEqual(wire.sent(), ['SIP/2.0 200 OK'])
    wire.endpoint.close()
    await wire.assertNothingLeft()
  })

  it('refuses an offer while its own UPDATE with one is open (RFC 3311 5.2)', async () => {
    const wire = new MemoryWire()
    const dialog = await wire.placed()
    let offers = 0
    dialog.handlers.request = (offer) => {
      offers++
      offer.accept({ body: ANSWER })
    }
    const update = dialog.update(OFFER)
    await turn()
    const ours = wire.last('UPDATE')
    wire.sent()
    for (const method of ['INVITE', 'UPDATE']) wire.receive(wire.request(method, { dialog, body: SDP }))
    assert.deepEqual(
      wire.sent().map((line) => line.slice(8, 11)),
      ['491', '491'],
    )
    wire.answer(ours, 200, { body: SDP })
    assert.equal((await update).status, 200)
    wire.sent()
    wire.receive(wire.request('UPDATE', { dialog, body: SDP }))
    assert.deepEqual([offers, wire.sent()], [1, ['SIP/2.0 200 OK']])
    wire.endpoint.close()
  })
})
