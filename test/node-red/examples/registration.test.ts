import assert from 'node:assert/strict'
import { Stage } from '../../support/examples.js'
import { ObligingPeer } from '../../support/obliging-peer.js'

describe('the registration example', function () {
  this.timeout(90_000)
  let stage: Stage
  let registrar: ObligingPeer

  before(async () => {
    stage = await Stage.start()
    registrar = await ObligingPeer.listen((request) => (/^Authorization:/im.test(request.text) ? 0 : 401))
    await stage.listen('ringflow-registration-state')
  })
  after(async () => {
    await stage?.close()
    await registrar?.close()
  })

  it('registers and unregisters when its buttons are pressed, and says so', async () => {
    const flow = (await stage.example('Registration by hand')).set('ringflow-registration-register', {
      account: 'subscriber',
    })
    const people = stage
      .people({ subscriber: null })
      .map((item) =>
        item.id === 'subscriber'
          ? { ...item, registrar: `127.0.0.1:${registrar.port}`, credentials: { password: 'p' } }
          : item,
      )
    await stage.deploy(flow.items, people)
    const shownUntil = async (topic: string) => {
      for (;;) {
        const shown = await stage.shown<{ topic: string }>('ringflow-registration-state')
        if (shown.topic === topic) return
      }
    }
    await stage.nodeRed.press('ringflow-registration-on')
    await shownUntil('registration.registered')
    const expires = () => registrar.heard.map(({ text }) => /^Expires: (\d+)/im.exec(text)?.[1])
    assert.deepEqual(expires(), ['600', '600'])
    await stage.nodeRed.press('ringflow-registration-off')
    await shownUntil('registration.idle')
    assert.equal(expires().at(-1), '0')
  })
})
