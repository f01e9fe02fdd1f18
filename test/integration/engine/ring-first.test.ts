/** A rule that lets the telephone ring before it answers, between two engines on loopback. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Phone } from '../../support/phone.js'

describe('an account that rings first', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ringflow-ring-first-'))
  let alice: Phone
  after(() => rmSync(folder, { recursive: true }))
  beforeEach(async () => {
    alice = await Phone.start({ folder, trace: true })
  })
  afterEach(() => alice.close())

  it('sends 180 and later 200', async () => {
    const bob = await Phone.start({ folder, inbound: { ringMs: 400 } })
    const callId = await alice.dial(`sip:ringflow@${bob.address}`)
    await alice.event('call.answered', { callId })
    assert.deepEqual(
      alice.events.map(({ type }) => type).filter((type) => /ringing|answered/.test(type)),
      ['call.ringing', 'call.answered'],
    )
    const { at: rang } = await bob.event('call.ringing')
    const { at: answered } = await bob.event('call.answered')
    assert.ok(Date.parse(answered) - Date.parse(rang) >= 390, `${rang} ${answered}`)
    await bob.close()
  })

  it('answers a CANCEL with 487 and has a missed call', async () => {
    const bob = await Phone.start({ folder, inbound: { ringMs: 60_000 } })
    const callId = await alice.dial(`sip:ringflow@${bob.address}`)
    await alice.event('call.ringing', { callId })
    await alice.call('hangup', { callId })
    await alice.message('in', /^SIP\/2.0 487/)
    const { end, cdr } = await bob.event('call.ended')
    assert.deepEqual([end.by, end.cause, end.sipCode], ['remote', 'cancelled', 487])
    assert.deepEqual([cdr.answeredAt, cdr.talkMs], [null, 0])
    assert.notEqual(cdr.ringingAt, null)
    await bob.close()
  })
})
