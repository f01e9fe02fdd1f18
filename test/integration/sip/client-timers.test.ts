/** RFC 3261 17.1 and table 4: what a client transaction sends, and when. Every time is the clock's that was handed in. */
import assert from 'node:assert/strict'
import { FakeClock } from '../../support/fake-clock.js'
import { RawFork } from '../../support/raw-fork.js'
import { RawPeer } from '../../support/raw-peer.js'
import { repeatsAt } from '../../support/repeats.js'
import { heard, settled } from '../../support/settled.js'
import { SDP } from '../../support/sip-messages.js'
import { Party } from '../../support/sip-parties.js'
import { within } from '../../support/wait.js'

/** T1 = 500 ms, doubled each time: Timer A has no limit, Timer E ends at T2 = 4 s. */
const TIMER_A = [500, 1_500, 3_500, 7_500, 15_500, 31_500]
const TIMER_E = [500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]
const TIMEOUT = { status: 408, reason: 'Request Timeout', local: true }

describe('the timers of a client transaction over UDP', () => {
  let peer: RawPeer
  let alice: Party
  let clock: FakeClock

  beforeEach(async () => {
    clock = new FakeClock()
    peer = await RawPeer.open()
    alice = await Party.open('alice', { clock })
  })
  afterEach(() => Promise.all([peer.close(), alice.close()]))

  const repeats = (start: string, times: readonly number[], fromMs: number, words: readonly string[] = []) =>
    repeatsAt(times, { peer, party: alice, clock }, { start, words, fromMs })

  const options = () => {
    const asked = alice.agent.request({ method: 'OPTIONS', target: peer.uri, sipCallId: 'ours@test', cseq: 1 })
    return within(asked, 'the final answer to OPTIONS', 10_000)
  }

  it('A: an INVITE is repeated at intervals that double without limit; B: 408 after 64*T1, and nothing more', async () => {
    const { outcome } = alice.call(peer.uri)
    const first = await peer.requests.next()
    await repeats('INVITE', TIMER_A, 0)
    clock.advance(499)
    await settled(peer, alice)
    assert.equal(heard(peer, 'INVITE'), 7)
    clock.advance(1)
    assert.deepEqual((await outcome).response, TIMEOUT)
    clock.advance(200_000)
    await settled(peer, alice)
    assert.equal(new Set(peer.texts.filter((text) => text.startsWith('INVITE'))).size, 1, 'every copy is the same')
    assert.deepEqual([heard(peer, 'INVITE'), heard(peer, 'CANCEL'), first.message.cseq], [7, 0, 1])
  })

  it('A and B: end with the first provisional response, whatever it is', async () => {
    for (const status of [100, 180]) {
      const before = heard(peer, 'INVITE')
      const { outcome } = alice.call(peer.uri, { timeoutMs: 20_000 })
      const invite = await peer.requests.next()
      clock.advance(400)
      peer.answer(invite, status, status === 100 ? { toTag: '', contact: false } : {})
      await settled(peer, alice)
      clock.advance(100_000)
      await settled(peer, alice)
      assert.equal(heard(peer, 'INVITE'), before + 1)
      peer.answer(invite, 486)
      assert.equal((await outcome).response.status, 486)
      assert.equal((await peer.requests.next()).message.method, 'ACK')
    }
  })

  it('D: a failure is acknowledged each time that it comes, for 32 s, by the same ACK', async () => {
    const { outcome } = alice.call(peer.uri)
    const invite = await peer.requests.next()
    peer.answer(invite, 486)
    await outcome
    const ack = (await peer.requests.next()).text
    for (const ms of [500, 1_000, 10_000, 20_499]) {
      clock.advance(ms)
      peer.answer(invite, 486)
      assert.equal((await peer.requests.next()).text, ack)
    }
    clock.advance(1)
    await settled(peer, alice)
    peer.answer(invite, 486)
    await settled(peer, alice)
    assert.equal(heard(peer, 'ACK'), 5)
  })

  it('E: another request is repeated at intervals that double up to T2; F: 408 after 64*T1, and nothing more', async () => {
    const result = options()
    await peer.requests.next()
    await repeats('OPTIONS', TIMER_E, 0)
    clock.advance(500)
    assert.deepEqual((await result).response, TIMEOUT)
    clock.advance(200_000)
    await settled(peer, alice)
    assert.equal(heard(peer, 'OPTIONS'), 11)
  })

  it('E: after a provisional response every T2 (17.1.2.2); F: ends it all the same', async () => {
    const result = options()
    const asked = await peer.requests.next()
    clock.advance(100)
    peer.answer(asked, 100, { toTag: '', contact: false })
    await settled(peer, alice)
    // The timer that runs is not touched by the response; it is set to T2 when it fires.
    await repeats('OPTIONS', [500, 4_500, 8_500, 12_500, 16_500, 20_500, 24_500, 28_500], 0)
    clock.advance(3_499)
    await settled(peer, alice)
    clock.advance(1)
    assert.deepEqual((await result).response, TIMEOUT)
  })

  it('E: within a dialog too, and the dialog is lost (12.2.1.2)', async () => {
    const { outcome } = alice.call(peer.uri)
    peer.answer(await peer.requests.next(), 200, { body: SDP })
    const result = await outcome
    assert.ok(result.kind === 'answered')
    const lost: number[] = []
    result.dialog.handlers.lost = ({ status }) => lost.push(status)
    const info = result.dialog.request('INFO')
    await settled(peer, alice)
    await repeats('INFO', TIMER_E, 0)
    assert.equal(heard(peer, 'BYE'), 0)
    clock.advance(500)
    assert.deepEqual(await within(info, 'the 408 to INFO'), TIMEOUT)
    await settled(peer, alice)
    assert.deepEqual([lost, heard(peer, 'BYE')], [[408], 1])
    await repeats('BYE', TIMER_E, 32_000)
    clock.advance(500)
    assert.deepEqual(await within(result.dialog.bye(), 'the 408 to BYE'), TIMEOUT)
  })

  it('K: a final answer that comes again is taken for the same; nothing is sent, and no timer stays', async () => {
    const result = options()
    const asked = await peer.requests.next()
    for (let n = 0; n < 3; n++) peer.answer(asked, 200)
    assert.equal((await result).response.status, 200)
    clock.advance(5_000)
    peer.answer(asked, 200)
    await settled(peer, alice)
    assert.equal(peer.requests.waiting.length, 0)
    clock.advance(40_000)
    assert.equal(heard(peer, 'OPTIONS'), 1)
    assert.equal(clock.pending, 0)
  })

  it('M: a 2xx is acknowledged each time that it comes, for 64*T1, by the same ACK, also after the call has ended', async () => {
    const { outcome } = alice.call(peer.uri)
    const fork = new RawFork(peer, await peer.requests.next(), { tag: 'one' })
    fork.answer(200, { body: SDP })
    const result = await outcome
    assert.ok(result.kind === 'answered')
    const ack = (await peer.requests.next()).text
    for (const ms of [500, 1_500, 14_000]) {
      clock.advance(ms)
      fork.answer(200, { body: SDP })
      assert.equal((await peer.requests.next()).text, ack)
    }
    const bye = result.dialog.bye()
    peer.answer(await peer.requests.next(), 200)
    await bye
    clock.advance(15_999)
    fork.answer(200, { body: SDP })
    assert.equal((await peer.requests.next()).text, ack)
    clock.advance(1)
    await settled(peer, alice)
    fork.answer(200, { body: SDP })
    await settled(peer, alice)
    assert.equal(peer.requests.waiting.length, 0)
  })

  it('M: the 2xx of a re-INVITE as well', async () => {
    const { outcome } = alice.call(peer.uri)
    peer.answer(await peer.requests.next(), 200, { body: SDP })
    const result = await outcome
    assert.ok(result.kind === 'answered')
    await peer.requests.next()
    const reinvite = result.dialog.reinvite({ contentType: 'application/sdp', content: SDP })
    const asked = await peer.requests.next()
    peer.answer(asked, 200, { body: SDP })
    const ack = (await peer.requests.next()).text
    assert.equal((await reinvite).status, 200)
    for (const ms of [500, 31_499]) {
      clock.advance(ms)
      peer.answer(asked, 200, { body: SDP })
      assert.equal((await peer.requests.next()).text, ack)
    }
  })
})
