import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { isAbsolute, join, relative } from 'node:path'
import type { CallSnapshot, CdrRecord } from '../../src/call/call-event.js'
import { measureTone } from '../support/audio.js'
import { wired } from '../support/flow-items.js'
import { type FlowItem, TestFlows } from '../support/node-red.js'

/** The callee plays this, the caller records it. */
const TONE_HZ = 1000
const TAB: FlowItem = { id: 'tab', type: 'tab', label: 'call' }

async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  await new Promise<void>((resolve) => socket.close(resolve))
  return port
}

const party = (name: string, port: number, settings: Record<string, unknown> = {}): FlowItem[] => [
  { id: `${name}-transport`, type: 'sip-transport', bindAddress: '127.0.0.1', udpPort: String(port) },
  {
    id: name,
    type: 'sip-account',
    name: `the ${name}`,
    transport: `${name}-transport`,
    aor: `${name}@127.0.0.1`,
    register: false,
    allowedSources: '127.0.0.1',
    ...settings,
  },
]

const callOf = (message: { [key: string]: unknown }) => message.call as CallSnapshot

describe('a real call through the nodes, over the engine in its worker', function () {
  this.timeout(15_000)

  let flows: TestFlows
  let userDir: string
  let calleePort: number
  let callerPort: number

  beforeEach(async () => {
    userDir = mkdtempSync(join(tmpdir(), 'ringflow-nodes-'))
    calleePort = await freeUdpPort()
    callerPort = await freeUdpPort()
  })

  afterEach(async function () {
    if (this.currentTest?.state === 'failed') console.log(flows.statuses, flows.logged.join('\n'))
    await flows.stop()
    rmSync(userDir, { recursive: true, force: true })
  })

  const target = () => ({ target: `sip:callee@127.0.0.1:${calleePort}`, targetType: 'str' })

  const parties = (settings?: Record<string, unknown>) => [
    TAB,
    ...party('caller', callerPort, settings),
    ...party('callee', calleePort, settings),
  ]

  const start = async (flow: FlowItem[]) => {
    flows = await TestFlows.start(flow, { settings: { userDir, ringflow: { logLevel: 'info' } } })
    for (const { id, type } of flow) if (type === 'sip-incoming') await flows.status(id, 'listening')
    return flows
  }

  const connect = (items: FlowItem[], wires: Record<string, string[][]>) =>
    items.map((item) => (wires[item.id] ? { ...item, wires: wires[item.id] } : item))

  it('rings, answers, plays, hears, records, presses keys, hangs up, and writes two records', async () => {
    const items = [
      ...parties(),
      ...wired('dial', 'sip-dial', 3, { account: 'caller', ...target(), tags: '{"door": 4}' }),
      ...wired('record', 'sip-record', 2, { file: 'heard.wav' }),
      ...wired('gather', 'sip-gather', 2, { prompt: 'message.wav', bargeIn: false, maxDigits: '2', minDigits: '2' }),
      ...wired('bye', 'sip-hangup', 1),
      ...wired('incoming', 'sip-incoming', 2, { account: 'callee' }),
      ...wired('answer', 'sip-answer', 1),
      ...wired('tone', 'sip-play-media', 2, { source: 'tone', hz: String(TONE_HZ), duration: '1' }),
      ...wired('keys', 'sip-dtmf', 1, { digits: '42', digitsType: 'str' }),
      ...wired('event', 'sip-event', 1, { events: ['call.digit'] }),
      ...wired('cdr', 'sip-cdr-out', 1),
    ]
    await start(
      connect(items, {
        dial: [['record', 'dial-1'], ['dial-2'], ['dial-3']],
        record: [['gather', 'record-1'], ['record-2']],
        gather: [['bye', 'gather-1'], ['gather-2']],
        incoming: [['answer', 'incoming-1'], ['incoming-2']],
        answer: [['tone', 'answer-1']],
        tone: [['keys', 'tone-1'], ['tone-2']],
      }),
    )
    flows.receive('dial', { payload: 'mine', topic: 'start' })

    const ended = await flows.message('bye-1')
    assert.equal(ended.payload, '42')
    assert.equal(callOf(ended).state, 'ended')
    assert.deepEqual(callOf(ended).tags, { door: 4 })
    assert.equal(callOf(ended).end?.by, 'local')
    assert.equal(callOf(await flows.message('incoming-2', (m) => m.topic === 'call.ended')).end?.by, 'remote')

    const recorded = await flows.message('record-2')
    const path = String(recorded.payload)
    assert.ok(isAbsolute(path))
    assert.equal(relative(userDir, path), join('ringflow', 'recordings', 'heard.wav'))
    const heard = measureTone(path, TONE_HZ)
    assert.ok(heard.share >= 0.95, `${heard.share} of the power is the tone`)

    await flows.message('cdr-1', (m) => (m.payload as CdrRecord).direction === 'outbound')
    await flows.message('cdr-1', (m) => (m.payload as CdrRecord).direction === 'inbound')
    const cdrs = flows.messages('cdr-1').map((m) => m.payload as CdrRecord)
    assert.equal(cdrs.length, 2)
    for (const cdr of cdrs) {
      assert.equal(cdr.cause, 'normal')
      assert.ok(cdr.packetsSent > 0 && cdr.packetsReceived > 0)
    }
    assert.equal(cdrs.find((cdr) => cdr.direction === 'outbound')?.digits, '42')
    const names = flows.messages('dial-3').map((m) => m.topic)
    assert.equal(names[0], 'call.trying')
    assert.equal(names.at(-1), 'call.ended')
    assert.ok(names.includes('call.ringing'))
    assert.deepEqual(flows.messages('tone-2'), [])
  })

  it('refused: busy comes out at output 2', async () => {
    await start([
      ...parties(),
      ...wired('dial', 'sip-dial', 3, { account: 'caller', ...target() }),
      ...wired('incoming', 'sip-incoming', 2, { account: 'callee', mode: 'reject', rejectStatus: '486' }),
    ])
    flows.receive('dial', {})
    const message = await flows.message('dial-2')
    assert.equal(message.payload, 'busy')
    assert.equal(callOf(message).end?.sipCode, 486)
    await flows.status('dial', 'busy')
  })

  it('early media: played to before anybody answers or pays, then refused', async () => {
    const items = [
      ...parties(),
      ...wired('dial', 'sip-dial', 3, { account: 'caller', ...target() }),
      ...wired('incoming', 'sip-incoming', 2, { account: 'callee', sendRinging: false }),
      ...wired('early', 'sip-answer', 1, { action: 'early' }),
      ...wired('busy', 'sip-play-media', 2, { source: 'signal', signal: 'busy', country: 'uk', duration: '0.7' }),
      ...wired('reject', 'sip-answer', 1, { action: 'reject', rejectStatus: '480', reason: 'Closed today' }),
      ...wired('cdr', 'sip-cdr-out', 1),
    ]
    await start(
      connect(items, {
        incoming: [['early', 'incoming-1'], ['incoming-2']],
        early: [['busy', 'early-1']],
        busy: [['reject', 'busy-1'], ['busy-2']],
      }),
    )
    flows.receive('dial', {})
    const early = await flows.message('dial-3', (m) => m.topic === 'call.early')
    assert.equal(callOf(early).state, 'early')
    await flows.status('dial', 'early media')
    assert.equal((await flows.message('busy-1')).topic, 'call.play-ended')
    const refused = await flows.message('dial-2')
    assert.equal(refused.payload, 'no-answer')
    assert.deepEqual([callOf(refused).end?.sipCode, callOf(refused).end?.reason], [480, 'Closed today'])
    assert.deepEqual(flows.messages('dial-1'), [])
    const { payload } = await flows.message('cdr-1', (m) => (m.payload as CdrRecord).direction === 'outbound')
    const { answeredAt, talkMs, packetsReceived } = payload as CdrRecord
    assert.deepEqual([answeredAt, talkMs], [null, 0])
    assert.ok(packetsReceived >= 20, `${packetsReceived} packets of early media`)
  })

  it('a Full deploy in mid-call: sound and events go on, at the new nodes', async () => {
    const items = [
      ...parties(),
      ...wired('dial', 'sip-dial', 3, { account: 'caller', ...target() }),
      ...wired('incoming', 'sip-incoming', 2, { account: 'callee', mode: 'answer' }),
      ...wired('tone', 'sip-play-media', 2, { source: 'tone', hz: '440', duration: '1.5' }),
      ...wired('keys', 'sip-dtmf', 1, { digits: '7', digitsType: 'str' }),
      ...wired('bye', 'sip-hangup', 1),
    ]
    const flow = connect(items, { dial: [['tone', 'dial-1'], ['dial-2'], ['dial-3']] })
    await start(flow)
    flows.receive('dial', {})
    const answered = await flows.message('dial-1')
    await flows.status('tone', 'playing')
    const before = flows.node('dial')
    await flows.deploy([...flow, { id: 'note', type: 'test-inbox', z: 'tab', x: 1, y: 1 }], 'full')
    assert.notEqual(flows.node('dial'), before)

    const played = await flows.message('tone-1')
    assert.deepEqual((played.media as { ended: string }).ended, 'finished')
    const inbound = callOf(await flows.message('incoming-1'))
    flows.receive('keys', { call: inbound })
    await flows.message('dial-3', (m) => m.topic === 'call.digit' && m.payload === '7')
    flows.receive('bye', { call: callOf(answered) })
    const end = await flows.message('dial-3', (m) => m.topic === 'call.ended')
    assert.equal(callOf(end).end?.cause, 'normal')
    assert.equal(callOf(await flows.message('incoming-2', (m) => m.topic === 'call.ended')).end?.by, 'remote')
  })

  it('tags come back on every event of both calls, through a Full deploy, and in the records', async () => {
    const items = [
      ...parties(),
      ...wired('dial', 'sip-dial', 3, { account: 'caller', ...target(), tags: '{"door": 4, "who": {"a": [1]}}' }),
      ...wired('incoming', 'sip-incoming', 2, { account: 'callee' }),
      ...wired('answer', 'sip-answer', 1, { tags: 'payload', tagsType: 'msg' }),
      ...wired('keys', 'sip-dtmf', 1, { digits: '7', digitsType: 'str' }),
      ...wired('tone', 'sip-play-media', 2, { source: 'tone', duration: '0.1' }),
      ...wired('bye', 'sip-hangup', 1),
      ...wired('event', 'sip-event', 1, { events: ['call.digit', 'call.ended'] }),
      ...wired('cdr', 'sip-cdr-out', 1),
    ]
    await start(items)
    flows.receive('dial', {})
    const incoming = await flows.message('incoming-1')
    flows.receive('answer', { ...incoming, payload: { desk: 'front' } })
    assert.deepEqual(callOf(await flows.message('answer-1')).tags, { desk: 'front' })
    const answered = await flows.message('dial-1')
    await flows.deploy([...items, { id: 'note', type: 'test-inbox', z: 'tab', x: 1, y: 1 }], 'full')
    const deployedAt = ['dial-3', 'incoming-2'].map((inbox) => flows.messages(inbox).length)

    flows.receive('keys', { call: incoming.call })
    await flows.message('dial-3', (m) => m.topic === 'call.digit')
    flows.receive('tone', { call: answered.call })
    assert.deepEqual(callOf(await flows.message('tone-1')).tags, { door: 4, who: { a: [1] } })
    flows.receive('bye', { call: answered.call })
    const mine = { door: 4, who: { a: [1] } }
    for (const [inbox, tags, inboxAt] of [
      ['dial-3', mine, deployedAt[0]],
      ['incoming-2', { desk: 'front' }, deployedAt[1]],
    ] as const) {
      await flows.message(inbox, (m) => m.topic === 'call.ended')
      const all = flows.messages(inbox).filter((m) => m.topic !== 'call.ringing' || inbox === 'dial-3')
      assert.ok(flows.messages(inbox).length > (inboxAt ?? 0), 'events came after the deploy')
      for (const message of all) assert.deepEqual(callOf(message).tags, tags, `${inbox} ${message.topic}`)
    }
    await flows.message('cdr-1', (m) => (m.payload as CdrRecord).direction === 'outbound')
    await flows.message('cdr-1', (m) => (m.payload as CdrRecord).direction === 'inbound')
    const records = flows.messages('cdr-1').map((m) => m.payload as CdrRecord)
    assert.deepEqual(records.map(({ tags }) => tags).sort(), ['{"desk":"front"}', JSON.stringify(mine)])
    for (const { mos, jitterMs, rttMs } of records) {
      for (const figure of [mos, jitterMs, rttMs]) assert.match(String(figure), /^(null|\d+(\.\d{1,2})?)$/)
    }
  })

  for (const [policy, text] of [
    ['hangup', 'is hung up'],
    ['keep', 'is kept'],
  ] as const) {
    it(`a call whose node is deployed away ${text}`, async () => {
      const rest = [
        ...parties({ orphanedCalls: policy }),
        ...wired('incoming', 'sip-incoming', 2, { account: 'callee', mode: 'answer' }),
        ...wired('bye', 'sip-hangup', 1),
        ...wired('event', 'sip-event', 1, { account: 'caller' }),
      ]
      await start([...rest, ...wired('dial', 'sip-dial', 3, { account: 'caller', ...target() })])
      flows.receive('dial', {})
      const { id } = callOf(await flows.message('dial-1'))
      await flows.deploy(rest, 'full')
      if (policy === 'keep') flows.receive('bye', { call: callOf(await flows.message('incoming-1')) })
      const ended = await flows.message('event-1', (m) => m.topic === 'call.ended')
      assert.equal(callOf(ended).id, id)
      assert.equal(callOf(ended).end?.by, policy === 'keep' ? 'remote' : 'local')
    })
  }

  it('a call that has ended: CALL_ENDED; one that never was: NO_CALL; a file that is not there: FILE_NOT_FOUND', async () => {
    await start([
      ...parties(),
      ...wired('dial', 'sip-dial', 3, { account: 'caller', ...target() }),
      ...wired('incoming', 'sip-incoming', 2, { account: 'callee', mode: 'answer' }),
      ...wired('play', 'sip-play-media', 2, { file: 'not there.wav' }),
      ...wired('bye', 'sip-hangup', 1),
      { id: 'catch', type: 'catch', z: 'tab', x: 1, y: 1, scope: null, uncaught: false, wires: [['caught']] },
      { id: 'caught', type: 'test-inbox', z: 'tab', x: 1, y: 1 },
    ])
    const caught = (code: string) => flows.message('caught', (m) => (m.error as { code: string }).code === code)
    flows.receive('play', { call: { id: 'never' } })
    await caught('NO_CALL')
    flows.receive('dial', {})
    const { id } = callOf(await flows.message('dial-1'))
    flows.receive('play', { call: { id } })
    await caught('FILE_NOT_FOUND')
    flows.receive('bye', { call: { id } })
    await flows.message('bye-1')
    flows.receive('play', { call: { id } })
    await caught('CALL_ENDED')
    flows.receive('bye', { call: { id }, again: true })
    await flows.message('bye-1', (m) => m.again === true)
  })
})
