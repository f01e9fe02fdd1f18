import assert from 'node:assert/strict'
import type { Message } from '../../nodes/shared/red.js'
import { TelephonyError } from '../../src/base/errors.js'
import type { CallEnd } from '../../src/call/call-event.js'
import { fakeFlows } from '../support/fake-flows.js'
import { account, watchers, wired } from '../support/flow-items.js'
import type { FlowItem } from '../support/node-red.js'

describe('sip-dial', () => {
  const test = fakeFlows()

  const flow = (settings: Record<string, unknown> = {}): FlowItem[] => [
    ...account(),
    ...wired('dial', 'sip-dial', 3, { account: 'account', ...settings }),
    ...watchers(['dial']),
  ]

  async function dialled(): Promise<string> {
    const asked = test.engine.asked('dial')
    test.flows.receive('dial', { payload: '1002', mine: 'kept' })
    const { callId } = await asked
    assert.ok(callId)
    test.engine.begin(callId, { owner: 'dial' })
    return callId
  }

  it('passes the message on at output 1 when answered, and completes then', async () => {
    const flows = await test.start(flow())
    const callId = await dialled()
    test.engine.tell(callId, 'call.trying')
    test.engine.tell(callId, 'call.ringing', { sipCode: 180 })
    await flows.status('dial', 'ringing')
    assert.deepEqual(flows.messages('completed'), [])
    test.engine.tell(callId, 'call.answered')

    const message = await flows.message('dial-1')
    assert.equal(message.topic, 'call.answered')
    assert.equal(message.payload, '1002')
    assert.equal(message.mine, 'kept')
    assert.equal((message.call as { id: string }).id, callId)
    assert.deepEqual(message.event, { name: 'call.answered', seq: 3, at: '2026-01-01T00:00:01.000Z' })
    await flows.message('completed', (m) => m.mine === 'kept')
    assert.deepEqual(await flows.status('dial', 'in call'), { fill: 'green', shape: 'dot', text: 'in call' })
    assert.deepEqual(flows.messages('dial-2'), [])
  })

  it('takes busy for an outcome: output 2, no error', async () => {
    const flows = await test.start(flow())
    const callId = await dialled()
    test.engine.end(callId, { cause: 'busy', sipCode: 486, reason: 'Busy Here' })

    const message = await flows.message('dial-2')
    assert.equal(message.payload, 'busy')
    assert.equal(message.mine, 'kept')
    assert.equal((message.call as { end: { sipCode: number } }).end.sipCode, 486)
    await flows.message('completed')
    assert.deepEqual(flows.messages('caught'), [])
    assert.equal((await flows.status('dial', 'busy')).fill, 'grey')
  })

  describe('warns of a failed call', () => {
    const warnings = () => test.flows.logged.filter((line) => line.startsWith('The call to'))
    const unwired = () =>
      flow().map((item) => (item.id === 'dial' ? { ...item, wires: [['dial-1'], [], ['dial-3']] } : item))
    const ends = async (end: Partial<CallEnd>) => {
      const callId = await dialled()
      test.engine.end(callId, end)
      await test.flows.message('dial-3', (m) => (m.call as { id: string }).id === callId)
      await test.flows.message('completed', (m) => (m.call as { id: string }).id === callId)
    }
    const unresolved: Partial<CallEnd> = {
      by: 'error',
      cause: 'failed',
      sipCode: 503,
      reason: 'the name sip.test cannot be resolved',
    }

    it('once, with the reason, if output 2 is not wired', async () => {
      await test.start(unwired())
      await ends({ by: 'remote', cause: 'busy', sipCode: 486, reason: 'Busy Here' })
      await ends({ by: 'local', cause: 'no-answer', sipCode: 487, reason: '' })
      assert.deepEqual(warnings(), [])
      await ends(unresolved)
      await ends({ by: 'error', cause: 'no-answer', sipCode: 408, reason: 'Request Timeout' })
      await ends({ by: 'remote', cause: 'failed', sipCode: 500, reason: 'Server Error' })
      assert.deepEqual(warnings(), [
        'The call to bob failed: the name sip.test cannot be resolved',
        'The call to bob failed: the server does not answer',
        'The call to bob failed: the server answers 500 Server Error',
      ])
    })

    it('but not if output 2 is wired', async () => {
      await test.start(flow())
      await ends(unresolved)
      assert.deepEqual(warnings(), [])
    })
  })

  it('tells progress and the end at output 3, each in a message of its own', async () => {
    const flows = await test.start(flow())
    const callId = await dialled()
    test.engine.tell(callId, 'call.ringing', { sipCode: 180 })
    test.engine.tell(callId, 'call.answered')
    test.engine.tell(callId, 'call.digit', { digit: '5', durationMs: 160 })
    test.engine.end(callId, { cause: 'normal' })
    await flows.message('dial-3', (m) => m.topic === 'call.ended')
    const seen = flows.messages('dial-3').map((m) => [m.topic, m.payload])
    assert.deepEqual(seen, [
      ['call.ringing', 'call.ringing'],
      ['call.digit', '5'],
      ['call.ended', 'normal'],
    ])
    const [first, second] = flows.messages('dial-3')
    assert.notEqual(first?.call, second?.call)
    assert.equal(first?.mine, undefined)
  })

  it('asks the engine for what its settings and the message say', async () => {
    const flows = await test.start(
      flow({
        target: '"10" & number',
        targetType: 'jsonata',
        callerName: 'Door bell',
        headers: '{"X-Door": 4}',
        tags: 'about',
        tagsType: 'msg',
        ringTimeout: '12.5',
      }),
    )
    const asked = test.engine.asked('dial')
    flows.receive('dial', { number: '02', about: { door: 4 } })
    const { callId, ...rest } = await asked
    assert.match(callId ?? '', /^[0-9a-f-]{36}$/)
    assert.deepEqual(rest, {
      accountId: 'account',
      owner: 'dial',
      target: '1002',
      callerName: 'Door bell',
      headers: { 'X-Door': '4' },
      tags: { door: 4 },
      ringTimeoutMs: 12_500,
    })
  })

  it('asks for a caller ID, a hidden caller, an automatic answer, and tells the diversions', async () => {
    const flows = await test.start(
      flow({
        callerId: 'from',
        callerIdType: 'msg',
        hideCallerId: true,
        autoAnswer: true,
        diverted: 'via',
        divertedType: 'msg',
      }),
    )
    for (const [via, diverted] of [
      ['1000', [{ target: '1000' }]],
      [
        [{ target: 1000, reason: 'no-answer' }, 'sip:2000@pbx'],
        [{ target: '1000', reason: 'no-answer' }, { target: 'sip:2000@pbx' }],
      ],
      [undefined, undefined],
    ] as const) {
      const asked = test.engine.asked('dial')
      flows.receive('dial', { payload: '1002', from: '+4930999', via })
      const { callerId, hideCallerId, autoAnswer, diverted: told } = await asked
      assert.deepEqual([callerId, hideCallerId, autoAnswer, told], ['+4930999', true, true, diverted])
    }
  })

  describe('several targets', () => {
    const call = (settings: Record<string, unknown>, payload: unknown) => {
      const asked = test.engine.asked('dialGroup')
      return {
        asked,
        start: async () => test.start(flow(settings)).then((flows) => flows.receive('dial', { payload })),
      }
    }

    it('are called as a group; each may have digits, a delay and a time of its own', async () => {
      const { asked, start } = call({ strategy: 'in-order', callerName: 'Alarm' }, [
        '1001',
        '1002,,7#',
        { target: 1003, digits: '5', ringTimeout: 20, delay: 2 },
        '',
      ])
      await start()
      const { targets, strategy, callerName, owner, confirm } = await asked
      assert.deepEqual(targets, [
        { target: '1001' },
        { target: '1002', digits: ',,7#' },
        { target: '1003', digits: '5', ringTimeoutMs: 20_000, delayMs: 2_000 },
      ])
      assert.deepEqual([strategy, callerName, owner, confirm], ['in-order', 'Alarm', 'dial', undefined])
    })

    it('a key to confirm makes a group of one target, too', async () => {
      const { asked, start } = call(
        { confirm: true, confirmDigit: '5', confirmPrompt: 'take.wav', confirmTime: '8' },
        '1',
      )
      await start()
      const { confirm } = await asked
      assert.deepEqual(confirm, { digit: '5', timeoutMs: 8_000, prompt: { kind: 'file', file: 'take.wav' } })
    })

    it('the end of one call does not hide another that goes on', async () => {
      const flows = await test.start(flow())
      for (const id of ['c1', 'c2']) test.engine.begin(id, { owner: 'dial', group: 'g' })
      await flows.status('dial', 'ready')
      test.engine.tell('c1', 'call.ringing', { sipCode: 180 })
      test.engine.tell('c2', 'call.answered')
      test.engine.end('c1', { cause: 'completed-elsewhere' })
      await flows.message('dial-3', (m) => m.topic === 'call.ended')
      assert.equal((await flows.status('dial', 'in call')).text, 'in call')
      assert.equal(flows.statuses.get('dial')?.text, 'in call')
      test.engine.end('c2', { cause: 'normal' })
      await flows.status('dial', 'ended 0:00')
    })

    it('the winner leaves by output 1, a group without an answer by output 2', async () => {
      const flows = await test.start(flow())
      const end: CallEnd = { by: 'remote', cause: 'busy', sipCode: 486, reason: 'Busy Here' }
      for (const [port, callId] of [
        [1, 'c1'],
        [2, null],
      ] as const) {
        test.engine.begin('c1', { owner: 'dial' })
        test.engine.tell('c1', 'call.answered')
        const attempts = [{ target: '1001', callId: 'c1', outcome: 'failed', end: callId ? null : end }] as const
        test.engine.reply('dialGroup', () => ({
          groupId: 'g',
          callId,
          end: callId ? null : end,
          attempts: [...attempts],
        }))
        flows.receive('dial', { payload: ['1001', '1002'], mine: 'kept' })
        const message = await flows.message(`dial-${port}`)
        assert.deepEqual(message.group, { id: 'g', attempts })
        assert.deepEqual([message.mine, (message.call as { id: string }).id], ['kept', 'c1'])
        assert.equal(message.topic, port === 1 ? 'call.answered' : 'call.ended')
        if (port === 2) assert.equal(message.payload, 'busy')
      }
    })
  })

  it('gives the error a code that Catch nodes see', async () => {
    const flows = await test.start(flow())
    flows.receive('dial', { payload: { no: 'target' } })
    const bad = await flows.message('caught')
    assert.equal((bad.error as { code: string }).code, 'BAD_TARGET')
    assert.equal(test.engine.sent('dial').length, 0)

    test.engine.reply('dial', () => {
      throw new TelephonyError('CALL_LIMIT', 'the account has 10 calls')
    })
    flows.receive('dial', { payload: '1002' })
    const limit = await flows.message('caught', (m) => (m.error as { code: string }).code === 'CALL_LIMIT')
    assert.equal(limit.payload, '1002')
    assert.deepEqual(await flows.status('dial', 'too many calls'), {
      fill: 'red',
      shape: 'ring',
      text: 'too many calls',
    })
    assert.deepEqual(flows.messages('completed'), [])
  })

  it('takes text only where text is sent, and names what is none', async () => {
    const flows = await test.start(
      flow({ callerName: 'name', callerNameType: 'msg', headers: 'headers', headersType: 'msg' }),
    )
    for (const [field, message] of [
      ['Caller name: the value', { name: { first: 'Ann' } }],
      ['SIP headers: X-Ticket', { headers: { 'X-Ticket': { id: 7 } } }],
    ] as const) {
      flows.receive('dial', { payload: '1002', field, ...message })
      const { error } = await flows.message('caught', (caught) => caught.field === field)
      assert.deepEqual(
        [(error as { code: string }).code, (error as { message: string }).message],
        ['BAD_ARGUMENT', `${field} is not text`],
      )
    }
    assert.equal(test.engine.sent('dial').length, 0)
  })

  it('does not dial the timestamp of an inject node', async () => {
    const flows = await test.start(flow())
    const errorText = (m: Message) => (m.error as { message: string }).message
    for (const payload of [Date.now(), String(Date.now() - 60_000)]) {
      flows.receive('dial', { payload, kind: typeof payload })
      const caught = await flows.message('caught', (m) => m.kind === typeof payload)
      assert.equal((caught.error as { code: string }).code, 'BAD_TARGET')
      assert.match(
        errorText(caught),
        /^the inject node sends a timestamp; set its payload to a number\. \d{13} is not dialled$/,
      )
    }
    assert.deepEqual(test.engine.sent('dial'), [])
    // Thirteen digits that are not a time near now are a telephone number.
    const asked = test.engine.asked('dial')
    flows.receive('dial', { payload: '4930123456789' })
    assert.equal((await asked).target, '4930123456789')
  })

  it('says that its account was deleted', async () => {
    const flows = await test.start(flow().filter(({ id }) => id !== 'account'))
    assert.ok(flows.logged.some((line) => line.includes('Account: the chosen account was deleted')))
  })

  it('says at once what is wrong with its settings, and again to every message', async () => {
    const flows = await test.start(flow({ ringTimeout: 'soon' }))
    assert.deepEqual(flows.statuses.get('dial'), { fill: 'red', shape: 'ring', text: 'bad settings: Ring for' })
    assert.ok(flows.logged.some((line) => line.includes('Ring for: "soon" is not a number [BAD_CONFIG]')))
    flows.receive('dial', { payload: '1002' })
    const caught = await flows.message('caught')
    assert.equal((caught.error as { code: string }).code, 'BAD_CONFIG')
  })

  it('says that its account is wrong', async () => {
    const flows = await test.start([
      ...account({ aor: 'not an address' }),
      ...wired('dial', 'sip-dial', 3, { account: 'account' }),
    ])
    assert.equal(flows.statuses.get('dial')?.text, 'bad settings: Account')
    assert.ok(flows.logged.some((line) => line.includes('Account: its settings are wrong. Address: "not an address"')))
  })
})
