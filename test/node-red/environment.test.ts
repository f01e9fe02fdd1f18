/** Every setting may be wholly `${NAME}`: the engine gets the same command as with the value itself. */
import assert from 'node:assert/strict'
import { fakeFlows } from '../support/fake-flows.js'
import { account, wired } from '../support/flow-items.js'
import type { FlowItem } from '../support/node-red.js'
import { runtimeDefaults, TYPES } from '../unit/editor/node-sources.js'

/** Ids of other nodes, and settings that are not text. */
const NOT_TEXT = ['version', 'account', 'transport', 'proxy']
const PLACE = ['id', 'type', 'z', 'x', 'y', 'wires']
const COMMANDS = [
  'setAccount',
  'setInbound',
  'dial',
  'answer',
  'play',
  'gather',
  'sendDigits',
  'startRecord',
  'wait',
  'hangup',
] as const

describe('settings from the environment', () => {
  const test = fakeFlows()
  const set: string[] = []

  afterEach(() => {
    for (const name of set.splice(0)) delete process.env[name]
  })

  /** One node of each type, with all its settings; defaults unless given. */
  async function everything(): Promise<FlowItem[]> {
    const defaults = Object.fromEntries(
      await Promise.all(TYPES.map(async (type) => [type, await runtimeDefaults(type)])),
    )
    const outputs: Record<string, number> = {
      'sip-dial': 3,
      'sip-incoming': 2,
      'sip-play-media': 2,
      'sip-gather': 2,
      'sip-wait': 3,
      'sip-record': 2,
    }
    const flowTypes = TYPES.filter((type) => !['sip-account', 'sip-proxy', 'sip-transport'].includes(type))
    return [
      { ...defaults['sip-proxy'], id: 'proxy', type: 'sip-proxy', hops: ['sip:proxy.example.com;lr'] },
      ...account({ proxy: 'proxy', displayName: 'Alice', exposeHeaders: 'X-A', allowedSources: '192.0.2.1' }).map(
        (item) => ({
          ...defaults[item.type],
          ...item,
        }),
      ),
      ...flowTypes.flatMap((type) =>
        wired(type, type, outputs[type] ?? 1, {
          ...defaults[type],
          ...('account' in defaults[type] ? { account: 'account' } : {}),
          ...(type === 'sip-play-media' ? { file: 'a.wav' } : {}),
          ...(type === 'sip-subscribe' ? { target: '1003' } : {}),
        }),
      ),
    ]
  }

  /** Each text setting of our nodes becomes `${RINGFLOW_TEST_ENV_…}`, and the variable has its value. */
  function fromEnvironment(flow: FlowItem[]): FlowItem[] {
    return flow.map((item) => {
      if (!item.type.startsWith('sip-')) return item
      const entries = Object.entries(item).map(([name, value]) => {
        if (PLACE.includes(name) || NOT_TEXT.includes(name) || typeof value !== 'string' || value === '')
          return [name, value]
        const variable = `RINGFLOW_TEST_ENV_${item.id}_${name}`.replace(/\W/g, '_')
        process.env[variable] = value
        set.push(variable)
        return [name, `\${${variable}}`]
      })
      return Object.fromEntries(entries) as FlowItem
    })
  }

  async function asked(flow: FlowItem[]): Promise<unknown[]> {
    const flows = await test.start(flow)
    await flows.status('sip-incoming', 'listening')
    test.engine.begin('c1', { owner: 'sip-incoming', direction: 'inbound' })
    test.engine.tell('c1', 'call.incoming')
    for (const [type, op] of [
      ['sip-dial', 'dial'],
      ['sip-answer', 'answer'],
      ['sip-play-media', 'play'],
      ['sip-gather', 'gather'],
      ['sip-wait', 'wait'],
      ['sip-dtmf', 'sendDigits'],
      ['sip-hold', 'hold'],
      ['sip-transfer', 'transfer'],
      ['sip-record', 'startRecord'],
      ['sip-hangup', 'hangup'],
    ] as const) {
      const command = test.engine.asked(op)
      flows.receive(type, { payload: '1002', call: { id: 'c1' } })
      await command
    }
    const wrong = [...flows.statuses].filter(([, { text }]) => text?.startsWith('bad settings'))
    assert.deepEqual(wrong, [])
    return COMMANDS.flatMap((op) => test.engine.sent(op)).map((command) => {
      const { mediaId: _media, callId: _call, ...rest } = command as Record<string, unknown>
      return rest
    })
  }

  it('mean the same as written out, in every node', async () => {
    const flow = await everything()
    const expected = await asked(flow)
    assert.equal(expected.length, COMMANDS.length)
    await test.anew()
    const replaced = fromEnvironment(flow)
    assert.ok(set.length > 40, `${set.length} settings`)
    assert.deepEqual(await asked(replaced), expected)
  })
})
