/** RFC 3261 12.2.2, 9.2, 17.2.3: requests that resemble those of a call, and are not. None of them changes it. */
import assert from 'node:assert/strict'
import type { IncomingInvite, SipDialog } from '../../../src/sip/types.js'
import type { FakeClock } from '../../support/fake-clock.js'
import type { RawCaller } from '../../support/raw-call.js'
import { rawCallForEachTest } from '../../support/raw-call-for-each-test.js'
import { RawPeer } from '../../support/raw-peer.js'
import { heard, settled } from '../../support/settled.js'
import { SDP } from '../../support/sip-messages.js'
import { ANSWER, type Party } from '../../support/sip-parties.js'
import { toldBy } from '../../support/told-by.js'
import { called } from '../../support/wait.js'

type Parts = NonNullable<Parameters<RawCaller['text']>[1]>

describe('a forged request', () => {
  let peer: RawPeer
  let bob: Party
  let clock: FakeClock
  let caller: RawCaller

  rawCallForEachTest((scene) => {
    ;({ peer, bob, clock, caller } = scene)
  })

  const port = () => bob.endpoint.local.port

  const answered = (parts: Parts = {}): Promise<SipDialog> => caller.answeredBy(bob, parts)

  /** A call that stands, and what it is told from now on. */
  async function established(): Promise<{ dialog: SipDialog; told: string[] }> {
    const dialog = await caller.establishedWith(bob)
    return { dialog, told: toldBy(dialog) }
  }

  describe('within a dialog', () => {
    const METHODS = ['BYE', 'INFO', 'UPDATE', 'INVITE', 'OPTIONS']
    const forgeries: [what: string, forge: (text: string) => string][] = [
      ['another To tag', (text) => text.replace(/(To: .*;tag=)/, '$1x')],
      ['another From tag', (text) => text.replace(/(From: .*;tag=)/, '$1x')],
      [
        'both tags the other way round',
        (text) => text.replace(/(From: .*;tag=)(.*)(\r\nTo: .*;tag=)(.*)\r/, '$1$4$3$2\r'),
      ],
      ['another Call-ID', (text) => text.replace(/Call-ID: /, '$&x')],
      [
        'a Call-ID of other case',
        (text) => text.replace(/Call-ID: (.*)/, (line) => line.replace('raw-call', 'RAW-call')),
      ],
    ]
    for (const [what, forge] of forgeries) {
      it(`with ${what} gets 481, and the call is told nothing`, async () => {
        const { told } = await established()
        for (const method of METHODS) {
          const text = caller.text(method, method === 'INVITE' ? { body: SDP } : {})
          assert.notEqual(forge(text), text)
          assert.equal((await peer.ask(forge(text), port())).status, 481, method)
        }
        assert.deepEqual([told, bob.invites.waiting.length], [[], 0])
        assert.equal((await caller.ask('BYE')).status, 200)
        assert.deepEqual(told, ['bye'])
      })
    }

    it('from another address is one of the dialog: it is told by its tags (12.2.2)', async () => {
      const { told } = await established()
      const elsewhere = await RawPeer.open('127.0.0.3')
      const text = caller.text('INFO').replace(`127.0.0.1:${peer.port};branch`, `127.0.0.3:${elsewhere.port};branch`)
      assert.equal((await elsewhere.ask(text, port())).status, 200)
      assert.deepEqual(told, ['info'])
      await elsewhere.close()
    })
  })

  describe('CANCEL', () => {
    const cases: [what: string, forge: (text: string) => string][] = [
      ['of another branch', (text) => text.replace(/;branch=[^;]*/, '$&x')],
      ['without a branch', (text) => text.replace(/;branch=[^;]*/, '')],
      ['of another host in Via', (text) => text.replace(/(Via: SIP\/2.0\/UDP )[^:]*/, '$1localhost')],
      ['of another port in Via', (text) => text.replace(/(Via: SIP\/2.0\/UDP [^:]*:)\d+/, '$15099')],
      // 9.1 wants these to be as in the INVITE; a CANCEL that differs was not made from it. Proxies may rewrite its Request-URI.
      ['of another Call-ID', (text) => text.replace(/Call-ID: /, '$&x')],
      ['of another CSeq number', (text) => text.replace(/CSeq: 1 /, 'CSeq: 2 ')],
      ['of another From tag', (text) => text.replace(/(From: .*;tag=)/, '$1x')],
    ]
    for (const [what, forge] of cases) {
      it(`${what} gets 481, and the INVITE goes on`, async () => {
        caller.send('INVITE', { body: SDP, branch: 'cancel-me' })
        const invite: IncomingInvite = await bob.invites.next()
        let isCancelled = false
        invite.handlers.cancelled = () => {
          isCancelled = true
        }
        await peer.responses.next() // 100
        const cancel = caller.text('CANCEL', { branch: 'cancel-me', cseq: 1 })
        assert.notEqual(forge(cancel), cancel)
        assert.equal((await peer.ask(forge(cancel), port())).status, 481)
        assert.deepEqual([isCancelled, heard(peer, 'SIP/2.0 487')], [false, 0])
        const cancelled = called(invite.handlers, 'cancelled')
        peer.send(cancel, port())
        await cancelled
        assert.equal((await caller.final('INVITE')).status, 487)
      })
    }

    it('of a request other than INVITE changes nothing (9.1)', async () => {
      bob.request = () => 202
      assert.equal((await caller.ask('MESSAGE', { branch: 'message' })).status, 202)
      const answer = await caller.ask('CANCEL', { branch: 'message', cseq: 1 })
      assert.ok([200, 481].includes(answer.status))
      await settled(peer, bob)
      assert.equal(heard(peer, 'SIP/2.0 487'), 0)
    })
  })

  describe('ACK', () => {
    const forgeries: [what: string, forge: (text: string) => string][] = [
      ['another CSeq number', (text) => text.replace('CSeq: 1 ', 'CSeq: 99 ')],
      ['another From tag', (text) => text.replace(/(From: .*;tag=)/, '$1x')],
      ['another To tag', (text) => text.replace(/(To: .*;tag=)/, '$1x')],
      ['another Call-ID', (text) => text.replace(/Call-ID: /, '$&x')],
    ]
    for (const [what, forge] of forgeries) {
      it(`to a 2xx with ${what} is none: the call waits for its own`, async () => {
        const dialog = await answered()
        const told = toldBy(dialog)
        peer.send(forge(caller.text('ACK')), port())
        await settled(peer, bob)
        const bye = dialog.bye()
        await settled(peer, bob)
        assert.deepEqual([told, heard(peer, 'BYE')], [[], 0])
        const acknowledged = called(dialog.handlers, 'acknowledged')
        caller.send('ACK')
        await acknowledged
        peer.answer(await peer.requests.next(), 200)
        assert.equal((await bye).status, 200)
      })
    }

    it('to a failure with another branch does not stop it (17.2.3); its own does', async () => {
      caller.send('INVITE', { body: SDP, branch: 'refuse-me' })
      ;(await bob.invites.next()).reject(486)
      assert.equal((await caller.final('INVITE')).status, 486)
      caller.send('ACK', { branch: 'another', cseq: 1 })
      caller.send('ACK', { branch: 'refuse-m', cseq: 1, toTag: 'forged' })
      await settled(peer, bob)
      clock.advance(500)
      assert.equal((await caller.final('INVITE')).status, 486)
      caller.send('ACK', { branch: 'refuse-me', cseq: 1 })
      await settled(peer, bob)
      clock.advance(31_000)
      await settled(peer, bob)
      assert.equal(heard(peer, 'SIP/2.0 486'), 2)
    })
  })

  it('INVITE of the same branch and sent-by from another address makes no second call, and our answer does not go there', async () => {
    const elsewhere = await RawPeer.open('127.0.0.3')
    const text = caller.text('INVITE', { body: SDP, branch: 'same' }).replace(';rport', '')
    assert.equal((await peer.ask(text, port())).status, 100)
    const invite = await bob.invites.next()
    elsewhere.send(text, port())
    await settled(elsewhere, bob)
    assert.equal(bob.invites.waiting.length, 0)
    invite.accept({ body: ANSWER })
    assert.equal((await caller.final('INVITE')).status, 200)
    await settled(elsewhere, bob)
    assert.equal(heard(elsewhere, 'SIP/2.0 200', 'INVITE\r'), 0)
    await elsewhere.close()
  })
})
