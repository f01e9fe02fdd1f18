import assert from 'node:assert/strict'
import { defaults as subscribeDefaults } from '../../../nodes/sip-subscribe/config.js'
import { Stage } from '../../support/examples.js'

interface Shown {
  topic: string
  payload: unknown
}

describe('the examples outside of calls', function () {
  this.timeout(90_000)
  let stage: Stage

  before(async () => {
    stage = await Stage.start()
    await stage.listen('ringflow-text-sent', 'ringflow-text-received', 'ringflow-lamp-lamp', 'ringflow-ping-up')
  })
  after(() => stage?.close())

  async function shownUntil(id: string, matches: (shown: Shown) => boolean): Promise<Shown> {
    for (;;) {
      const shown = await stage.shown<Shown>(id)
      if (matches(shown)) return shown
    }
  }

  it('a message goes to a phone, another comes in; a lamp follows a line; a server is watched', async () => {
    const text = (await stage.example('Message to a phone'))
      .set('ringflow-text-send', { account: 'office', target: stage.address('kitchen') })
      .set('ringflow-text-receive', { account: 'kitchen' })
    const lamp = (await stage.example('Lamp that follows a line')).set('ringflow-lamp-watch', {
      account: 'office',
      target: stage.address('kitchen'),
    })
    const ping = (await stage.example('Watch a server')).set('ringflow-ping-ping', {
      account: 'office',
      target: stage.address('kitchen'),
    })
    const place = { z: 'people', x: 100, y: 100 }
    const line = [
      {
        ...place,
        id: 'line',
        type: 'sip-subscribe',
        ...subscribeDefaults,
        account: 'kitchen',
        mode: 'show',
        wires: [[], []],
      },
      {
        ...place,
        id: 'line-busy',
        type: 'inject',
        props: [{ p: 'payload' }],
        payload: 'early',
        payloadType: 'str',
        wires: [['line']],
      },
    ]
    const people = stage.people({ office: null, kitchen: null })
    await stage.deploy(text.items, lamp.items, ping.items, people, line)
    assert.equal((await stage.shown<Shown>('ringflow-ping-up')).payload, true)
    const [sent, received] = [stage.shown<Shown>('ringflow-text-sent'), stage.shown<Shown>('ringflow-text-received')]
    await stage.nodeRed.press('ringflow-text-press')
    assert.equal((await sent).topic, 'message.delivered')
    assert.equal((await received).payload, 'Dinner is ready')
    await shownUntil('ringflow-lamp-lamp', ({ payload }) => payload === false)
    await stage.nodeRed.press('line-busy')
    await shownUntil('ringflow-lamp-lamp', ({ payload }) => payload === true)
  })
})
