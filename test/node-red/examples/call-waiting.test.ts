import assert from 'node:assert/strict'
import { Stage } from '../../support/examples.js'

interface Progress {
  topic: string
  call: { id: string; end: { by: string; sipCode: number | null } | null }
}

describe('the call waiting example', function () {
  this.timeout(90_000)
  let stage: Stage

  before(async () => {
    stage = await Stage.start()
    await stage.listen('ringflow-waiting-events', 'caller-progress')
  })
  after(() => stage?.close())

  async function until(topic: string, matches = (_progress: Progress): boolean => true): Promise<Progress> {
    for (;;) {
      const progress = await stage.shown<Progress>('caller-progress')
      if (progress.topic === topic && matches(progress)) return progress
    }
  }

  it('the first caller is held while the second one is served, and then resumed; a third one gets busy', async () => {
    const flow = (await stage.example('Call waiting with hold')).set('ringflow-waiting-incoming', { account: 'office' })
    flow.set('ringflow-waiting-talk-second', { source: 'tone', hz: '700', duration: '3' })
    await stage.deploy(flow.items, stage.people({ office: null, caller: null }), stage.caller({ calls: 'office' }))
    await stage.nodeRed.press('caller-call')
    const first = (await until('call.media')).call.id
    await stage.nodeRed.press('caller-call')
    assert.equal((await until('call.held')).call.id, first)
    const second = (await until('call.media')).call.id
    assert.notEqual(second, first)
    await stage.nodeRed.press('caller-call')
    const third = await until('call.ended', ({ call }) => call.id !== second)
    assert.deepEqual([third.call.end?.by, third.call.end?.sipCode], ['remote', 486])
    assert.equal((await until('call.ended')).call.id, second)
    assert.equal((await until('call.resumed')).call.id, first)
    for (const topic of ['call.held', 'call.resumed']) while ((await stage.shown('ringflow-waiting-events')) !== topic);
  })
})
