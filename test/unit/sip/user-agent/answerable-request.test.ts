import assert from 'node:assert/strict'
import type { IncomingRequest, SipDialog } from '../../../../src/sip/types.js'
import { MemoryWire, turn } from '../../../support/memory-wire.js'
import { SDP } from '../../../support/sip-messages.js'
import { ANSWER } from '../../../support/sip-parties.js'

const LIFE_MS = 32_000

/** Where a request may come, and what answers it in the end. */
const PLACES = [
  { method: 'MESSAGE', inDialog: false, body: '' },
  { method: 'NOTIFY', inDialog: true, body: '' },
  { method: 'INFO', inDialog: true, body: '' },
  { method: 'UPDATE', inDialog: true, body: SDP },
  { method: 'INVITE', inDialog: true, body: SDP },
] as const

describe('IncomingRequest', () => {
  let wire: MemoryWire
  let incoming: IncomingRequest[]
  let handler: (request: IncomingRequest) => void | Promise<void>
  let dialog: SipDialog

  beforeEach(() => {
    wire = new MemoryWire()
    incoming = []
    handler = (request) => void incoming.push(request)
    const decide = (request: IncomingRequest): void | Promise<void> => handler(request)
    wire.handlers.request = decide
    dialog = wire.taken()
    dialog.handlers.request = decide
  })

  /** Final responses that were sent since the last look. */
  const finals = (): string[] =>
    wire.sent().flatMap((line) => (/^SIP\/2.0 [2-6]/.test(line) ? [line.slice(8, 11)] : []))

  for (const { method, inDialog, body } of PLACES) {
    describe(`${method} ${inDialog ? 'within a dialog' : 'outside of dialogs'}`, () => {
      let text: string

      beforeEach(() => {
        text = wire.request(method, { body, ...(inDialog ? { dialog } : {}) })
      })

      const come = (): IncomingRequest => {
        wire.receive(text)
        const request = incoming[0]
        assert.ok(request)
        return request
      }

      it('is told once and answered later; a repeat gets the same answer', async () => {
        const request = come()
        wire.receive(text)
        await turn()
        assert.deepEqual([incoming.length, finals()], [1, []])
        request.reject(480)
        wire.receive(text)
        assert.deepEqual([incoming.length, finals()], [1, ['480', '480']])
      })

      it('has one answer, the first', () => {
        const request = come()
        request.reject(480)
        request.accept()
        request.reject(603)
        assert.deepEqual(finals(), ['480'])
      })

      it('stays open where the answer has a wrong header', () => {
        const request = come()
        assert.throws(() => request.accept({ headers: [['X', 'a\r\nb']] }), { code: 'BAD_HEADER' })
        assert.throws(() => request.reject(480, { reason: 'a\nb' }), { code: 'BAD_HEADER' })
        assert.throws(() => request.accept({ body: { contentType: 'a\nb', content: 'x' } }), { code: 'BAD_HEADER' })
        assert.deepEqual(finals(), [])
        request.accept(body === '' ? {} : { body: ANSWER })
        assert.deepEqual(finals(), ['200'])
      })

      it('gets 500 where the handler throws or rejects', async () => {
        handler = () => {
          throw new Error('broken')
        }
        wire.receive(text)
        assert.deepEqual(finals(), ['500'])
        handler = async () => {
          await turn()
          throw new Error('broken later')
        }
        wire.receive(wire.request(method, { body, ...(inDialog ? { dialog } : {}) }))
        assert.deepEqual(finals(), [])
        await turn()
        await turn()
        assert.deepEqual(finals(), ['500'])
      })

      it('keeps its answer where the handler breaks after it', async () => {
        handler = (request) => {
          request.reject(480)
          throw new Error('broken')
        }
        wire.receive(text)
        assert.deepEqual(finals(), ['480'])
        handler = async (request) => {
          request.reject(481)
          throw new Error('broken')
        }
        wire.receive(wire.request(method, { body, ...(inDialog ? { dialog } : {}) }))
        await turn()
        assert.deepEqual(finals(), ['481'])
      })

      it('goes nowhere if the endpoint has closed, and leaves nothing', async () => {
        const request = come()
        wire.endpoint.close()
        request.accept(body === '' ? {} : { body: ANSWER })
        request.reject(480)
        await wire.assertNothingLeft()
      })
    })
  }

  it('an offer gets 487 with the BYE, and its later answer goes nowhere (RFC 3261 15.1.2)', async () => {
    for (const method of ['INVITE', 'UPDATE']) {
      const call = wire.taken()
      let offer: IncomingRequest | undefined
      call.handlers.request = (request) => {
        offer = request
      }
      wire.receive(wire.request(method, { dialog: call, body: SDP }))
      wire.receive(wire.request('BYE', { dialog: call }))
      assert.deepEqual(finals().sort(), ['200', '487'])
      offer?.accept({ body: ANSWER })
      assert.deepEqual(finals(), [])
    }
  })

  it('an offer gets 487 before our BYE leaves', async () => {
    wire.receive(wire.request('INVITE', { dialog, body: SDP }))
    wire.sent()
    const bye = dialog.bye()
    await turn()
    assert.deepEqual(
      wire.sent().map((line) => (line.split(' ')[0] === 'BYE' ? 'BYE' : line.slice(8, 11))),
      ['487', 'BYE'],
    )
    incoming[0]?.accept({ body: ANSWER })
    assert.deepEqual(finals(), [])
    wire.endpoint.close()
    await bye
  })

  it('a cancelled re-INVITE gets 487, once', () => {
    const text = wire.request('INVITE', { dialog, body: SDP })
    wire.receive(text)
    wire.receive(text.replace(/^INVITE/, 'CANCEL').replace(' INVITE\r', ' CANCEL\r'))
    assert.deepEqual(finals(), ['200', '487'])
    incoming[0]?.accept({ body: ANSWER })
    assert.deepEqual(finals(), [])
    wire.receive(wire.request('INVITE', { dialog, body: SDP }))
    incoming[1]?.accept({ body: ANSWER })
    assert.deepEqual(finals(), ['200'], 'the next offer is taken')
  })

  it('INFO after a BYE is answered, and its dialog stays ended', () => {
    wire.receive(wire.request('INFO', { dialog }))
    wire.receive(wire.request('BYE', { dialog }))
    incoming[0]?.accept()
    assert.deepEqual(finals(), ['200', '200'])
    wire.receive(wire.request('INFO', { dialog }))
    assert.deepEqual(finals(), ['481'])
  })

  it('that is never answered is forgotten after 64*T1, and its answer goes nowhere', () => {
    wire.receive(wire.request('MESSAGE'))
    wire.receive(wire.request('INFO', { dialog }))
    wire.receive(wire.request('UPDATE', { dialog, body: SDP }))
    assert.equal(wire.endpoint.transactions.size.servers, 4) // with the INVITE of the call
    wire.clock.advance(LIFE_MS)
    assert.deepEqual(wire.endpoint.transactions.size, { clients: 0, servers: 0 })
    for (const request of incoming) request.accept({ body: ANSWER })
    assert.deepEqual(finals(), [])
  })

  it('an UPDATE that is never answered blocks no offer after that, theirs or ours', async () => {
    wire.receive(wire.request('UPDATE', { dialog, body: SDP }))
    wire.receive(wire.request('INVITE', { dialog, body: SDP }))
    assert.deepEqual(finals(), ['500'])
    wire.clock.advance(LIFE_MS)
    wire.receive(wire.request('INVITE', { dialog, body: SDP }))
    assert.equal(incoming.length, 2)
    incoming[1]?.reject(488)
    const reinvite = dialog.reinvite(ANSWER)
    await turn()
    assert.ok(wire.last('INVITE'))
    wire.endpoint.close()
    await reinvite
  })

  it('without a handler: INFO is taken, an offer gets 488, REFER 603, NOTIFY 481, SUBSCRIBE 489, MESSAGE 480', () => {
    delete wire.handlers.request
    dialog.handlers = {}
    for (const [method, body, status] of [
      ['INFO', '', '200'],
      ['INVITE', SDP, '488'],
      ['UPDATE', SDP, '488'],
      ['NOTIFY', '', '481'],
      ['REFER', '', '603'],
      ['SUBSCRIBE', '', '489'],
    ] as const) {
      wire.receive(wire.request(method, { dialog, body }))
      assert.deepEqual(finals(), [status], method)
    }
    wire.receive(wire.request('MESSAGE'))
    assert.deepEqual(finals(), ['480'])
  })

  it('of the call itself: what comes after the answer does nothing, and nothing is left of a close', async () => {
    wire.receive(wire.request('INVITE', { body: SDP }))
    const invite = wire.invites.pop()
    assert.ok(invite)
    let cancelled = 0
    invite.handlers.cancelled = () => cancelled++
    invite.progress(180)
    invite.progress(183)
    wire.endpoint.close()
    assert.equal(cancelled, 1)
    invite.progress(180)
    invite.reject(486)
    assert.throws(() => invite.accept({ body: ANSWER }), { code: 'WRONG_STATE' })
    assert.equal(cancelled, 1)
    await wire.assertNothingLeft()
  })
})
