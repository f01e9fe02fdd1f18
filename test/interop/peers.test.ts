/** The peers among themselves: this file checks first what the other tests assume about them and about our measuring. */
import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { measureTone } from '../support/audio.js'
import { Baresip } from '../support/peers/baresip.js'
import { Kamailio } from '../support/peers/kamailio.js'
import '../support/peers/root-hooks.js'
import { Sipp } from '../support/peers/sipp.js'
import { plainCallee, plainCaller } from '../support/peers/sipp-plain.js'

describe('peers among themselves', function () {
  this.timeout(30_000)

  it('baresip calls baresip by Route through two Kamailios: tones and a digit are heard', async () => {
    const registrar = await Kamailio.registrar({ challengeCalls: true })
    const edge = await Kamailio.edge({ next: registrar.address, mustRoute: true })
    const phone = (user: string, toneHz: number) =>
      Baresip.start({
        name: user,
        sends: { toneHz },
        autoAnswer: true,
        record: true,
        aor: `sip:${user}@sip.test`,
        account: `auth_user=${user};auth_pass=secret-${user[0]};outbound="sip:${edge.address};lr";regint=60`,
      })
    const [alice, bob] = [await phone('alice', 1000), await phone('bob', 500)]
    await Promise.all([alice.registered(), bob.registered()])
    assert.equal((await registrar.bindings('bob')).length, 1)

    await alice.control.command('dial', 'sip:bob@sip.test')
    await bob.control.event('CALL_ESTABLISHED')
    await delay(1500)
    await alice.control.command('sndcode', '5')
    await bob.control.event('CALL_DTMF_START', { param: '5' })
    await alice.control.command('hangup')
    await bob.control.event('CALL_CLOSED')
    await Promise.all([alice.stop(), bob.stop()])

    const heardByBob = measureTone(bob.heard()[0] ?? '', 1000)
    const heardByAlice = measureTone(alice.heard()[0] ?? '', 500)
    console.log(`      bob heard 1 kHz: ${JSON.stringify(heardByBob)}, alice 500 Hz: ${JSON.stringify(heardByAlice)}`)
    assert.ok(heardByBob.share >= 0.95)
    assert.ok(heardByAlice.share >= 0.95)
    await Promise.all([edge.stop(), registrar.stop()])
  })

  it('SIPp calls SIPp: 200 calls, none failed, and its figures are read', async () => {
    const callee = await Sipp.start({ name: 'callee', steps: plainCallee })
    const figures = await Sipp.run({
      name: 'caller',
      steps: plainCaller,
      target: callee.address,
      calls: 200,
      rate: 200,
    })
    await callee.stop()
    assert.deepEqual(
      { ...figures, setupMs: figures.setupMs.length },
      { created: 200, ok: 200, failed: 0, retransmissions: 0, setupMs: 200 },
    )
  })
})
