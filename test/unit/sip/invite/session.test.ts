import assert from 'node:assert/strict'
import type { IncomingRequest, SipDialog } from '../../../../src/sip/types.js'
import { MemoryWire, turn } from '../../../support/memory-wire.js'
import { SDP } from '../../../support/sip-messages.js'
import { ANSWER, OFFER } from '../../../support/sip-parties.js'

const header = (text: string, name: string): string | undefined =>
  new RegExp(`\\r\\n${name}: ([^\\r]*)`, 'i').exec(text)?.[1]

const sec = (seconds: number): number => seconds * 1000

describe('session timers (RFC 4028)', () => {
  let wire: MemoryWire
  let expired: number[]

  const open = (sessionExpiresSec?: number): void => {
    wire = new MemoryWire({ account: sessionExpiresSec === undefined ? {} : { sessionExpiresSec } })
    expired = []
  }

  beforeEach(() => open())

  afterEach(() => wire.endpoint.close())

  const methods = (): string[] => wire.sent().map((line) => line.split(' ', 1)[0] ?? '')

  /** We have called; the peer's 200 has these lines. */
  async function placed(headers: string[]): Promise<SipDialog> {
    let dialog: SipDialog | undefined
    wire.endpoint.agent.invite(
      { target: 'sip:peer@192.0.2.1:5060', body: OFFER, sipCallId: 'placed@test' },
      {
        progress() {},
        answered: (made) => {
          dialog = made
        },
        failed: ({ status }) => assert.fail(`${status}`),
      },
    )
    wire.answer(wire.last('INVITE'), 200, { body: SDP, headers })
    await turn()
    return watched(dialog)
  }

  function watched(dialog: SipDialog | undefined): SipDialog {
    assert.ok(dialog)
    dialog.handlers = { expired: (after) => expired.push(after), request: (offer) => offer.accept({ body: ANSWER }) }
    wire.out.length = 0
    return dialog
  }

  /** The peer has called with these lines. Returns our dialog and our 200. */
  function taken(headers: string[]): { dialog: SipDialog; response: string } {
    wire.receive(wire.request('INVITE', { body: SDP, cseq: 50, headers }))
    const dialog = wire.invites.pop()?.accept({ body: ANSWER })
    assert.ok(dialog, wire.out.join('\n'))
    const response = wire.out.at(-1) ?? ''
    wire.receive(wire.request('ACK', { dialog, cseq: 50 }))
    return { dialog: watched(dialog), response }
  }

  async function answerLast(method: string, status: number, headers: string[] = []): Promise<string> {
    const text = wire.last(method)
    wire.answer(text, status, { headers, ...(method === 'INVITE' && status === 200 ? { body: SDP } : {}) })
    await turn()
    wire.out.length = 0
    return text
  }

  describe('7.1 our INVITE', () => {
    const lines = (text: string): (string | undefined)[] => [header(text, 'Session-Expires'), header(text, 'Min-SE')]

    function invite(): string {
      wire.endpoint.agent.invite(
        { target: 'sip:peer@192.0.2.1:5060', body: OFFER, sipCallId: 'call@test' },
        { progress() {}, answered() {}, failed: ({ status }) => expired.push(status) },
      )
      return wire.last('INVITE')
    }

    it('asks for the interval of the account, and for none with 0', () => {
      assert.deepEqual(lines(invite()), [undefined, undefined])
      open(1800)
      assert.deepEqual(lines(invite()), ['1800', undefined])
      open(60)
      assert.deepEqual(lines(invite()), ['90', undefined], '5: no less than 90 s')
    })

    it('7.3 is sent again after 422 with the Min-SE that it names, at most a few times', () => {
      open(1800)
      invite()
      for (const minSec of [3600, 7200, 8000, 9000]) {
        wire.answer(wire.last('INVITE'), 422, { headers: [`Min-SE: ${minSec}`] })
        assert.deepEqual(lines(wire.last('INVITE')), [`${minSec}`, `${minSec}`])
      }
      assert.equal(header(wire.last('INVITE'), 'CSeq'), '5 INVITE')
      wire.answer(wire.last('INVITE'), 422, { headers: ['Min-SE: 10000'] })
      assert.deepEqual(expired, [422])
    })

    it('7.3 fails after a 422 that names nothing longer', () => {
      for (const headers of [[], ['Min-SE: 90'], ['Min-SE: x']]) {
        open(1800)
        invite()
        wire.answer(wire.last('INVITE'), 422, { headers })
        assert.deepEqual(expired, [422])
      }
    })

    it('has its credentials in the INVITE after the 422 as well, and the Min-SE in the one after a challenge', () => {
      open(1800)
      invite()
      wire.credentials = [['Authorization', 'Digest x']]
      const challenge = { headers: ['WWW-Authenticate: Digest realm="r", nonce="n"'] }
      wire.answer(wire.last('INVITE'), 401, challenge)
      wire.answer(wire.last('INVITE'), 422, { headers: ['Min-SE: 3600'] })
      const third = wire.last('INVITE')
      assert.deepEqual([header(third, 'Authorization'), ...lines(third)], ['Digest x', '3600', '3600'])
    })
  })

  describe('7.2 the answer to our INVITE', () => {
    it('without Session-Expires the call does not expire', async () => {
      open(1800)
      await placed([])
      wire.clock.advance(sec(100_000))
      await turn()
      assert.deepEqual([methods(), expired], [[], []])
    })

    it('7.4 makes us refresh at half by UPDATE without an offer, again and again', async () => {
      open(1800)
      await placed(['Session-Expires: 1800;refresher=uac', 'Require: timer', 'Allow: UPDATE'])
      for (let round = 0; round < 3; round++) {
        wire.clock.advance(sec(899))
        assert.deepEqual(methods(), [])
        wire.clock.advance(sec(1))
        const update = await answerLast('UPDATE', 200, ['Session-Expires: 1800;refresher=uac', 'Allow: UPDATE'])
        assert.deepEqual(
          [header(update, 'Session-Expires'), header(update, 'Supported'), header(update, 'Content-Length')],
          ['1800;refresher=uac', 'timer', '0'],
        )
      }
      wire.clock.advance(sec(899))
      assert.deepEqual([methods(), expired], [[], []])
    })

    it('10 makes us end the call min(32 s, a third) early, if the peer should refresh and does not', async () => {
      for (const [interval, endSec] of [
        [1800, 1768],
        [90, 60],
      ] as const) {
        open(1800)
        await placed([`Session-Expires: ${interval};refresher=uas`])
        wire.clock.advance(sec(endSec) - 1)
        assert.deepEqual([methods(), expired], [[], []])
        wire.clock.advance(1)
        await turn()
        assert.deepEqual(expired, [interval])
        assert.equal(header(wire.last('BYE'), 'Reason'), 'SIP;cause=408;text="Session expired"')
        wire.clock.advance(sec(1_000))
        assert.ok(!wire.out.some((text) => text.startsWith('UPDATE')))
      }
    })

    it('a refresh of the peer by UPDATE or re-INVITE begins the interval anew', async () => {
      open(1800)
      const dialog = await placed(['Session-Expires: 90;refresher=uas'])
      for (const method of ['UPDATE', 'INVITE', 'UPDATE']) {
        wire.clock.advance(sec(59))
        const headers = ['Supported: timer', 'Session-Expires: 90;refresher=uac']
        const request = wire.request(method, { dialog, headers, ...(method === 'INVITE' ? { body: SDP } : {}) })
        wire.receive(request)
        const response = wire.out.at(-1) ?? ''
        assert.deepEqual(
          [header(response, 'Session-Expires'), header(response, 'Require')],
          ['90;refresher=uac', 'timer'],
          method,
        )
        const cseq = Number.parseInt(header(request, 'CSeq') ?? '', 10)
        if (method === 'INVITE') wire.receive(wire.request('ACK', { dialog, cseq }))
        wire.out.length = 0
      }
      wire.clock.advance(sec(59))
      assert.deepEqual([expired, methods()], [[], []])
      wire.clock.advance(sec(1))
      assert.deepEqual(expired, [90])
    })

    it('our re-INVITE refreshes too, and a 2xx without Session-Expires ends the timer', async () => {
      open(1800)
      const dialog = await placed(['Session-Expires: 1800;refresher=uac', 'Allow: UPDATE'])
      wire.clock.advance(sec(800))
      void dialog.reinvite(OFFER)
      await turn()
      const reinvite = await answerLast('INVITE', 200, ['Session-Expires: 1800;refresher=uac'])
      assert.equal(header(reinvite, 'Session-Expires'), '1800;refresher=uac')
      wire.clock.advance(sec(899))
      assert.deepEqual(methods(), [])
      wire.clock.advance(sec(1))
      await answerLast('UPDATE', 200)
      wire.clock.advance(sec(100_000))
      assert.deepEqual([methods(), expired], [[], []])
    })
  })

  describe('7.4 our refresh', () => {
    const refreshing = async (): Promise<SipDialog> => {
      open(1800)
      const dialog = await placed(['Session-Expires: 1800;refresher=uac', 'Allow: UPDATE'])
      wire.clock.advance(sec(900))
      return dialog
    }

    it('is a re-INVITE of the call where the peer does not allow UPDATE, or answers 405 or 501 to it', async () => {
      open(1800)
      const dialog = await placed(['Session-Expires: 1800;refresher=uac'])
      let asked = 0
      const refresh = async (): Promise<boolean> => {
        asked++
        return true
      }
      dialog.handlers.refresh = refresh
      wire.clock.advance(sec(900))
      assert.deepEqual([methods(), asked], [[], 1])
      const other = await refreshing()
      other.handlers.refresh = refresh
      await answerLast('UPDATE', 405)
      wire.clock.advance(sec(300))
      assert.deepEqual([methods(), asked], [[], 2])
    })

    it('7.3 is sent again with the Min-SE of a 422', async () => {
      await refreshing()
      const refused = wire.last('UPDATE')
      wire.out.length = 0
      wire.answer(refused, 422, { headers: ['Min-SE: 4000'] })
      await turn()
      const update = wire.last('UPDATE')
      assert.deepEqual([header(update, 'Session-Expires'), header(update, 'Min-SE')], ['4000;refresher=uac', '4000'])
      await answerLast('UPDATE', 200, ['Session-Expires: 4000;refresher=uac'])
      wire.clock.advance(sec(2_000))
      assert.equal(header(wire.last('UPDATE'), 'Min-SE'), '4000', 'the Min-SE stays')
    })

    it('10: 481 and 408 end the call, other failures are tried again until the session ends', async () => {
      for (const status of [481, 408]) {
        const dialog = await refreshing()
        const lost: number[] = []
        dialog.handlers.lost = (response) => lost.push(response.status)
        const update = wire.last('UPDATE')
        wire.out.length = 0
        wire.answer(update, status)
        await turn()
        assert.deepEqual([lost, methods()], [[status], ['BYE']])
      }
      await refreshing()
      let tries = 0
      while (expired.length === 0) {
        const update = wire.out.findLast((text) => text.startsWith('UPDATE '))
        wire.out.length = 0
        if (update) {
          tries++
          wire.answer(update, 500)
        }
        await turn()
        wire.clock.advance(sec(1))
      }
      assert.ok(tries > 2 && tries < 40, `${tries} tries`)
      assert.deepEqual(expired, [1800])
    })

    it('waits as after glare when it gets 491 (RFC 3261 14.1)', async () => {
      await refreshing()
      await answerLast('UPDATE', 491)
      wire.clock.advance(2_099)
      assert.deepEqual(methods(), [])
      wire.clock.advance(2_000)
      assert.equal(methods()[0], 'UPDATE')
    })
  })

  describe('9 our answer to the INVITE of the peer', () => {
    const offered = (headers: string[], wish?: number): (string | undefined)[] => {
      open(wish)
      const { response } = taken(headers)
      return [header(response, 'Session-Expires'), header(response, 'Require')]
    }
    const timer = 'Supported: timer'

    it('table 2: who refreshes', () => {
      assert.deepEqual(offered(['Session-Expires: 600', timer]), ['600;refresher=uac', 'timer'])
      assert.deepEqual(offered(['Session-Expires: 600;refresher=uas', timer]), ['600;refresher=uas', 'timer'])
      assert.deepEqual(offered(['Session-Expires: 600;refresher=uac', timer]), ['600;refresher=uac', 'timer'])
      assert.deepEqual(offered(['x: 600;refresher=uac', 'Require: timer']), ['600;refresher=uac', 'timer'])
      assert.deepEqual(offered(['Session-Expires: 600']), ['600;refresher=uas', undefined], 'a proxy has put it in')
    })

    it('the interval: no longer than asked, no shorter than Min-SE', () => {
      assert.equal(offered(['Session-Expires: 600', timer], 1800)[0], '600;refresher=uac')
      assert.equal(offered(['Session-Expires: 6000', timer], 1800)[0], '1800;refresher=uac')
      assert.equal(offered(['Session-Expires: 6000', 'Min-SE: 3000', timer], 1800)[0], '3000;refresher=uac')
      assert.equal(offered([timer], 1800)[0], '1800;refresher=uas', 'we ask')
      assert.equal(offered([timer])[0], undefined)
      assert.equal(offered([], 1800)[0], undefined, 'the peer does not know session timers')
    })

    it('422 with our Min-SE, if the caller asks for less and knows session timers', () => {
      open(1800)
      wire.receive(wire.request('INVITE', { body: SDP, headers: ['Session-Expires: 89', timer] }))
      assert.match(wire.out.at(-1) ?? '', /^SIP\/2.0 422 .*\r\nMin-SE: 90\r\n/s)
      assert.equal(wire.invites.length, 0)
      assert.equal(offered(['Session-Expires: 60'])[0], '90;refresher=uas')
      const { dialog } = taken(['Session-Expires: 90', timer])
      for (const method of ['INVITE', 'UPDATE']) {
        wire.receive(wire.request(method, { dialog, body: SDP, headers: ['Session-Expires: 20', timer] }))
        assert.match(wire.out.at(-1) ?? '', /^SIP\/2.0 422 .*\r\nMin-SE: 90\r\n/s, method)
      }
    })

    it('we refresh where the answer says so, and end the call where the peer does not', async () => {
      taken(['Session-Expires: 600;refresher=uas', timer, 'Allow: UPDATE'])
      wire.clock.advance(sec(300))
      assert.equal(header(wire.last('UPDATE'), 'Session-Expires'), '600;refresher=uac')
      open()
      taken(['Session-Expires: 600', timer])
      wire.clock.advance(sec(568))
      await turn()
      assert.deepEqual([expired, methods()], [[600], ['BYE']])
    })
  })

  it('nothing is left of a timer when the call ends', async () => {
    open(1800)
    const dialog = await placed(['Session-Expires: 1800;refresher=uac', 'Allow: UPDATE'])
    const bye = dialog.bye()
    await turn()
    wire.answer(wire.last('BYE'), 200)
    await bye
    wire.clock.advance(sec(33))
    await wire.assertNothingLeft()
  })

  it('an offer of the peer that refreshes is answered by the call, with the terms in our 2xx', async () => {
    open()
    const { dialog } = taken(['Session-Expires: 600', 'Supported: timer'])
    const offers: IncomingRequest[] = []
    dialog.handlers.request = (offer) => void offers.push(offer)
    const headers = ['Supported: timer', 'Session-Expires: 700;refresher=uas']
    wire.receive(wire.request('UPDATE', { dialog, body: SDP, headers }))
    offers[0]?.accept({ body: ANSWER })
    assert.equal(header(wire.out.at(-1) ?? '', 'Session-Expires'), '700;refresher=uas')
    wire.out.length = 0
    wire.clock.advance(sec(350))
    assert.deepEqual(methods(), ['UPDATE'])
  })
})
