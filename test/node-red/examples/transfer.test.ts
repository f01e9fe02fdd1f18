import assert from 'node:assert/strict'
import { Stage } from '../../support/examples.js'

describe('the transfer example', function () {
  this.timeout(90_000)
  let stage: Stage

  before(async () => {
    stage = await Stage.start()
    await stage.listen('ringflow-transfer-done', 'caller-progress')
  })
  after(() => stage?.close())

  it('a caller hears the message and is connected with the person; the flow leaves the call', async () => {
    const flow = (await stage.example('Transfer to a person'))
      .set('ringflow-transfer-incoming', { account: 'office' })
      .set('ringflow-transfer-person', { target: stage.address('person') })
    const people = stage.people({ office: null, caller: null, person: 'answers' })
    const follows = people.map((item) => (item.id === 'caller' ? { ...item, transfers: 'follow' } : item))
    await stage.deploy(flow.items, follows, stage.caller({ calls: 'office' }))
    const done = stage.shown<{ end: { cause: string } }>('ringflow-transfer-done')
    await stage.nodeRed.press('caller-call')
    assert.equal((await done).end.cause, 'transferred')
    for (;;) {
      const progress = await stage.shown<{ topic: string; payload: string }>('caller-progress')
      if (progress.topic !== 'call.transferred') continue
      assert.equal(progress.payload, 'person')
      break
    }
    await stage.nodeRed.press('caller-leave')
  })
})
