import assert from 'node:assert/strict'
import { Stage } from '../../support/examples.js'
import type { FlowNode } from '../../support/node-red-process.js'

interface Progress {
  topic: string
  call: { end: { by: string } | null }
}

describe('the IVR example', function () {
  this.timeout(90_000)
  let stage: Stage

  before(async () => {
    stage = await Stage.start()
    await stage.listen('ringflow-ivr-do', 'caller-progress')
  })
  after(() => stage?.close())

  /** Calls, presses the keys, and resolves when the call has ended. */
  async function call(keys: string): Promise<Progress> {
    const flow = (await stage.example('IVR with PIN'))
      .set('ringflow-ivr-incoming', { account: 'office' })
      .set('ringflow-ivr', { env: [{ name: 'PIN', value: '4711', type: 'str' }] })
    const press: FlowNode[] = [
      {
        id: 'keys',
        type: 'sip-dtmf',
        z: 'people',
        x: 1,
        y: 1,
        digits: keys,
        digitsType: 'str',
        tone: '80',
        gap: '60',
        wires: [[]],
      },
    ]
    await stage.deploy(
      flow.items,
      stage.people({ office: null, caller: null }),
      stage.caller({ calls: 'office', first: ['keys'] }),
      press,
    )
    await stage.nodeRed.press('caller-call')
    for (;;) {
      const progress = await stage.shown<Progress>('caller-progress')
      if (progress.topic === 'call.ended') return progress
    }
  }

  it('two wrong PINs and the right one: the menu does what was asked, and says goodbye', async () => {
    const doing = stage.shown('ringflow-ivr-do')
    const end = await call('1234#0815#4711#20')
    assert.equal(await doing, '2')
    assert.equal(end.call.end?.by, 'remote')
  })

  it('three wrong PINs: hung up, and the menu is never reached', async () => {
    const doing = await stage.listen('ringflow-ivr-do')
    let asked = false
    void doing.next().then(() => (asked = true))
    const end = await call('1#2#3#4711#20')
    assert.equal(end.call.end?.by, 'remote')
    assert.equal(asked, false)
  })
})
