import assert from 'node:assert/strict'
import type { CallSnapshot } from '../../../src/call/call-event.js'
import { debugNode, Stage } from '../../support/examples.js'

const NAME = 'Door bell - ring phones, open by key'

describe('the door bell example', function () {
  this.timeout(90_000)
  let stage: Stage

  before(async () => {
    stage = await Stage.start()
    await stage.listen('ringflow-door-relay-out', 'ringflow-door-missed', 'ended')
  })
  after(() => stage?.close())

  it('rings all, the first to answer opens the door, the others stop ringing', async () => {
    const flow = (await stage.example(NAME))
      .set('ringflow-door-dial', { account: 'door' })
      .set('ringflow-door-relay', { duration: '200', units: 'ms' })
      .set('ringflow-door-missed', { complete: 'true', targetType: 'full' })
      .setRule(
        'ringflow-door-settings',
        'numbers',
        ['busy', 'asleep', 'awake'].map((user) => stage.address(user)),
      )
    const people = stage.people({ door: null, busy: 'busy', asleep: 'rings', awake: { presses: '1' } })
    await stage.deploy(flow.items, people, [
      {
        id: 'event',
        type: 'sip-event',
        z: 'people',
        x: 1,
        y: 1,
        account: 'door',
        events: ['call.ended'],
        wires: [['ended']],
      },
      debugNode('ended', 'people', 'call'),
    ])
    await stage.nodeRed.press('ringflow-door-bell')

    assert.equal(await stage.shown('ringflow-door-relay-out'), 'true')
    assert.equal(await stage.shown('ringflow-door-relay-out'), 'false')
    const calls = [
      await stage.shown<CallSnapshot>('ended'),
      await stage.shown<CallSnapshot>('ended'),
      await stage.shown<CallSnapshot>('ended'),
    ]
    assert.equal(new Set(calls.map(({ tags }) => tags.ring)).size, 1)
    const ends = calls.map(({ to, end }) => `${to.user} ${end?.by} ${end?.cause}`)
    assert.deepEqual(ends.toSorted(), ['asleep local completed-elsewhere', 'awake local normal', 'busy remote busy'])
    const missed = [
      await stage.shown<{ payload: string }>('ringflow-door-missed'),
      await stage.shown<{ payload: string }>('ringflow-door-missed'),
    ]
    assert.deepEqual(missed.map(({ payload }) => payload).toSorted(), ['busy', 'completed-elsewhere'])
  })
})
