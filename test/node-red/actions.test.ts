import assert from 'node:assert/strict'
import type { Message } from '../../nodes/shared/red.js'
import { TelephonyError } from '../../src/base/errors.js'
import { fakeFlows } from '../support/fake-flows.js'
import { account, watchers, wired } from '../support/flow-items.js'
import type { FlowItem, TestFlows } from '../support/node-red.js'

const code = (message: Message): string => (message.error as { code: string }).code

describe('actions in a call', () => {
  const test = fakeFlows()

  /** One action node, and an answered call. */
  async function inCall(type: string, outputs: number, settings: Record<string, unknown> = {}): Promise<TestFlows> {
    const flow: FlowItem[] = [
      ...account(),
      ...wired('incoming', 'sip-incoming', 2, { account: 'account' }),
      ...wired('action', type, outputs, settings),
      ...watchers(['action']),
    ]
    const flows = await test.start(flow)
    await flows.status('incoming', 'listening')
    test.engine.begin('c1', { owner: 'incoming', direction: 'inbound' })
    test.engine.tell('c1', 'call.incoming')
    return flows
  }

  const message = () => ({ payload: '42', mine: 'kept', call: { id: 'c1', state: 'old' } })

  describe('sip-answer', () => {
    it('answers, and passes on what the engine knows now', async () => {
      const flows = await inCall('sip-answer', 1, { headers: '{"X-A": "b"}' })
      test.engine.reply('answer', () => test.engine.tell('c1', 'call.answered'))
      flows.receive('action', message())
      const out = await flows.message('action-1')
      assert.equal(out.topic, 'call.answered')
      assert.equal(out.mine, 'kept')
      assert.equal((out.call as { state: string }).state, 'answered')
      assert.deepEqual(test.engine.sent('answer'), [{ callId: 'c1', headers: { 'X-A': 'b' } }])
      await flows.message('completed')
    })

    it('rings', async () => {
      const flows = await inCall('sip-answer', 1, { action: 'ring' })
      flows.receive('action', message())
      assert.equal((await flows.message('action-1')).topic, 'call.ringing')
      assert.deepEqual(test.engine.sent('ring'), [{ callId: 'c1' }])
    })

    it('rejects', async () => {
      const flows = await inCall('sip-answer', 1, {
        action: 'reject',
        rejectStatus: '603',
        reason: 'Decline',
      })
      flows.receive('action', message())
      assert.equal((await flows.message('action-1')).topic, 'call.rejected')
      assert.deepEqual(test.engine.sent('reject'), [{ callId: 'c1', status: 603, reason: 'Decline', headers: {} }])
    })

    it('opens early media', async () => {
      const flows = await inCall('sip-answer', 1, { action: 'early', headers: '{"X-A": "b"}' })
      test.engine.reply('early', () => test.engine.tell('c1', 'call.early', { sipCode: 183 }))
      flows.receive('action', message())
      const out = await flows.message('action-1')
      assert.deepEqual([out.topic, (out.call as { state: string }).state], ['call.early', 'early'])
      assert.deepEqual(test.engine.sent('early'), [{ callId: 'c1', headers: { 'X-A': 'b' } }])
    })

    it('redirects to one or several targets, with a reason of the message', async () => {
      const settings = { action: 'redirect', target: 'to', targetType: 'msg', reason: 'why', reasonType: 'msg' }
      const flows = await inCall('sip-answer', 1, settings)
      flows.receive('action', { ...message(), to: ['1002', ' +49 30 1234 '], why: 'Moved' })
      assert.equal((await flows.message('action-1')).topic, 'call.redirected')
      flows.receive('action', { ...message(), to: 1003 })
      await flows.message('action-1', (m) => m.to === 1003)
      assert.deepEqual(test.engine.sent('redirect'), [
        { callId: 'c1', targets: ['1002', '+49 30 1234'], reason: 'Moved' },
        { callId: 'c1', targets: ['1003'] },
      ])
      flows.receive('action', { ...message(), to: [] })
      assert.equal(code(await flows.message('caught')), 'BAD_TARGET')
    })

    it('a message without a call: NO_CALL, exactly once, nothing sent', async () => {
      const flows = await inCall('sip-answer', 1)
      flows.receive('action', { payload: 'no call' })
      assert.equal(code(await flows.message('caught')), 'NO_CALL')
      assert.deepEqual(await flows.status('action', 'no call'), { fill: 'red', shape: 'ring', text: 'no call' })
      assert.deepEqual([flows.messages('action-1'), flows.messages('completed')], [[], []])
      assert.equal(flows.messages('caught').length, 1)
    })

    it('a call that has ended: CALL_ENDED', async () => {
      const flows = await inCall('sip-answer', 1)
      test.engine.reply('answer', () => {
        throw new TelephonyError('CALL_ENDED', 'gone')
      })
      flows.receive('action', message())
      assert.equal(code(await flows.message('caught')), 'CALL_ENDED')
    })

    it('finds the call elsewhere if told so', async () => {
      const flows = await inCall('sip-answer', 1, { call: '$lookup(calls, "door")', callType: 'jsonata' })
      flows.receive('action', { calls: { door: { id: 'c1' } } })
      await flows.message('action-1')
      assert.equal(test.engine.sent('answer')[0]?.callId, 'c1')
    })
  })

  describe('an action that cannot start', () => {
    const missing = () => {
      throw new TelephonyError('FILE_NOT_FOUND', 'hello.wav is not below /media')
    }
    const detail = { code: 'FILE_NOT_FOUND', message: 'hello.wav is not below /media' }

    for (const [type, settings, wrong, payload] of [
      ['sip-play-media', { file: 'prompt', fileType: 'msg' }, { prompt: 7 }, '42'],
      ['sip-gather', { prompt: 'prompt', promptType: 'msg' }, { prompt: 7 }, ''],
    ] as const) {
      it(`${type} leaves by output 2, and Catch hears of it once`, async () => {
        const flows = await inCall(type, 2, settings)
        test.engine.reply(type === 'sip-gather' ? 'gather' : 'play', missing)
        flows.receive('action', { ...message(), prompt: 'hello.wav' })
        const out = await flows.message('action-2')
        assert.deepEqual([out.error, out.mine, out.payload], [detail, 'kept', payload])
        assert.equal((out.call as { id: string }).id, 'c1')
        assert.equal((out.media as { ended: string }).ended, 'failed')
        const caught = await flows.message('caught')
        assert.deepEqual([code(caught), (caught.error as { message: string }).message], [detail.code, detail.message])
        assert.equal(caught.payload, '42')

        flows.receive('action', { ...message(), ...wrong })
        const second = await flows.message('action-2', (m) => m !== out)
        assert.match(String((second.error as { message: string }).message), /: the value is not a file name/)
        await flows.message('caught', (m) => code(m) === 'BAD_ARGUMENT')
        assert.equal(flows.messages('caught').length, 2)
        assert.deepEqual([...flows.messages('action-1'), ...flows.messages('completed')], [])
      })
    }

    for (const [type, settings, op, reply] of [
      ['sip-play-media', { file: ' greeting.wav ' }, 'play', { ended: 'finished', playedMs: 20 }],
      ['sip-gather', { prompt: ' greeting.wav ' }, 'gather', { digits: '1', ended: 'digits' }],
    ] as const) {
      it(`${type} looks for a fixed file at the deploy, and shows its lack until the file is played`, async () => {
        const asked = test.engine.asked('checkMedia')
        test.engine.reply('checkMedia', () => {
          throw new TelephonyError('FILE_NOT_FOUND', 'there is no greeting.wav in /media')
        })
        const flows = await inCall(type, 2, settings)
        assert.deepEqual(await asked, { file: 'greeting.wav' })
        assert.equal((await flows.status('action', 'file not found')).fill, 'red')
        assert.ok(flows.logged.includes('there is no greeting.wav in /media [FILE_NOT_FOUND]'))
        // News of the account do not hide it.
        const registration = { state: 'registering' } as const
        test.engine.emit('registration', { accountId: 'account', registration })
        await flows.status('incoming', 'registering')
        assert.equal(flows.statuses.get('action')?.text, 'file not found')
        test.engine.reply(op, () => reply)
        flows.receive('action', message())
        await flows.message('action-1')
        await flows.status('action', 'registering')
      })
    }

    it('looks for no file at the deploy where the name comes with the message', async () => {
      const flows = await inCall('sip-play-media', 2, { file: 'prompt', fileType: 'msg' })
      flows.receive('action', message())
      await flows.message('caught')
      assert.deepEqual(test.engine.sent('checkMedia'), [])
    })

    it('with wrong settings leaves by output 2 as well', async () => {
      const flows = await inCall('sip-play-media', 2, { repeat: 'often', file: 'hello.wav' })
      flows.receive('action', message())
      const out = await flows.message('action-2')
      assert.deepEqual(out.error, { code: 'BAD_CONFIG', message: 'Play: "often" is not a number' })
    })

    it('in the background leaves by output 2 after output 1', async () => {
      const flows = await inCall('sip-play-media', 2, { file: 'hello.wav', wait: 'background' })
      test.engine.reply('play', missing)
      flows.receive('action', message())
      assert.deepEqual((await flows.message('action-2')).error, detail)
      const [started] = flows.messages('action-1')
      assert.deepEqual([started?.topic, started?.error], ['call.play-started', undefined])
    })

    it('does not leave by output 2 where there is no call to end', async () => {
      const flows = await inCall('sip-play-media', 2, { file: 'hello.wav' })
      flows.receive('action', { payload: '42' })
      assert.equal(code(await flows.message('caught')), 'NO_CALL')
      // A call of an earlier run: hangup would not know it either.
      test.engine.reply('play', () => {
        throw new TelephonyError('NO_CALL', 'there is no call c0')
      })
      flows.receive('action', { ...message(), call: { id: 'c0' } })
      assert.equal(code(await flows.message('caught', (m) => m.call !== undefined)), 'NO_CALL')
      assert.deepEqual(flows.messages('action-2'), [])
    })
  })

  describe('sip-play-media', () => {
    it('output 1 when the last packet has left', async () => {
      const flows = await inCall('sip-play-media', 2, { file: 'prompt', fileType: 'msg', repeat: '2' })
      test.engine.reply('play', () => ({ ended: 'finished', playedMs: 1234 }))
      flows.receive('action', { ...message(), prompt: 'hello.wav' })
      const out = await flows.message('action-1')
      const [command] = test.engine.sent('play')
      assert.deepEqual(command?.source, { kind: 'file', file: 'hello.wav' })
      assert.equal(command?.repeat, 2)
      assert.deepEqual(out.media, { id: command?.mediaId, kind: 'play', ended: 'finished', playedMs: 1234 })
      assert.equal(out.payload, '42')
      await flows.message('completed')
      assert.equal(flows.statuses.get('action')?.text, 'ready')
    })

    it('plays a Buffer, of which only what it shows is sent, with gain', async () => {
      const flows = await inCall('sip-play-media', 2, { file: 'payload', fileType: 'msg', gain: '-6' })
      test.engine.reply('play', () => ({ ended: 'finished', playedMs: 10 }))
      const large = Buffer.from('0123456789')
      flows.receive('action', { ...message(), payload: large.subarray(2, 5) })
      await flows.message('action-1')
      const source = test.engine.sent('play')[0]?.source
      assert.ok(source?.kind === 'wav')
      assert.deepEqual([...source.data], [...Buffer.from('234')])
      assert.deepEqual([source.data.buffer.byteLength, source.gainDb], [3, -6])
      flows.receive('action', { ...message(), payload: Buffer.alloc(10 * 1024 * 1024 + 1) })
      assert.equal(code(await flows.message('caught')), 'BAD_ARGUMENT')
    })

    it('plays a signal for ever', async () => {
      const settings = { source: 'signal', signal: 'busy', country: 'uk', duration: '4', repeat: '0', level: '-20' }
      const flows = await inCall('sip-play-media', 2, settings)
      test.engine.reply('play', () => ({ ended: 'finished', playedMs: 10 }))
      flows.receive('action', message())
      const out = await flows.message('action-1')
      assert.equal((out.media as { kind: string }).kind, 'tone')
      assert.equal(test.engine.sent('play')[0]?.repeat, 0)
      assert.deepEqual(test.engine.sent('play')[0]?.source, {
        kind: 'signal',
        name: 'busy',
        country: 'uk',
        durationMs: 4000,
        levelDbfs: -20,
      })
    })

    for (const ended of ['interrupted', 'stopped', 'hangup', 'failed'] as const) {
      it(`output 2 when ${ended}`, async () => {
        const flows = await inCall('sip-play-media', 2, {
          source: 'tone',
          hz: '350+440',
          duration: '0.5',
          level: '-20',
        })
        test.engine.reply('play', () => ({ ended, playedMs: 20 }))
        flows.receive('action', message())
        const out = await flows.message('action-2')
        assert.equal((out.media as { ended: string }).ended, ended)
        assert.deepEqual(test.engine.sent('play')[0]?.source, {
          kind: 'tone',
          hz: [350, 440],
          durationMs: 500,
          levelDbfs: -20,
        })
        await flows.message('completed')
      })
    }

    it('background: output 1 at once, done when the sound has ended', async () => {
      const flows = await inCall('sip-play-media', 2, { file: 'music.wav', wait: 'background' })
      let end: (result: unknown) => void = () => assert.fail()
      test.engine.reply('play', () => new Promise((resolve) => (end = resolve)))
      flows.receive('action', message())
      const out = await flows.message('action-1')
      assert.equal((out.media as { ended?: string }).ended, undefined)
      assert.deepEqual(flows.messages('completed'), [])
      out.mine = 'changed by a node after this one' // Node-RED does not clone a message on a single wire
      end({ ended: 'stopped', playedMs: 5000 })
      assert.equal((await flows.message('completed')).mine, 'kept')
      assert.deepEqual(flows.messages('action-2'), [])
    })

    it('a file that is not there: FILE_NOT_FOUND, in the background too', async () => {
      const flows = await inCall('sip-play-media', 2, { file: 'none.wav', wait: 'background' })
      test.engine.reply('play', () => Promise.reject(new TelephonyError('FILE_NOT_FOUND', 'none.wav')))
      flows.receive('action', message())
      assert.equal(code(await flows.message('caught')), 'FILE_NOT_FOUND')
      await flows.status('action', 'file not found')
    })

    it('counts what it plays', async () => {
      const flows = await inCall('sip-play-media', 2, { file: 'hello.wav' })
      const ends: ((result: unknown) => void)[] = []
      test.engine.reply('play', () => new Promise((resolve) => ends.push(resolve)))
      const asked = [test.engine.asked('play')]
      flows.receive('action', message())
      await asked[0]
      asked.push(test.engine.asked('play'))
      flows.receive('action', message())
      await asked[1]
      assert.deepEqual(await flows.status('action', 'playing (2)'), { fill: 'blue', shape: 'dot', text: 'playing (2)' })
      ends[0]?.({ ended: 'finished', playedMs: 1 })
      await flows.status('action', 'playing')
    })

    it('stops what the message names, or everything', async () => {
      const flows = await inCall('sip-play-media', 2, { action: 'stop' })
      flows.receive('action', { ...message(), media: { id: 'm1', kind: 'play' } })
      flows.receive('action', { ...message(), media: { id: 'm1', kind: 'play', ended: 'finished' } })
      await flows.message('action-1', (m) => (m.media as { ended?: string }).ended === 'finished')
      assert.deepEqual(test.engine.sent('stopPlay'), [{ callId: 'c1', mediaId: 'm1' }, { callId: 'c1' }])
    })
  })

  describe('sip-gather', () => {
    it('asks as set, and gives the digits', async () => {
      const flows = await inCall('sip-gather', 2, { prompt: 'menu.wav', minDigits: '2', maxDigits: '4', accept: '123' })
      test.engine.reply('gather', () => ({ digits: '12', terminator: '#', ended: 'terminator' }))
      flows.receive('action', message())
      const out = await flows.message('action-1')
      assert.equal(out.payload, '12')
      assert.equal((out.media as { digits: string }).digits, '12')
      assert.deepEqual(test.engine.sent('gather'), [
        {
          callId: 'c1',
          prompt: { kind: 'file', file: 'menu.wav' },
          bargeIn: true,
          minDigits: 2,
          maxDigits: 4,
          terminators: '#',
          accept: '123',
          firstDigitMs: 8_000,
          interDigitMs: 3_000,
          clearBuffer: false,
        },
      ])
    })

    it('prompts again as often as set, then gives up at output 2', async () => {
      const flows = await inCall('sip-gather', 2, { attempts: '3' })
      test.engine.reply('gather', () => ({ digits: '', terminator: '', ended: 'no-input' }))
      flows.receive('action', message())
      const out = await flows.message('action-2')
      assert.equal(out.payload, '')
      assert.equal((out.media as { ended: string }).ended, 'no-input')
      assert.equal(test.engine.sent('gather').length, 3)
      await flows.message('completed')
    })

    it('does not ask a caller who has hung up again', async () => {
      const flows = await inCall('sip-gather', 2, { attempts: '3', minDigits: '4', maxDigits: '4' })
      test.engine.reply('gather', () => ({ digits: '12', terminator: '', ended: 'hangup' }))
      flows.receive('action', message())
      const out = await flows.message('action-2')
      assert.equal(out.payload, '12')
      assert.equal((out.media as { ended: string }).ended, 'hangup')
      assert.equal(test.engine.sent('gather').length, 1)
    })
  })

  describe('sip-transfer', () => {
    it('transfers to a target: output 1 when the other side has gone, output 2 with the status when it has not', async () => {
      const flows = await inCall('sip-transfer', 2)
      test.engine.reply('transfer', () => ({ outcome: 'transferred', status: 200, reason: 'OK' }))
      flows.receive('action', { ...message(), payload: '1003' })
      assert.equal((await flows.message('action-1')).topic, 'call.transferred')
      test.engine.reply('transfer', () => ({ outcome: 'failed', status: 486, reason: 'Busy Here' }))
      flows.receive('action', { ...message(), payload: '1004' })
      const failed = await flows.message('action-2')
      assert.deepEqual([failed.topic, failed.payload], ['call.transfer-failed', 486])
      assert.deepEqual(test.engine.sent('transfer'), [
        { callId: 'c1', target: '1003', limitMs: 180_000 },
        { callId: 'c1', target: '1004', limitMs: 180_000 },
      ])
    })

    it('joins with another call, and says which property lacks its id', async () => {
      const flows = await inCall('sip-transfer', 2, { action: 'attended', limit: '30' })
      test.engine.reply('transfer', () => ({ outcome: 'transferred', status: 200, reason: 'OK' }))
      flows.receive('action', { ...message(), toCall: { id: 'c2' } })
      await flows.message('action-1')
      assert.deepEqual(test.engine.sent('transfer'), [{ callId: 'c1', toCallId: 'c2', limitMs: 30_000 }])
      flows.receive('action', message())
      assert.equal(code(await flows.message('caught')), 'NO_CALL')
    })

    it('an empty target is an error of the setting', async () => {
      const flows = await inCall('sip-transfer', 2)
      flows.receive('action', { ...message(), payload: '' })
      assert.equal(code(await flows.message('caught')), 'BAD_TARGET')
    })

    for (const [action, op, topic] of [
      ['accept', 'acceptTransfer', 'call.transfer-accepted'],
      ['decline', 'denyTransfer', 'call.transfer-declined'],
    ] as const)
      it(`${action}: decides about the other side’s transfer`, async () => {
        const flows = await inCall('sip-transfer', 2, { action })
        test.engine.reply(op, () => undefined)
        flows.receive('action', message())
        assert.equal((await flows.message('action-1')).topic, topic)
        assert.deepEqual(test.engine.sent(op), [{ callId: 'c1' }])
      })
  })

  describe('sip-dtmf', () => {
    it('sends, and passes on when the last digit has left', async () => {
      const flows = await inCall('sip-dtmf', 1, { tone: '200', gap: '50' })
      test.engine.reply('sendDigits', () => 'finished')
      flows.receive('action', { ...message(), payload: '12,a#' })
      await flows.message('action-1')
      assert.deepEqual(test.engine.sent('sendDigits'), [{ callId: 'c1', digits: '12,A#', toneMs: 200, gapMs: 50 }])
    })

    it('sends in the way that is chosen', async () => {
      const flows = await inCall('sip-dtmf', 1, { mode: 'info' })
      test.engine.reply('sendDigits', () => 'finished')
      flows.receive('action', { ...message(), payload: '1' })
      await flows.message('action-1')
      assert.deepEqual(test.engine.sent('sendDigits'), [{ callId: 'c1', digits: '1', mode: 'info' }])
    })

    it('refuses characters that are not digits; a hangup in between is CALL_ENDED', async () => {
      const flows = await inCall('sip-dtmf', 1)
      flows.receive('action', { ...message(), payload: 'one' })
      assert.equal(code(await flows.message('caught')), 'BAD_ARGUMENT')
      assert.deepEqual(test.engine.sent('sendDigits'), [])
      test.engine.reply('sendDigits', () => 'hangup')
      flows.receive('action', { ...message(), payload: 1 })
      await flows.message('caught', (m) => code(m) === 'CALL_ENDED')
      assert.deepEqual(flows.messages('action-1'), [])
    })
  })

  describe('sip-hold', () => {
    it('holds with music, and passes on when the other side has agreed', async () => {
      const flows = await inCall('sip-hold', 2, { music: 'file', file: 'wait.wav' })
      test.engine.reply('hold', () => {
        test.engine.tell('c1', 'call.held', { by: 'local', direction: 'sendonly' })
      })
      flows.receive('action', message())
      const out = await flows.message('action-1')
      assert.deepEqual(test.engine.sent('hold'), [{ callId: 'c1', music: { kind: 'file', file: 'wait.wav' } }])
      assert.deepEqual([out.topic, (out.call as { state: string }).state], ['call.held', 'held'])
    })

    it('a beep as music, or none', async () => {
      const beeping = await inCall('sip-hold', 2, { music: 'tone', hz: '440+480', level: '-30' })
      beeping.receive('action', message())
      await beeping.message('action-1')
      const tone = {
        kind: 'tone',
        hz: [440, 480],
        durationMs: 5000,
        cadence: { onMs: 400, offMs: 4600 },
        levelDbfs: -30,
      }
      assert.deepEqual(test.engine.sent('hold'), [{ callId: 'c1', music: tone }])
    })

    for (const [action, op, sent, topic] of [
      ['resume', 'resume', {}, 'call.resumed'],
      ['mute', 'mute', { on: true }, 'call.muted'],
      ['unmute', 'mute', { on: false }, 'call.unmuted'],
      ['codec', 'renegotiate', { codecs: ['PCMU', 'PCMA'] }, 'call.codec-changed'],
    ] as const) {
      it(`${action}: ${topic} at output 1`, async () => {
        const flows = await inCall('sip-hold', 2, { action, codecs: ['PCMU', 'PCMA'] })
        test.engine.reply('renegotiate', () => ({ codec: 'PCMU' }))
        flows.receive('action', message())
        const out = await flows.message('action-1')
        assert.deepEqual(test.engine.sent(op), [{ callId: 'c1', ...sent }])
        assert.equal(out.topic, topic)
        if (action === 'codec') assert.equal(out.payload, 'PCMU')
      })
    }

    it('refused by the other side: output 2 with the reason, and the catch node once', async () => {
      const flows = await inCall('sip-hold', 2)
      test.engine.reply('hold', () => {
        throw new TelephonyError('REFUSED', 'the other side refused the hold: 488')
      })
      flows.receive('action', message())
      const out = await flows.message('action-2')
      assert.deepEqual([out.topic, code(out)], ['call.hold-failed', 'REFUSED'])
      assert.equal(code(await flows.message('caught')), 'REFUSED')
    })

    it('settings that cannot work are shown at once', async () => {
      const flows = await inCall('sip-hold', 2, { action: 'codec', codecs: [] })
      await flows.status('action', 'bad settings: Codecs')
    })
  })

  describe('sip-wait', () => {
    for (const [settings, what] of [
      [{ accept: ' 12# ' }, { kind: 'digit', accept: '12#' }],
      [
        { waitFor: 'silence', quiet: '1.5' },
        { kind: 'silence', quietMs: 1_500 },
      ],
      [{ waitFor: 'answer' }, { kind: 'answer' }],
      [{ waitFor: 'mediaEnd' }, { kind: 'media-end' }],
      [{ waitFor: 'end' }, { kind: 'end' }],
    ] as const) {
      it(`asks for ${what.kind}, and keeps the properties of the message at each output`, async () => {
        const flows = await inCall('sip-wait', 3, { ...settings, limit: '10' })
        for (const [port, outcome] of [
          [1, 'happened'],
          [2, 'timeout'],
          [3, 'call-ended'],
        ] as const) {
          test.engine.reply('wait', () => ({ outcome, digit: '' }))
          flows.receive('action', { ...message(), payload: 'kept', mine: 7 })
          const out = await flows.message(`action-${port}`)
          assert.deepEqual([out.topic, out.payload, out.mine, out.error], ['call.wait-ended', 'kept', 7, undefined])
        }
        assert.deepEqual(test.engine.sent('wait')[0], { callId: 'c1', what, limitMs: 10_000 })
      })
    }

    it('the digit is the payload', async () => {
      const flows = await inCall('sip-wait', 3)
      test.engine.reply('wait', () => ({ outcome: 'happened', digit: '7' }))
      flows.receive('action', message())
      assert.equal((await flows.message('action-1')).payload, '7')
    })

    it('a wait that cannot start leaves by output 3 with the reason', async () => {
      const flows = await inCall('sip-wait', 3)
      test.engine.reply('wait', () => {
        throw new TelephonyError('WRONG_STATE', 'another wait takes the digits')
      })
      flows.receive('action', message())
      assert.equal(code(await flows.message('action-3')), 'WRONG_STATE')
      assert.equal(code(await flows.message('caught')), 'WRONG_STATE')
    })

    it('settings that cannot work are shown at once', async () => {
      const flows = await inCall('sip-wait', 3, { accept: '1x' })
      await flows.status('action', 'bad settings: Only these')
    })
  })

  describe('sip-record', () => {
    it('output 1 when it has begun, output 2 with the path when it has ended', async () => {
      const flows = await inCall('sip-record', 2, { file: 'a.wav', max: '60' })
      test.engine.reply('startRecord', () => ({ path: '/r/a.wav' }))
      flows.receive('action', message())
      const started = await flows.message('action-1')
      const { id } = started.media as { id: string }
      assert.deepEqual(test.engine.sent('startRecord'), [{ callId: 'c1', mediaId: id, file: 'a.wav', maxMs: 60_000 }])
      await flows.status('action', 'recording')
      await flows.message('completed')
      const fields = { mediaId: id, path: '/r/a.wav', durationMs: 900, octets: 14_444, ended: 'hangup' }
      test.engine.tell('c1', 'call.record-ended', fields)
      const recorded = await flows.message('action-2')
      assert.equal(recorded.payload, '/r/a.wav')
      assert.deepEqual(recorded.media, { id, kind: 'record', ended: 'hangup', playedMs: 900 })
      assert.equal(recorded.mine, undefined)
    })

    it('stops: the path at output 2', async () => {
      const flows = await inCall('sip-record', 2, { action: 'stop' })
      test.engine.reply('stopRecord', () => ({ path: '/r/a.wav', durationMs: 1, octets: 2 }))
      flows.receive('action', message())
      const out = await flows.message('action-2')
      assert.deepEqual([out.payload, out.mine], ['/r/a.wav', 'kept'])
    })
  })

  describe('sip-hangup', () => {
    it('passes on the final call', async () => {
      const flows = await inCall('sip-hangup', 1, { afterMedia: true, elsewhere: true })
      test.engine.reply('hangup', () => test.engine.end('c1', { by: 'local' }))
      flows.receive('action', message())
      const out = await flows.message('action-1')
      assert.equal((out.call as { end: { by: string } }).end.by, 'local')
      assert.deepEqual(test.engine.sent('hangup'), [{ callId: 'c1', afterMedia: true, elsewhere: true }])
    })

    it('sends a reason and headers', async () => {
      const flows = await inCall('sip-hangup', 1, { reason: 'why', reasonType: 'msg', headers: '{"X-Ticket":"7"}' })
      test.engine.reply('hangup', () => test.engine.end('c1', { by: 'local' }))
      flows.receive('action', { ...message(), why: 'Shift ended' })
      await flows.message('action-1')
      const [{ reason, headers } = {}] = test.engine.sent('hangup')
      assert.deepEqual([reason, headers], ['Shift ended', { 'X-Ticket': '7' }])
    })
  })
})
