/** RFC 3261 8.2.1, 8.2.2.3, 21.4.6, 21.5.2: methods and extensions of the peer within a dialog. None of them ends it. */
import assert from 'node:assert/strict'
import type { SipDialog } from '../../../src/sip/types.js'
import type { FakeClock } from '../../support/fake-clock.js'
import { RawCaller } from '../../support/raw-call.js'
import { rawCallForEachTest } from '../../support/raw-call-for-each-test.js'
import type { RawPeer } from '../../support/raw-peer.js'
import { heard, settled } from '../../support/settled.js'
import { SDP } from '../../support/sip-messages.js'
import { ANSWER, type Party } from '../../support/sip-parties.js'
import { toldBy } from '../../support/told-by.js'
import { called } from '../../support/wait.js'

describe('within a dialog the peer', () => {
  let peer: RawPeer
  let bob: Party
  let clock: FakeClock
  let caller: RawCaller

  rawCallForEachTest((scene) => {
    ;({ peer, bob, clock, caller } = scene)
  })

  /** The peer's call, answered, without its ACK. */
  const answered = (): Promise<SipDialog> => caller.answeredBy(bob)

  const established = (): Promise<SipDialog> => caller.establishedWith(bob)

  /** Its next CSeq is taken, and its BYE ends it. */
  async function stands(dialog: SipDialog): Promise<void> {
    dialog.handlers = {}
    assert.equal((await caller.ask('INFO')).status, 200)
    const bye = called(dialog.handlers, 'bye')
    assert.equal((await caller.ask('BYE')).status, 200)
    await bye
  }

  it('gets 405 with Allow to methods that exist and are not ours, 501 to others', async () => {
    const dialog = await established()
    for (const [method, status] of [
      ['PUBLISH', 405],
      ['REGISTER', 405],
      ['FROBNICATE', 501],
      ['info', 501], // methods are case-sensitive (7.1)
    ] as const) {
      const refused = await caller.ask(method)
      assert.equal(refused.status, status, method)
      const allowed = refused.header('allow')?.split(/, ?/) ?? []
      for (const ours of ['INVITE', 'ACK', 'CANCEL', 'BYE', 'OPTIONS']) assert.ok(allowed.includes(ours), method)
      assert.ok(!allowed.includes(method), `${method} is refused and allowed`)
    }
    await stands(dialog)
  })

  it('gets 489 to SUBSCRIBE: no subscription shares the dialog of a call (RFC 6665 4.5.2)', async () => {
    const dialog = await established()
    assert.equal((await caller.ask('SUBSCRIBE')).status, 489)
    await stands(dialog)
  })

  it('gets 603 to REFER and 481 to NOTIFY, which are ours, if nothing takes them', async () => {
    const dialog = await established()
    dialog.handlers = {}
    assert.equal((await caller.ask('REFER')).status, 603)
    assert.equal((await caller.ask('NOTIFY')).status, 481)
    await stands(dialog)
  })

  it('gets 420 with Unsupported to what it requires, whatever the method', async () => {
    const dialog = await established()
    const told = toldBy(dialog)
    for (const method of ['INVITE', 'UPDATE', 'INFO', 'OPTIONS']) {
      const body = method === 'INVITE' || method === 'UPDATE' ? SDP : ''
      const refused = await caller.ask(method, { body, headers: ['Require: nothing', 'Require: x, y'] })
      assert.deepEqual([refused.status, refused.header('unsupported')], [420, 'nothing, x, y'], method)
    }
    assert.deepEqual(told, [])
    await stands(dialog)
  })

  it('gets 420 with Unsupported to an INVITE that requires what we do not know, before there is a dialog', async () => {
    const refused = await caller.ask('INVITE', { body: SDP, headers: ['Require: precondition'] })
    assert.deepEqual([refused.status, refused.header('unsupported')], [420, 'precondition'])
    await settled(peer, bob)
    assert.equal(bob.invites.waiting.length, 0)
  })

  it('requires nothing of us by Proxy-Require or Supported (20.29)', async () => {
    caller.send('INVITE', { body: SDP, headers: ['Proxy-Require: x', 'Supported: 100rel, y'] })
    const dialog = (await bob.invites.next()).accept({ body: ANSWER })
    const answer = await caller.final('INVITE')
    assert.deepEqual([answer.status, answer.header('require')], [200, undefined])
    const acknowledged = called(dialog.handlers, 'acknowledged')
    caller.send('ACK')
    await acknowledged
    for (const method of ['INFO', 'OPTIONS', 'UPDATE', 'BYE']) {
      assert.equal((await caller.ask(method, { headers: ['Proxy-Require: x'] })).status, 200, method)
    }
  })

  it('may put Require into ACK and CANCEL, where it does not count (8.2.2.3)', async () => {
    const dialog = await answered()
    const acknowledged = called(dialog.handlers, 'acknowledged')
    caller.send('ACK', { headers: ['Require: x'] })
    await acknowledged
    const other = RawCaller.of(peer, bob)
    other.send('INVITE', { body: SDP, branch: 'required' })
    const cancelled = called((await bob.invites.next()).handlers, 'cancelled')
    other.send('CANCEL', { branch: 'required', cseq: 1, headers: ['Require: x'] })
    await cancelled
  })

  describe('before its ACK', () => {
    it('may ask: INFO, OPTIONS and UPDATE without an offer are answered, and the 2xx still waits for its ACK', async () => {
      const dialog = await answered()
      for (const method of ['INFO', 'OPTIONS', 'UPDATE']) assert.equal((await caller.ask(method)).status, 200, method)
      const bye = dialog.bye()
      await settled(peer, bob)
      assert.equal(heard(peer, 'BYE'), 0)
      caller.send('ACK', { cseq: 1 })
      peer.answer(await peer.requests.next(), 200)
      assert.equal((await bye).status, 200)
    })

    it('may hang up: 200, the call is told once, and an ACK that comes late changes nothing', async () => {
      const dialog = await answered()
      const told = toldBy(dialog)
      assert.equal((await caller.ask('BYE')).status, 200)
      caller.send('ACK', { cseq: 1 })
      await settled(peer, bob)
      clock.advance(40_000)
      await settled(peer, bob)
      assert.deepEqual([told, heard(peer, 'BYE')], [['bye'], 0])
    })

    it('may hang up while our BYE waits for that ACK: ours is not sent any more', async () => {
      const dialog = await answered()
      const told = toldBy(dialog)
      const bye = dialog.bye()
      assert.equal((await caller.ask('BYE')).status, 200)
      assert.ok((await bye).status >= 200)
      await settled(peer, bob)
      assert.deepEqual([told, heard(peer, 'BYE')], [[], 0])
    })
  })

  it('is answered 200 when its BYE crosses ours, which then gets its 481; the call is told nothing', async () => {
    const dialog = await established()
    const told = toldBy(dialog)
    const bye = dialog.bye()
    const ours = await peer.requests.next()
    assert.equal((await caller.ask('BYE')).status, 200)
    peer.answer(ours, 481)
    assert.equal((await bye).status, 481)
    assert.equal((await caller.ask('INFO')).status, 481)
    assert.deepEqual(told, [])
  })

  it('is refused what it asks after our BYE, and its dialog is gone when that has its answer', async () => {
    const dialog = await established()
    const told = toldBy(dialog)
    const bye = dialog.bye()
    const ours = await peer.requests.next()
    for (const method of ['INFO', 'UPDATE', 'INVITE']) {
      const answer = await caller.ask(method, method === 'INFO' ? {} : { body: SDP })
      assert.ok(answer.status >= 400, `${method} ${answer.status}`)
    }
    peer.answer(ours, 200)
    assert.equal((await bye).status, 200)
    for (const method of ['OPTIONS', 'BYE', 'INFO']) assert.equal((await caller.ask(method)).status, 481, method)
    assert.deepEqual(told, [])
  })
})
