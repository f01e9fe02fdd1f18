import assert from 'node:assert/strict'
import type { IncomingRequest, SipDialog } from '../../../../src/sip/types.js'
import { MemoryWire, turn } from '../../../support/memory-wire.js'
import { SDP } from '../../../support/sip-messages.js'
import { ANSWER, OFFER } from '../../../support/sip-parties.js'

const LIFE_MS = 32_000

describe('InviteDialog', () => {
  let wire: MemoryWire

  beforeEach(() => {
    wire = new MemoryWire()
  })

  afterEach(() => wire.endpoint.close())

  /** Status of each response, method of each request that was sent since the last look. */
  const sent = (): string[] =>
    wire.sent().map((line) => (line.startsWith('SIP/2.0 ') ? line.slice(8, 11) : (line.split(' ', 1)[0] ?? '')))

  const takesOffers = (dialog: SipDialog): IncomingRequest[] => {
    const offers: IncomingRequest[] = []
    dialog.handlers.request = (offer) => {
      offers.push(offer)
      offer.accept({ body: ANSWER })
    }
    return offers
  }

  describe('an offer of the peer before the ACK to our 2xx (RFC 3261 14.2, RFC 6337 4.3)', () => {
    it('is refused with 500 and Retry-After after a re-INVITE, and taken after the ACK', () => {
      const dialog = wire.taken()
      const offers = takesOffers(dialog)
      const reinvite = wire.request('INVITE', { dialog, body: SDP, cseq: 500 })
      wire.receive(reinvite)
      for (const [cseq, method] of [
        [501, 'INVITE'],
        [502, 'UPDATE'],
      ] as const) {
        wire.receive(wire.request(method, { dialog, body: SDP, cseq }))
        assert.match(wire.out.at(-1) ?? '', /^SIP\/2.0 500 .*\r\nRetry-After: 1\r\n/s)
      }
      assert.equal(offers.length, 1)
      wire.receive(wire.request('ACK', { dialog, cseq: 499 }))
      wire.receive(wire.request('UPDATE', { dialog, body: SDP, cseq: 503 }))
      assert.equal(offers.length, 1, 'the ACK of another INVITE does not count')
      wire.receive(wire.request('ACK', { dialog, cseq: 500 }))
      wire.receive(wire.request('UPDATE', { dialog, body: SDP, cseq: 504 }))
      assert.equal(offers.length, 2)
    })

    it('is taken if the INVITE of the call had its offer, and refused if our 2xx had it', () => {
      for (const [body, taken] of [
        [SDP, 1],
        ['', 0],
      ] as const) {
        wire.receive(wire.request('INVITE', { body, cseq: 600 }))
        const dialog = wire.invites.pop()?.accept({ body: ANSWER })
        assert.ok(dialog)
        const offers = takesOffers(dialog)
        wire.receive(wire.request('UPDATE', { dialog, body: SDP, cseq: 601 }))
        assert.equal(offers.length, taken)
      }
    })
  })

  describe('our 2xx without an ACK (13.3.1.4)', () => {
    it('to a re-INVITE: is sent again over 64*T1, then the handler is told, once, and offers are taken again', () => {
      const dialog = wire.taken()
      const offers = takesOffers(dialog)
      let missed = 0
      dialog.handlers.ackTimeout = () => missed++
      wire.receive(wire.request('INVITE', { dialog, body: SDP }))
      wire.clock.advance(LIFE_MS - 1)
      assert.deepEqual([new Set(sent()), missed], [new Set(['200']), 0])
      wire.clock.advance(1)
      assert.equal(missed, 1)
      wire.clock.advance(LIFE_MS)
      assert.deepEqual([sent(), missed], [[], 1])
      wire.receive(wire.request('INVITE', { dialog, body: SDP }))
      assert.equal(offers.length, 2)
    })

    it('without a handler: BYE', async () => {
      wire.taken({ ack: false })
      wire.clock.advance(LIFE_MS)
      await turn()
      assert.equal(sent().at(-1), 'BYE')
    })

    it('says nothing of the ACK after the end', async () => {
      const dialog = wire.taken({ ack: false })
      let missed = 0
      dialog.handlers.ackTimeout = () => missed++
      wire.receive(wire.request('BYE', { dialog }))
      wire.clock.advance(LIFE_MS)
      await turn()
      assert.deepEqual([sent(), missed], [['200'], 0])
    })

    it('is acknowledged once, however often the ACK comes', () => {
      const dialog = wire.taken({ ack: false })
      let acknowledged = 0
      dialog.handlers.acknowledged = () => acknowledged++
      const ack = wire.request('ACK', { dialog, cseq: 101 })
      wire.receive(ack)
      wire.receive(ack)
      wire.clock.advance(LIFE_MS)
      assert.deepEqual([acknowledged, sent()], [1, []])
    })
  })

  it('says 100 to a re-INVITE that is answered later, and not to one that is answered at once', () => {
    const dialog = wire.taken()
    dialog.handlers.request = () => {}
    const text = wire.request('INVITE', { dialog, body: SDP })
    wire.receive(text)
    assert.deepEqual(sent(), ['100'])
    wire.receive(text.replace(/^INVITE/, 'CANCEL').replace(' INVITE\r', ' CANCEL\r'))
    sent()
    takesOffers(dialog)
    wire.receive(wire.request('INVITE', { dialog, body: SDP }))
    assert.deepEqual(sent(), ['200'])
  })

  describe('our request that the peer answers with 408 or 481, or not at all (12.2.1.2)', () => {
    for (const status of [408, 481, undefined]) {
      it(`${status ?? 'nothing'}: the call is lost, which is told once, and BYE leaves`, async () => {
        const dialog = await wire.placed()
        const told: number[] = []
        dialog.handlers = { lost: (response) => told.push(response.status), bye: () => told.push(0) }
        const both = [dialog.request('INFO'), dialog.request('OPTIONS')]
        await turn()
        const requests = [wire.last('INFO'), wire.last('OPTIONS')]
        sent()
        if (status === undefined) wire.clock.advance(LIFE_MS)
        else for (const request of requests) wire.answer(request, status)
        await Promise.all(both)
        await turn()
        assert.deepEqual(
          sent().filter((what) => what === 'BYE'),
          ['BYE'],
        )
        wire.receive(wire.request('BYE', { dialog }))
        assert.deepEqual(sent(), ['200'])
        assert.deepEqual(told, [status ?? 408])
      })
    }

    it('other failures leave it as it is', async () => {
      const dialog = await wire.placed()
      dialog.handlers.lost = () => assert.fail('lost')
      for (const status of [403, 500, 603]) {
        const info = dialog.request('INFO')
        await turn()
        wire.answer(wire.last('INFO'), status)
        assert.equal((await info).status, status)
      }
      assert.ok(!sent().includes('BYE'))
    })
  })

  it('answers a BYE that crosses its own with 200, and tells no bye', async () => {
    const dialog = await wire.placed()
    dialog.handlers.bye = () => assert.fail('told')
    const bye = dialog.bye()
    await turn()
    const ours = wire.last('BYE')
    wire.receive(wire.request('BYE', { dialog }))
    assert.deepEqual(sent(), ['BYE', '200'])
    wire.answer(ours, 481)
    assert.equal((await bye).status, 481)
    assert.equal(wire.endpoint.dialogs.kept, 0)
  })

  it('waits with BYE for the ACK to its 2xx, and sends one BYE (15)', async () => {
    const dialog = wire.taken({ ack: false })
    void dialog.bye()
    void dialog.bye()
    await turn()
    assert.deepEqual(sent(), [])
    wire.receive(wire.request('ACK', { dialog, cseq: 101 }))
    await turn()
    assert.deepEqual(sent(), ['BYE'])
  })

  it('takes offers no more after its BYE: 488, and 481 for other requests', async () => {
    const dialog = await wire.placed()
    dialog.handlers.request = () => assert.fail('told')
    void dialog.bye()
    await turn()
    sent()
    for (const [method, body] of [
      ['INVITE', SDP],
      ['UPDATE', SDP],
      ['INFO', ''],
      ['NOTIFY', ''],
    ] as const) {
      wire.receive(wire.request(method, { dialog, body }))
    }
    assert.deepEqual(sent(), ['488', '488', '481', '481'])
  })

  describe('our re-INVITE', () => {
    it('is given up after 64 s without a final response: CANCEL, and the call is lost', async () => {
      const dialog = await wire.placed()
      const lost: number[] = []
      dialog.handlers.lost = ({ status }) => lost.push(status)
      const response = dialog.reinvite(OFFER)
      await turn()
      wire.answer(wire.last('INVITE'), 183)
      wire.clock.advance(2 * LIFE_MS - 1)
      await turn()
      assert.deepEqual([sent(), lost], [['INVITE'], []])
      wire.clock.advance(1)
      await response
      await turn()
      assert.deepEqual([sent(), lost], [['CANCEL', 'BYE'], [408]])
    })

    it('has the same ACK, to the octet, for each repeat of its 2xx', async () => {
      const dialog = await wire.placed()
      void dialog.reinvite(OFFER)
      await turn()
      const ours = wire.last('INVITE')
      wire.out.length = 0
      for (let n = 0; n < 3; n++) {
        wire.answer(ours, 200, { body: SDP })
        await turn()
      }
      assert.equal(wire.out.length, 3)
      assert.equal(new Set(wire.out).size, 1)
    })

    it('leaves no timer after its answer: nothing gives it up', async () => {
      const dialog = await wire.placed()
      dialog.handlers.lost = () => assert.fail('lost')
      wire.credentials = [['Authorization', 'Digest x']]
      const response = dialog.reinvite(OFFER)
      await turn()
      wire.answer(wire.last('INVITE'), 401, { headers: ['WWW-Authenticate: Digest realm="r", nonce="n"'] })
      wire.answer(wire.last('INVITE'), 200, { body: SDP })
      assert.equal((await response).status, 200)
      wire.clock.advance(LIFE_MS)
      assert.equal(wire.clock.pending, 0)
    })

    it('does not leave while the INVITE of the peer has no ACK (14.1)', async () => {
      const dialog = wire.taken()
      takesOffers(dialog)
      wire.receive(wire.request('INVITE', { dialog, body: SDP, cseq: 700 }))
      await assert.rejects(dialog.reinvite(OFFER), { code: 'WRONG_STATE' })
      wire.receive(wire.request('ACK', { dialog, cseq: 700 }))
      void dialog.reinvite(OFFER)
      await turn()
      assert.ok(sent().includes('INVITE'))
    })
  })

  describe('that the peer has begun, before our answer', () => {
    const ringing = () => {
      wire.receive(wire.request('INVITE', { body: SDP, cseq: 900 }))
      const invite = wire.invites.pop()
      assert.ok(invite)
      invite.progress(180)
      const tag = /\r\nTo: [^\r]*tag=(\w+)/.exec(wire.out.at(-1) ?? '')?.[1] ?? ''
      wire.sent()
      const { callId } = invite.request
      return { invite, early: { sipCallId: callId, localTag: tag, remoteTag: 'peer', handlers: {} } as never }
    }

    it('is left by BYE: 200, 487, and the reasons are told (15.1.2)', () => {
      const { invite, early } = ringing()
      const told: unknown[] = []
      invite.handlers.cancelled = (reasons) => told.push(reasons)
      wire.receive(wire.request('BYE', { dialog: early, cseq: 901, headers: ['Reason: SIP;cause=200'] }))
      assert.deepEqual([sent(), told], [['200', '487'], [['SIP;cause=200']]])
      assert.equal(wire.endpoint.dialogs.kept, 0)
    })

    it('has its offer open: another one gets 500 with Retry-After', () => {
      const { early } = ringing()
      wire.receive(wire.request('UPDATE', { dialog: early, body: SDP, cseq: 901 }))
      assert.match(wire.out.at(-1) ?? '', /^SIP\/2.0 500 .*\r\nRetry-After: 1\r\n/s)
    })
  })

  it("refuses the peer's offer when it moves: it may be made again at the new address", async () => {
    const dialog = wire.taken()
    const offers: IncomingRequest[] = []
    dialog.handlers.request = (offer) => void offers.push(offer)
    wire.receive(wire.request('INVITE', { dialog, body: SDP }))
    const other = new MemoryWire({ host: '192.0.2.3' })
    other.endpoint.agent.adopt(dialog)
    assert.match(wire.out.at(-1) ?? '', /^SIP\/2.0 500 .*\r\nRetry-After: 1\r\n/s)
    offers[0]?.accept({ body: ANSWER })
    wire.clock.advance(LIFE_MS)
    assert.equal(other.out.length, 0, 'no BYE for an ACK that cannot come')
    const reinvite = dialog.reinvite(OFFER)
    await turn()
    other.answer(other.last('INVITE'), 200, { body: SDP })
    assert.equal((await reinvite).status, 200)
    other.endpoint.close()
  })

  it('moves its target with a re-INVITE, with an UPDATE, and with the 2xx to ours', async () => {
    const dialog = await wire.placed()
    takesOffers(dialog)
    const targets: string[] = []
    const note = async (): Promise<void> => {
      void dialog.request('INFO')
      await turn()
      targets.push(wire.sent().at(-1) ?? '')
    }
    const moved = (text: string, to: string): string => text.replace('sip:alice@192.0.2.1:5060', to)
    wire.receive(moved(wire.request('INVITE', { dialog, body: SDP, cseq: 800 }), 'sip:one@192.0.2.11'))
    wire.receive(wire.request('ACK', { dialog, cseq: 800 }))
    await note()
    wire.receive(moved(wire.request('UPDATE', { dialog, cseq: 801 }), 'sip:two@192.0.2.12'))
    await note()
    void dialog.reinvite(OFFER)
    await turn()
    wire.answer(wire.last('INVITE'), 200, { body: SDP })
    await note()
    assert.deepEqual(targets, [
      'INFO sip:one@192.0.2.11 SIP/2.0',
      'INFO sip:two@192.0.2.12 SIP/2.0',
      'INFO sip:peer@192.0.2.1:5060 SIP/2.0',
    ])
  })

  it('knows the methods that the peer allows, from its latest Allow (RFC 3261 20.5)', async () => {
    const dialog = await wire.placed()
    assert.equal(dialog.allows('UPDATE'), false, 'a peer without Allow has named nothing')
    wire.receive(wire.request('UPDATE', { dialog, cseq: 850, headers: ['Allow: INVITE,ACK', 'Allow: UPDATE'] }))
    assert.deepEqual([dialog.allows('UPDATE'), dialog.allows('INFO')], [true, false])
    const refresh = dialog.update()
    await turn()
    wire.answer(wire.last('UPDATE'), 200, { headers: ['Allow: INVITE, INFO'] })
    assert.equal((await refresh).status, 200)
    assert.deepEqual([dialog.allows('UPDATE'), dialog.allows('INFO')], [false, true])
  })

  it('an UPDATE with an offer waits for no other offer, one without is sent at any time (RFC 3311 5.1)', async () => {
    const dialog = await wire.placed()
    const offer = dialog.update(OFFER)
    await assert.rejects(dialog.update(OFFER), { code: 'WRONG_STATE' })
    const refresh = dialog.update()
    await turn()
    for (const text of wire.out.filter((each) => each.startsWith('UPDATE '))) wire.answer(text, 200)
    assert.deepEqual([(await offer).status, (await refresh).status], [200, 200])
  })

  it('says when an offer may be made again: random after glare (RFC 3261 14.1), Retry-After after 500 (14.2)', async () => {
    const caller = await wire.placed()
    const callee = wire.taken()
    const refusal = async (status: number, headers: string[] = []): Promise<number | undefined> => {
      const sent = caller.update(OFFER)
      await turn()
      wire.answer(wire.last('UPDATE'), status, { headers })
      return caller.retryMs(await sent)
    }
    for (let n = 0; n < 20; n++) {
      const ours = (await refusal(491)) ?? 0
      const others = callee.retryMs() ?? -1
      assert.ok(ours >= 2100 && ours <= 4000 && ours % 10 === 0, `${ours} ms for the owner of the Call-ID`)
      assert.ok(others >= 0 && others <= 2000 && others % 10 === 0, `${others} ms for the other side`)
    }
    assert.deepEqual(
      [await refusal(500, ['Retry-After: 3 (busy)']), await refusal(500, ['Retry-After: 99']), await refusal(488)],
      [3000, 10_000, undefined],
    )
  })

  describe('REFER and NOTIFY (RFC 3515)', () => {
    it('reach the handler of the call; a NOTIFY of our REFER too if it has another peer tag and sequence (2.4.4)', async () => {
      const dialog = wire.taken()
      const told: string[] = []
      dialog.handlers.request = (incoming) => {
        told.push(incoming.request.method)
        incoming.accept()
      }
      const forked = (cseq: number): string =>
        wire.request('NOTIFY', { dialog, cseq }).replace(/(From: .*;tag=)\S+/, '$1another')
      wire.receive(forked(1))
      assert.deepEqual([sent(), told], [['481'], []], 'without a REFER it belongs to nothing')
      void dialog.request('REFER', { headers: [['Refer-To', '<sip:carol@example.com>']] })
      await turn()
      assert.match(wire.last('REFER'), /\r\nContact: /)
      wire.receive(forked(1))
      wire.receive(wire.request('NOTIFY', { dialog }))
      wire.receive(wire.request('REFER', { dialog }))
      assert.deepEqual(told, ['NOTIFY', 'NOTIFY', 'REFER'])
      const bye = dialog.bye()
      await turn()
      wire.answer(wire.last('BYE'), 200)
      await bye
      wire.receive(forked(2))
      assert.deepEqual(told.length, 3)
    })

    it('a NOTIFY that the peer does not take leaves the call (RFC 5057 5.1)', async () => {
      const dialog = wire.taken()
      const notified = dialog.request('NOTIFY')
      await turn()
      wire.answer(wire.last('NOTIFY'), 481)
      assert.equal((await notified).status, 481)
      await turn()
      assert.ok(!wire.out.some((text) => text.startsWith('BYE')))
    })
  })
})
