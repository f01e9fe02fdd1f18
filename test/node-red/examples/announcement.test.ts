import assert from 'node:assert/strict'
import type { CdrRecord } from '../../../src/call/call-event.js'
import { debugNode, Stage } from '../../support/examples.js'

interface Statistics {
  topic: string
  payload: Record<string, number>
  results: Record<string, string>
}

describe('the announcement example', function () {
  this.timeout(90_000)
  let stage: Stage

  before(async () => {
    stage = await Stage.start()
    await stage.listen('ringflow-announce-statistics', 'records')
  })
  after(() => stage?.close())

  async function run(users: string[], atOnce: number): Promise<Statistics> {
    const flow = (await stage.example('Announcement with statistics'))
      .set('ringflow-announce-dial', { account: 'office', ringTimeout: '2' })
      .set('ringflow-announce-gather', { prompt: '', firstDigit: '1' })
      .setRule(
        'ringflow-announce-settings',
        'numbers',
        users.map((user) => (user === 'nonsense' ? '?!' : stage.address(user))),
      )
      .setRule('ringflow-announce-settings', 'atOnce', String(atOnce), 'num')
    const people = stage.people({
      office: null,
      busy: 'busy',
      away: 'rings',
      silent: 'answers',
      keen: { presses: '1' },
    })
    const cdr = { id: 'cdr', type: 'sip-cdr-out', z: 'people', x: 1, y: 1, account: 'office', wires: [['records']] }
    await stage.deploy(flow.items, people, [cdr, debugNode('records', 'people', 'payload')])
    await stage.nodeRed.press('ringflow-announce-start')
    return stage.shown<Statistics>('ringflow-announce-statistics')
  }

  const ALL = ['busy', 'keen', 'away', 'silent', 'nonsense']
  const EXPECTED = { total: 5, answered: 2, pressed: 1, busy: 1, noAnswer: 1, failed: 1 }

  for (const atOnce of [1, 3, 10]) {
    it(`${atOnce} at once: everybody is called once, and counted once`, async () => {
      const { topic, payload, results } = await run(ALL, atOnce)
      assert.equal(topic, 'announcement.done')
      assert.deepEqual(payload, EXPECTED)
      const byUser = Object.fromEntries(
        Object.entries(results).map(([number, result]) => [/sip:(\w+)/.exec(number)?.[1] ?? 'nonsense', result]),
      )
      assert.deepEqual(byUser, {
        busy: 'busy',
        keen: 'pressed',
        away: 'noAnswer',
        silent: 'answered',
        nonsense: 'failed',
      })
      const most = await mostAtOnce(4)
      assert.ok(most <= atOnce && most >= Math.min(atOnce, 2), `${most} calls at once`)
    })
  }

  /** The most calls of a run that were going on at the same time. */
  async function mostAtOnce(count: number): Promise<number> {
    const records: CdrRecord[] = []
    while (records.length < count) records.push(await stage.shown<CdrRecord>('records'))
    const during = (at: string) => records.filter(({ startedAt, endedAt }) => startedAt <= at && at < endedAt).length
    return Math.max(...records.map(({ startedAt }) => during(startedAt)))
  }

  it('an empty list is done at once', async () => {
    const { payload } = await run([], 2)
    assert.deepEqual(payload, { total: 0, answered: 0, pressed: 0, busy: 0, noAnswer: 0, failed: 0 })
  })
})
