/** RFC 3261 12.1.2, 13.2.2.1, RFC 3311 5.2, RFC 6228: several early dialogs of one INVITE, each with a life of its own. */
import assert from 'node:assert/strict'
import { FakeClock } from '../../support/fake-clock.js'
import { RawFork } from '../../support/raw-fork.js'
import { RawPeer } from '../../support/raw-peer.js'
import { heard, settled } from '../../support/settled.js'
import { SDP } from '../../support/sip-messages.js'
import { Party } from '../../support/sip-parties.js'

describe('several early dialogs of one INVITE', () => {
  let peer: RawPeer
  let alice: Party
  let clock: FakeClock

  beforeEach(async () => {
    clock = new FakeClock()
    peer = await RawPeer.open()
    alice = await Party.open('alice', { clock })
  })
  afterEach(() => Promise.all([peer.close(), alice.close()]))

  /** Our INVITE, at which forks of these tags ring: `one` by 180, the others by 183 with SDP. */
  async function ringing(...tags: string[]) {
    const call = alice.call(peer.uri)
    const invite = await peer.requests.next()
    const forks = tags.map((tag) => new RawFork(peer, invite, { tag }))
    for (const fork of forks) {
      if (fork.tag === 'one') fork.answer(180)
      else fork.answer(183, { body: SDP })
      assert.equal((await call.progress.next()).to.tag, fork.tag)
    }
    return { ...call, received: invite, forks: forks as [RawFork, RawFork, ...RawFork[]] }
  }

  const nextRequest = async () => (await peer.requests.next()).message

  describe('a fork asks within its own', () => {
    it('UPDATE without an offer: 200 with our Contact and its tag; CSeqs of forks are counted apart', async () => {
      const { forks } = await ringing('one', 'two')
      const [one, two] = forks
      for (const [fork, cseq, status] of [
        [one, 70, 200],
        [two, 3, 200],
        [one, 69, 500],
        [two, 4, 200],
        [two, 3, 500],
        [one, 71, 200],
      ] as const) {
        const answer = await fork.ask('UPDATE', { cseq })
        assert.deepEqual([answer.status, answer.fromTag], [status, fork.tag], `${fork.tag} ${cseq}`)
        if (status === 200) assert.equal(answer.header('contact'), `<${alice.agent.contactUri}>`)
      }
    })

    it('UPDATE with an offer: 491, because our own has no answer yet (RFC 3311 5.2); the call goes on', async () => {
      const { forks, outcome } = await ringing('one', 'two')
      for (const fork of forks) assert.equal((await fork.ask('UPDATE', { body: SDP })).status, 491)
      forks[1].answer(200, { body: SDP })
      assert.equal((await outcome).kind, 'answered')
    })

    it('INFO and OPTIONS: an answer of the dialog, and the call goes on', async () => {
      const { forks, outcome } = await ringing('one', 'two')
      for (const fork of forks) {
        assert.equal((await fork.ask('OPTIONS')).status, 200)
        assert.notEqual((await fork.ask('INFO')).status, 481)
      }
      forks[0].answer(200, { body: SDP })
      assert.equal((await outcome).kind, 'answered')
    })

    it('BYE, which it may not (RFC 3261 15): the call and the other forks live', async () => {
      const { forks, outcome } = await ringing('one', 'two')
      const [one, two] = forks
      assert.ok((await one.ask('BYE')).status >= 200)
      assert.equal((await two.ask('UPDATE')).status, 200)
      two.answer(200, { body: SDP })
      const result = await outcome
      assert.ok(result.kind === 'answered')
      assert.equal(result.dialog.remoteTag, 'two')
      assert.equal(heard(peer, 'CANCEL'), 0)
    })

    it('with a tag that no fork has, or another Call-ID: 481', async () => {
      const { forks } = await ringing('one', 'two')
      for (const forged of [{ fromTag: 'three' }, { toTag: 'not-ours' }, { callId: 'other@test' }]) {
        for (const method of ['UPDATE', 'INFO', 'BYE']) {
          assert.equal((await forks[0].ask(method, forged)).status, 481, `${method} ${JSON.stringify(forged)}`)
        }
      }
    })
  })

  it('199 ends one, and the others go on; the call is told so (RFC 6228)', async () => {
    const { forks, progress, outcome } = await ringing('one', 'two')
    const [one, two] = forks
    one.answer(199)
    const told = await progress.next()
    assert.deepEqual([told.status, told.to.tag], [199, 'one'])
    assert.equal((await one.ask('UPDATE')).status, 481)
    assert.equal((await two.ask('UPDATE')).status, 200)
    two.answer(200, { body: SDP })
    const result = await outcome
    assert.ok(result.kind === 'answered')
    assert.equal(result.dialog.remoteTag, 'two')
    assert.equal((await nextRequest()).toTag, 'two')
  })

  it('199 ends no call: a 2xx that this fork sends all the same is its answer', async () => {
    const { forks, progress, outcome } = await ringing('one', 'two')
    forks[0].answer(199)
    await progress.next()
    forks[0].answer(200, { body: SDP })
    const result = await outcome
    assert.ok(result.kind === 'answered')
    assert.equal(result.dialog.remoteTag, 'one')
    assert.deepEqual([(await nextRequest()).method, heard(peer, 'BYE')], ['ACK', 0])
    assert.equal((await forks[0].ask('INFO')).status, 200)
  })

  it('199 of a fork that never rang begins none (RFC 6228 4)', async () => {
    const { forks, received, progress } = await ringing('one')
    const unheard = new RawFork(peer, received, { tag: 'unheard' })
    unheard.answer(199)
    assert.equal((await progress.next()).status, 199)
    assert.equal((await unheard.ask('UPDATE')).status, 481)
    assert.equal((await forks[0].ask('UPDATE')).status, 200)
  })

  it('CANCEL while three ring: one CANCEL outside of all dialogs, one 487, and all are gone', async () => {
    const { invite, received, forks, progress, outcome } = await ringing('one', 'two', 'three')
    invite.cancel()
    const cancel = await peer.requests.next()
    assert.deepEqual(
      [cancel.message.method, cancel.message.toTag, cancel.message.via.branch, cancel.message.cseq],
      ['CANCEL', '', received.message.via.branch, received.message.cseq],
    )
    peer.answer(cancel, 200)
    forks[1].answer(180)
    assert.equal((await forks[1].ask('UPDATE')).status, 200, 'an early dialog lives until the final answer')
    peer.answer(received, 487, { toTag: 'proxy' })
    assert.equal((await nextRequest()).method, 'ACK')
    assert.equal((await outcome).response.status, 487)
    for (const fork of forks) assert.equal((await fork.ask('UPDATE')).status, 481, fork.tag)
    await settled(peer, alice)
    assert.deepEqual([heard(peer, 'CANCEL'), heard(peer, 'BYE'), progress.waiting.length], [1, 0, 0])
  })

  it('a failure ends all of them (RFC 3261 12.3)', async () => {
    const { received, forks, outcome } = await ringing('one', 'two')
    peer.answer(received, 486, { toTag: 'two' })
    assert.equal((await outcome).response.status, 486)
    for (const fork of forks) assert.equal((await fork.ask('UPDATE')).status, 481, fork.tag)
  })

  it('those that have not answered end 64*T1 after the first 2xx (RFC 3261 13.2.2.4)', async () => {
    const { forks, outcome } = await ringing('one', 'two')
    const [one, two] = forks
    two.answer(200, { body: SDP })
    const result = await outcome
    assert.ok(result.kind === 'answered')
    clock.advance(31_999)
    assert.equal((await one.ask('UPDATE')).status, 200)
    clock.advance(1)
    assert.equal((await one.ask('UPDATE')).status, 481)
    assert.equal((await two.ask('UPDATE')).status, 200)
  })
})
