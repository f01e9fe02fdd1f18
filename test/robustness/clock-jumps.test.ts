import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { AssembledEngine } from '../support/assembled-engine.js'
import { engineInit, Heard, loopbackAccount, twoAccounts } from '../support/engine-pair.js'
import { ms, tell } from '../support/figures.js'
import { ObligingPeer } from '../support/obliging-peer.js'

const HOUR_MS = 3_600_000
const JUMPS: [name: string, byMs: number][] = [
  ['an hour forward', HOUR_MS],
  ['a day forward', 24 * HOUR_MS],
  ['two days back', -48 * HOUR_MS],
]

/** Readings of the wall clock may jump; timers and durations must not. */
describe('the wall clock is set', () => {
  const now = Date.now

  afterEach(() => {
    Date.now = now
  })

  it('by an hour, a day: no call ends, no registration runs out, no time is counted wrongly', async () => {
    const registrar = await ObligingPeer.listen()
    const engine = new AssembledEngine(engineInit())
    const heard = new Heard(engine)
    const { target } = await twoAccounts(engine, undefined, { mediaTimeoutMs: 2_000 })
    const registered = loopbackAccount('registered', { register: true, aor: `r@127.0.0.1:${registrar.port}` })
    await engine.call('setAccount', registered)
    await registrar.request('REGISTER')
    const { callId } = await engine.call('dial', { accountId: 'caller', target })
    await heard.next('call.media', (event) => event.callId === callId)
    const answered = performance.now()

    let offsetMs = 0
    Date.now = () => now() + offsetMs
    for (const [name, byMs] of JUMPS) {
      offsetMs += byMs
      await delay(700)
      const { state } = await engine.call('registration', { accountId: 'registered' })
      const requests = registrar.heard.length
      const ended = heard.events.filter(({ type }) => type === 'call.ended').length
      tell(`${name}: calls ended, REGISTERs sent`, `${ended}, ${requests - 1}`, 'none')
      assert.deepEqual([ended, requests, state], [0, 1, 'registered'])
    }
    // A new call after the jump works as before.
    const later = await engine.call('dial', { accountId: 'caller', target })
    await heard.next('call.media', (event) => event.callId === later.callId)

    await engine.call('hangup', { callId })
    const talkMs = performance.now() - answered
    const { cdr } = await heard.next('call.ended', (event) => event.callId === callId)
    tell('talk in the record, by a steady clock', `${cdr.talkMs} of ${ms(talkMs)}`, 'within 200 ms')
    assert.ok(Math.abs(cdr.talkMs - talkMs) < 200, `${cdr.talkMs} of ${talkMs}`)
    assert.ok(cdr.durationMs >= cdr.talkMs)
    await engine.close()
    await registrar.close()
  })
})
