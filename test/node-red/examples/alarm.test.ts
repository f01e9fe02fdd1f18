import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { defaults as accountDefaults } from '../../../nodes/sip-account/config.js'
import { defaults as answerDefaults } from '../../../nodes/sip-answer/config.js'
import { defaults as dtmfDefaults } from '../../../nodes/sip-dtmf/config.js'
import { defaults as incomingDefaults } from '../../../nodes/sip-incoming/config.js'
import { defaults as transportDefaults } from '../../../nodes/sip-transport/config.js'
import { type DebugMessages, type FlowNode, type RunningNodeRed, startNodeRed } from '../../support/node-red-process.js'
import { repoPath } from '../../support/repo.js'
import { freeUdpPorts } from '../../support/udp-ports.js'

const OUTCOME = 'ringflow-alarm-outcome'
const LIMIT_MS = 30_000

interface Outcome {
  topic: string
  payload: string
  alarm: { attempts: { number: string; round: number; result: string }[] }
}

/** Three people on one phone system: the first is busy, the second puts the phone aside, the third presses 1. */
function people(port: number): FlowNode[] {
  const transport = {
    ...transportDefaults,
    id: 'people',
    type: 'sip-transport',
    bindAddress: '127.0.0.1',
    udpPort: String(port),
  }
  const person = (user: string): FlowNode => ({
    ...accountDefaults,
    id: user,
    type: 'sip-account',
    transport: 'people',
    aor: `${user}@127.0.0.1:${port}`,
    register: false,
    allowedSources: '127.0.0.1',
  })
  const incoming = (user: string, mode: string, wires: string[][]): FlowNode => ({
    ...incomingDefaults,
    ...place,
    id: `${user}-incoming`,
    type: 'sip-incoming',
    account: user,
    mode,
    wires,
  })
  return [
    { id: 'people-tab', type: 'tab', label: 'People' },
    transport,
    ...['busy', 'absent', 'alert'].map(person),
    incoming('busy', 'reject', [[], []]),
    incoming('absent', 'answer', [[], []]),
    incoming('alert', 'flow', [['alert-answer'], []]),
    { ...answerDefaults, ...place, id: 'alert-answer', type: 'sip-answer', wires: [['alert-press']] },
    { ...dtmfDefaults, ...place, id: 'alert-press', type: 'sip-dtmf', digits: '1', digitsType: 'str', wires: [[]] },
  ]
}

const place = { z: 'people-tab', x: 100, y: 100 }

/** The example with an account and numbers filled in, and with shorter waits. */
function alarm(caller: string, numbers: string[], rounds: number): FlowNode[] {
  const flow = JSON.parse(
    readFileSync(repoPath('examples', 'Alarm - ring until acknowledged.json'), 'utf8'),
  ) as FlowNode[]
  const set = (id: string, settings: Record<string, unknown>) =>
    Object.assign(flow.find((node) => node.id === id) ?? assert.fail(id), settings)
  set('ringflow-alarm-dial', { account: caller })
  set('ringflow-alarm-settings', {
    rules: [
      { t: 'set', p: 'numbers', pt: 'msg', to: JSON.stringify(numbers), tot: 'json' },
      { t: 'set', p: 'rounds', pt: 'msg', to: String(rounds), tot: 'num' },
    ],
  })
  set('ringflow-alarm-pause', { timeout: '10', timeoutUnits: 'milliseconds' })
  set('ringflow-alarm-gather', { prompt: '', attempts: '1', firstDigit: '1' })
  set(OUTCOME, { complete: 'true', targetType: 'full' })
  return flow
}

describe('the alarm example', function () {
  this.timeout(90_000)
  let nodeRed: RunningNodeRed
  let outcomes: DebugMessages
  let port: number

  before(async () => {
    ;[port] = (await freeUdpPorts(1)) as [number]
    nodeRed = await startNodeRed()
    outcomes = await nodeRed.debugMessages(OUTCOME)
  })
  after(async () => {
    outcomes?.close()
    await nodeRed?.close()
  })

  async function ring(users: string[], rounds: number): Promise<Outcome> {
    const numbers = users.map((user) => `sip:${user}@127.0.0.1:${port}`)
    await nodeRed.deploy([...people(port), ...alarm('busy', numbers, rounds)])
    await nodeRed.press('ringflow-alarm-start')
    let limit: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, fail) => {
      limit = setTimeout(() => fail(new Error(`no outcome:\n${nodeRed.log.join('')}`)), LIMIT_MS)
    })
    return Promise.race([outcomes.next() as Promise<Outcome>, late]).finally(() => clearTimeout(limit))
  }

  const told = ({ alarm: { attempts } }: Outcome) =>
    attempts.map(({ number, round, result }) => `${round} ${/sip:(\w+)@/.exec(number)?.[1]} ${result}`)

  it('rings one after the other until somebody presses 1', async () => {
    const outcome = await ring(['busy', 'absent', 'alert', 'absent'], 2)
    assert.equal(outcome.topic, 'alarm.acknowledged')
    assert.equal(outcome.payload, `acknowledged by sip:alert@127.0.0.1:${port}`)
    assert.deepEqual(told(outcome), ['1 busy busy', '1 absent no-input', '1 alert acknowledged'])
  })

  it('gives up after as many rounds as set, and says how each call went', async () => {
    const outcome = await ring(['busy', 'absent'], 2)
    assert.equal(outcome.topic, 'alarm.failed')
    assert.equal(outcome.payload, 'nobody acknowledged')
    assert.deepEqual(told(outcome), ['1 busy busy', '1 absent no-input', '2 busy busy', '2 absent no-input'])
  })
})
