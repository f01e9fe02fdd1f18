import assert from 'node:assert/strict'
import { debugNode, Stage } from '../../support/examples.js'

interface Outcome {
  payload: string
  call: { to: { user: string }; end: { by: string; cause: string } | null }
}

describe('the example that rings several people', function () {
  this.timeout(90_000)
  let stage: Stage

  before(async () => {
    stage = await Stage.start()
    await stage.listen('ringflow-group-outcome', 'again')
  })
  after(() => stage?.close())

  async function ring(habits: Parameters<Stage['people']>[0]): Promise<void> {
    const numbers = Object.keys(habits).map((user) => stage.address(user))
    const flow = (await stage.example('Ring several people until one presses 1'))
      .set('ringflow-group-dial', { account: 'office', confirmTime: '3' })
      .setRule('ringflow-group-settings', 'payload', numbers)
      .set('ringflow-group-wait', {
        limit: '0.5',
        wires: [['ringflow-group-play', 'again'], ['ringflow-group-hangup'], []],
      })
    await stage.deploy(
      flow.items,
      [debugNode('again', 'ringflow-group', 'payload')],
      stage.people({ office: null, ...habits }),
    )
    await stage.nodeRed.press('ringflow-group-start')
  }

  it('connects the person who presses 1, not the mailbox that answers; another 1 plays the message again', async () => {
    await ring({ late: 'rings', mailbox: 'answers', person: { presses: '1,1' } })
    const { call } = await stage.shown<Outcome>('ringflow-group-outcome')
    assert.deepEqual([call.to.user, call.end?.by, call.end?.cause], ['person', 'local', 'normal'])
    assert.equal(await stage.shown('again'), '1')
  })

  it('says how it ended if no person presses 1', async () => {
    await ring({ mailbox: 'answers' })
    const { payload } = await stage.shown<Outcome>('ringflow-group-outcome')
    assert.equal(payload, 'no-answer')
  })
})
