/** RFC 3261 17.2, 13.3.1.4 and table 4: what a server transaction and its 2xx send, and when. */
import assert from 'node:assert/strict'
import type { SipDialog } from '../../../src/sip/types.js'
import type { FakeClock } from '../../support/fake-clock.js'
import type { RawCaller } from '../../support/raw-call.js'
import { rawCallForEachTest } from '../../support/raw-call-for-each-test.js'
import type { RawPeer } from '../../support/raw-peer.js'
import { repeatsAt } from '../../support/repeats.js'
import { heard, settled } from '../../support/settled.js'
import { SDP } from '../../support/sip-messages.js'
import { ANSWER, type Party } from '../../support/sip-parties.js'
import { toldBy } from '../../support/told-by.js'
import { called } from '../../support/wait.js'

/** T1 = 500 ms, doubled up to T2 = 4 s: Timer G, and the 2xx until its ACK. */
const TIMER_G = [500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]

describe('the timers of a server transaction over UDP', () => {
  let peer: RawPeer
  let bob: Party
  let clock: FakeClock
  let caller: RawCaller

  rawCallForEachTest((scene) => {
    ;({ peer, bob, clock, caller } = scene)
  })

  const repeats = (start: string, times: readonly number[], ...words: readonly string[]) =>
    repeatsAt(times, { peer, party: bob, clock }, { start, words, fromMs: clock.now() })

  const answered = (): Promise<SipDialog> => caller.answeredBy(bob, { branch: `first-${caller.callId}` })

  it('G: a failure is repeated until its ACK, at intervals that double up to T2; H: for 64*T1', async () => {
    caller.send('INVITE', { body: SDP })
    ;(await bob.invites.next()).reject(486)
    await settled(peer, bob)
    await repeats('SIP/2.0 486', TIMER_G)
    clock.advance(200_000)
    await settled(peer, bob)
    const failures = peer.texts.filter((text) => text.startsWith('SIP/2.0 486'))
    assert.deepEqual([failures.length, new Set(failures).size], [11, 1])
  })

  it('G: ends with the ACK; I: further ACKs and the INVITE are absorbed for T4', async () => {
    const text = caller.text('INVITE', { body: SDP, branch: 'absorbed' })
    peer.send(text, bob.endpoint.local.port)
    ;(await bob.invites.next()).reject(486)
    assert.equal((await caller.final('INVITE')).status, 486)
    await repeats('SIP/2.0 486', [500, 1_500])
    for (const ms of [0, 2_000, 2_999]) {
      clock.advance(ms)
      caller.send('ACK', { branch: 'absorbed', cseq: 1 })
      peer.send(text, bob.endpoint.local.port)
      await settled(peer, bob)
    }
    assert.deepEqual([heard(peer, 'SIP/2.0 486'), bob.invites.waiting.length], [3, 0])
    clock.advance(40_000)
    await settled(peer, bob)
    assert.equal(heard(peer, 'SIP/2.0 486'), 3)
  })

  it('J: the answer to another request is kept for 64*T1, and the request is handled anew after that', async () => {
    let handled = 0
    bob.request = () => {
      handled++
      return 202
    }
    const text = caller.text('MESSAGE')
    for (const ms of [0, 500, 31_499]) {
      clock.advance(ms)
      assert.equal((await peer.ask(text, bob.endpoint.local.port)).status, 202)
    }
    assert.equal(handled, 1)
    clock.advance(1)
    assert.equal((await peer.ask(text, bob.endpoint.local.port)).status, 202)
    assert.equal(handled, 2)
  })

  it('a provisional response is not repeated of itself, but to each copy of the INVITE (17.2.1)', async () => {
    const text = caller.text('INVITE', { body: SDP })
    peer.send(text, bob.endpoint.local.port)
    const invite = await bob.invites.next()
    invite.progress(180)
    invite.progress(183, { body: ANSWER })
    await settled(peer, bob)
    clock.advance(59_000)
    await settled(peer, bob)
    assert.deepEqual([heard(peer, 'SIP/2.0 180'), heard(peer, 'SIP/2.0 183')], [1, 1])
    peer.send(text, bob.endpoint.local.port)
    await settled(peer, bob)
    assert.deepEqual([heard(peer, 'SIP/2.0 180'), heard(peer, 'SIP/2.0 183')], [1, 2])
    invite.reject(480)
  })

  describe('a 2xx to INVITE (13.3.1.4)', () => {
    it('is repeated at intervals that double up to T2, until 64*T1; then the call hears that no ACK came', async () => {
      const dialog = await answered()
      let timeouts = 0
      dialog.handlers.ackTimeout = () => timeouts++
      await repeats('SIP/2.0 200', TIMER_G, ' INVITE\r')
      assert.equal(timeouts, 0)
      clock.advance(499)
      assert.equal(timeouts, 0)
      clock.advance(1)
      assert.equal(timeouts, 1)
      clock.advance(100_000)
      await settled(peer, bob)
      assert.equal(heard(peer, 'SIP/2.0 200', ' INVITE\r'), 11)
      const copies = peer.texts.filter((text) => text.startsWith('SIP/2.0 200') && text.includes(' INVITE\r'))
      assert.equal(new Set(copies).size, 1)
      const bye = dialog.bye()
      peer.answer(await peer.requests.next(), 200)
      assert.equal((await bye).status, 200)
    })

    it('that gets no ACK and has no handler for that ends by BYE', async () => {
      await answered()
      clock.advance(31_999)
      await settled(peer, bob)
      assert.equal(heard(peer, 'BYE'), 0)
      clock.advance(1)
      peer.answer(await peer.requests.next(), 200)
      assert.equal(heard(peer, 'BYE'), 1)
    })

    it('is repeated no more after its ACK', async () => {
      const dialog = await answered()
      const told = toldBy(dialog)
      await repeats('SIP/2.0 200', [500, 1_500], ' INVITE\r')
      const acknowledged = called(dialog.handlers, 'acknowledged')
      caller.send('ACK')
      await acknowledged
      clock.advance(100_000)
      await settled(peer, bob)
      assert.equal(heard(peer, 'SIP/2.0 200', ' INVITE\r'), 3)
      assert.deepEqual(told, [])
    })

    it('is repeated no more after the peer’s BYE', async () => {
      const dialog = await answered()
      const told = toldBy(dialog)
      assert.equal((await caller.ask('BYE')).status, 200)
      clock.advance(100_000)
      await settled(peer, bob)
      assert.deepEqual([told, heard(peer, 'SIP/2.0 200', ' INVITE\r'), heard(peer, 'BYE')], [['bye'], 1, 0])
    })

    it('is not repeated to copies of the INVITE: the copies are absorbed (RFC 6026 7.1)', async () => {
      const text = caller.text('INVITE', { body: SDP })
      peer.send(text, bob.endpoint.local.port)
      ;(await bob.invites.next()).accept({ body: ANSWER })
      await caller.final('INVITE')
      for (let n = 0; n < 3; n++) peer.send(text, bob.endpoint.local.port)
      await settled(peer, bob)
      assert.deepEqual([heard(peer, 'SIP/2.0 200', ' INVITE\r'), bob.invites.waiting.length], [1, 0])
    })

    it('of a re-INVITE is repeated too, and the call hears that no ACK came', async () => {
      const dialog = await answered()
      const acknowledged = called(dialog.handlers, 'acknowledged')
      caller.send('ACK')
      await acknowledged
      let timeouts = 0
      dialog.handlers = { request: (offer) => offer.accept({ body: ANSWER }), ackTimeout: () => timeouts++ }
      assert.equal((await caller.ask('INVITE', { body: SDP })).status, 200)
      await repeats('SIP/2.0 200', TIMER_G, 'CSeq: 2 INVITE\r')
      clock.advance(499)
      assert.equal(timeouts, 0)
      clock.advance(1)
      assert.equal(timeouts, 1)
    })
  })
})
