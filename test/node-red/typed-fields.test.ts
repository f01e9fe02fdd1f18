/** Every typed field of every node, with every type that its form offers: the engine gets the same command. */
import assert from 'node:assert/strict'
import type { Message, RedNode } from '../../nodes/shared/red.js'
import type { EngineCommands } from '../../src/engine/protocol.js'
import { fakeFlows } from '../support/fake-flows.js'
import { account, wired } from '../support/flow-items.js'
import type { TestFlows } from '../support/node-red.js'
import { contextStorage } from '../support/slow-context.js'
import { formOf, runtimeDefaults, TYPES } from '../unit/editor/node-sources.js'

interface Field {
  /** The value that the field must have. */
  value: unknown
  /** The command that carries the value, and where. */
  op: keyof EngineCommands
  seen: (command: never) => unknown
  /** Other settings that the node needs for this. */
  settings?: Record<string, unknown>
}

const call = (op: keyof EngineCommands, settings: Record<string, unknown> = {}): Field => ({
  value: 'c1',
  op,
  seen: ({ callId }: { callId: string }) => callId,
  settings,
})

const FIELDS: Record<string, Field> = {
  'sip-dial target': { value: '1002', op: 'dial', seen: ({ target }: { target: string }) => target },
  'sip-dial callerName': { value: 'Door', op: 'dial', seen: (c: { callerName: string }) => c.callerName },
  'sip-dial callerId': { value: '4711', op: 'dial', seen: (c: { callerId: string }) => c.callerId },
  'sip-dial diverted': {
    value: '1000',
    op: 'dial',
    seen: (c: { diverted: { target: string }[] }) => c.diverted[0]?.target,
  },
  'sip-dial headers': { value: { 'X-A': 'b' }, op: 'dial', seen: (c: { headers: object }) => c.headers },
  'sip-dial tags': { value: { door: 4 }, op: 'dial', seen: (c: { tags: object }) => c.tags },
  'sip-answer call': call('answer'),
  'sip-answer headers': { value: { 'X-A': 'b' }, op: 'answer', seen: (c: { headers: object }) => c.headers },
  'sip-answer tags': { value: { desk: 1 }, op: 'setTags', seen: (c: { tags: object }) => c.tags },
  'sip-answer reason': {
    value: 'Gone home',
    op: 'reject',
    seen: (c: { reason: string }) => c.reason,
    settings: { action: 'reject' },
  },
  'sip-answer target': {
    value: '1003',
    op: 'redirect',
    seen: ({ targets }: { targets: string[] }) => targets[0],
    settings: { action: 'redirect' },
  },
  'sip-play-media call': call('play', { file: 'a.wav' }),
  'sip-play-media file': { value: 'a.wav', op: 'play', seen: (c: { source: { file: string } }) => c.source.file },
  'sip-gather call': call('gather'),
  'sip-gather prompt': { value: 'a.wav', op: 'gather', seen: (c: { prompt: { file: string } }) => c.prompt.file },
  'sip-wait call': call('wait'),
  'sip-dtmf call': call('sendDigits', { digits: '1', digitsType: 'str' }),
  'sip-dtmf digits': { value: '42#', op: 'sendDigits', seen: ({ digits }: { digits: string }) => digits },
  'sip-hold call': call('hold'),
  'sip-hold file': {
    value: 'a.wav',
    op: 'hold',
    seen: (c: { music: { file: string } }) => c.music.file,
    settings: { music: 'file' },
  },
  'sip-transfer call': call('transfer'),
  'sip-transfer target': { value: '1003', op: 'transfer', seen: ({ target }: { target: string }) => target },
  'sip-transfer toCall': {
    value: 'c2',
    op: 'transfer',
    seen: ({ toCallId }: { toCallId: string }) => toCallId,
    settings: { action: 'attended' },
  },
  'sip-message target': {
    value: '1003',
    op: 'sendMessage',
    seen: ({ target }: { target: string }) => target,
    settings: { account: 'account', text: 'x', textType: 'str' },
  },
  'sip-message text': {
    value: 'hello',
    op: 'sendMessage',
    seen: ({ text }: { text: string }) => text,
    settings: { account: 'account', target: '1003', targetType: 'str' },
  },
  'sip-message headers': {
    value: { 'X-A': 'b' },
    op: 'sendMessage',
    seen: (c: { headers: object }) => c.headers,
    settings: { account: 'account', target: '1003', targetType: 'str', text: 'x', textType: 'str' },
  },
  'sip-record call': call('startRecord'),
  'sip-record file': { value: 'a.wav', op: 'startRecord', seen: ({ file }: { file: string }) => file },
  'sip-hangup call': call('hangup'),
  'sip-hangup reason': { value: 'Shift ended', op: 'hangup', seen: (c: { reason: string }) => c.reason },
  'sip-hangup headers': { value: { 'X-A': 'b' }, op: 'hangup', seen: (c: { headers: object }) => c.headers },
}

const ENV = 'RINGFLOW_TEST_TYPED'

/** The source of the value: the setting, its type, and the data that it reads. */
const SOURCES: Record<
  string,
  { setting: (value: unknown) => string; type: string; fill?: (node: RedNode, value: unknown) => Promise<void> }
> = {
  str: { type: 'str', setting: String },
  json: { type: 'json', setting: JSON.stringify },
  msg: { type: 'msg', setting: () => 'deep.in.it' },
  jsonata: { type: 'jsonata', setting: () => '$lookup(deep.in, "it")' },
  env: { type: 'env', setting: () => ENV },
  flow: { type: 'flow', setting: () => 'mine.value', fill: (node, value) => put(node, 'flow', 'mine', { value }) },
  global: { type: 'global', setting: () => 'mine', fill: (node, value) => put(node, 'global', 'mine', value) },
  'flow, a slow store': {
    type: 'flow',
    setting: () => '#:(slow)::mine',
    fill: (node, value) => put(node, 'flow', 'mine', value, 'slow'),
  },
  'global, a slow store': {
    type: 'global',
    setting: () => '#:(slow)::mine',
    fill: (node, value) => put(node, 'global', 'mine', value, 'slow'),
  },
  'jsonata, a slow store': {
    type: 'jsonata',
    setting: () => '$flowContext("mine", "slow")',
    fill: (node, value) => put(node, 'flow', 'mine', value, 'slow'),
  },
}

function put(node: RedNode, scope: 'flow' | 'global', key: string, value: unknown, store = 'default'): Promise<void> {
  return new Promise((resolve, reject) => {
    node
      .context()
      [scope].set(key, value, store, (error: Error | null | undefined) => (error ? reject(error) : resolve()))
  })
}

const typesOf = (type: string, field: string): string[] => {
  const list =
    new RegExp(`\\.typed\\('${field}', \\[([^\\]]*)\\]`).exec(formOf(type))?.[1] ?? assert.fail(`${type} ${field}`)
  return list.split(',').map((name) => name.trim().replaceAll("'", ''))
}

describe('typed fields', () => {
  const test = fakeFlows()

  after(() => {
    delete process.env[ENV]
  })

  it('the table has them all', async () => {
    const found: string[] = []
    for (const type of TYPES) {
      const names = Object.keys(await runtimeDefaults(type))
      found.push(...names.filter((name) => names.includes(`${name}Type`)).map((name) => `${type} ${name}`))
    }
    assert.deepEqual(Object.keys(FIELDS).toSorted(), found.toSorted(), 'add the field to FIELDS of this test')
  })

  async function started(type: string, settings: Record<string, unknown>): Promise<TestFlows> {
    const flows = await test.start(
      [
        ...account(),
        ...wired('node', type, 3, { account: 'account', ...settings }),
        ...wired('incoming', 'sip-incoming', 2, { account: 'account' }),
      ],
      { settings: { contextStorage } },
    )
    await flows.status('incoming', 'listening')
    test.engine.begin('c1', { owner: 'incoming', direction: 'inbound' })
    test.engine.tell('c1', 'call.incoming')
    return flows
  }

  for (const [key, { value, op, seen, settings }] of Object.entries(FIELDS)) {
    const [type = '', field = ''] = key.split(' ')
    const offered = typesOf(type, field)
    for (const [name, source] of Object.entries(SOURCES)) {
      if (!offered.includes(source.type)) continue
      it(`${key}: ${name}`, async () => {
        process.env[ENV] = String(value)
        const typed = { [field]: source.setting(value), [`${field}Type`]: source.type }
        const flows = await started(type, { ...settings, ...typed })
        await source.fill?.(flows.node('node'), value)
        const asked = test.engine.asked(op)
        const message: Message = { payload: '1001', call: { id: 'c1' }, deep: { in: { it: value } } }
        flows.receive('node', message)
        assert.deepEqual(seen((await asked) as never), value)
      })
    }

    it(`${key}: every type of the form is tried`, () => {
      const tried = new Set(Object.values(SOURCES).map((source) => source.type))
      assert.deepEqual(
        offered.filter((name) => !tried.has(name)),
        [],
      )
    })
  }

  it('a store that is not there, a wrong expression: BAD_ARGUMENT, once', async () => {
    const flows = await test.start([
      ...account(),
      ...wired('dial', 'sip-dial', 3, { account: 'account', target: '$error("no")', targetType: 'jsonata' }),
      { id: 'catch', type: 'catch', z: 'tab', x: 1, y: 1, scope: null, uncaught: false, wires: [['caught']] },
      { id: 'caught', type: 'test-inbox', z: 'tab', x: 1, y: 1 },
    ])
    flows.receive('dial', { payload: '1' })
    assert.equal(((await flows.message('caught')).error as { code: string }).code, 'BAD_ARGUMENT')
    assert.deepEqual(test.engine.sent('dial'), [])
  })
})
