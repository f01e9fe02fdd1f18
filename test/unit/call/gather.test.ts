import assert from 'node:assert/strict'
import fc from 'fast-check'
import { TelephonyError } from '../../../src/base/errors.js'
import type { GatherResult, GatherRules } from '../../../src/call/call.js'
import { DigitBuffer } from '../../../src/call/digits.js'
import { Gather } from '../../../src/call/gather.js'
import type { PromptSource } from '../../../src/media/protocol.js'
import { FakeClock } from '../../support/fake-clock.js'
import { dialledAndAnswered } from './call-fixture.js'

const defaults: GatherRules = {
  bargeIn: true,
  minDigits: 1,
  maxDigits: 4,
  terminators: '#',
  accept: '',
  firstDigitMs: 8000,
  interDigitMs: 3000,
  clearBuffer: false,
}
const prompt = { kind: 'file', path: '/media/press.wav' } as const

async function gathering(
  { prompt: played, ...rules }: Partial<GatherRules> & { prompt?: PromptSource } = {},
  pressedBefore = '',
) {
  const scene = await dialledAndAnswered()
  const press = (digits: string) => {
    for (const digit of digits) scene.session.happen('digit', digit, 100)
  }
  press(pressedBefore)
  const result = scene.call.gather({ ...defaults, ...rules }, played)
  return Object.assign(scene, { press, result })
}

describe('gather', () => {
  it('ends at the number of digits asked for, at once', async () => {
    const { press, result, clock } = await gathering({ maxDigits: 2 })
    press('12')
    assert.deepEqual(await result, { digits: '12', terminator: '', ended: 'max-digits' })
    assert.equal(clock.pending, 0)
  })

  it('ends at a terminator, which is not part of the digits', async () => {
    const { press, result } = await gathering({ terminators: '#*' })
    press('12*')
    assert.deepEqual(await result, { digits: '12', terminator: '*', ended: 'terminator' })
  })

  it('says no-input where a terminator comes too early, unless none is asked for', async () => {
    const early = await gathering({ minDigits: 3 })
    early.press('1#')
    assert.deepEqual(await early.result, { digits: '1', terminator: '#', ended: 'no-input' })
    const empty = await gathering({ minDigits: 0 })
    empty.press('#')
    assert.deepEqual(await empty.result, { digits: '', terminator: '#', ended: 'terminator' })
  })

  it('gives up when no first digit comes in time', async () => {
    const { result, clock } = await gathering()
    clock.advance(7999)
    assert.equal(clock.pending, 1)
    clock.advance(1)
    assert.deepEqual(await result, { digits: '', terminator: '', ended: 'no-input' })
  })

  it('ends when the next digit does not come in time, counted anew from each', async () => {
    const { press, result, clock } = await gathering()
    press('1')
    clock.advance(2999)
    press('2')
    clock.advance(2999)
    assert.equal(clock.pending, 1)
    clock.advance(1)
    assert.deepEqual(await result, { digits: '12', terminator: '', ended: 'timeout' })
  })

  it('says no-input where time is up with too few, and still tells them', async () => {
    const { press, result, clock } = await gathering({ minDigits: 3 })
    press('12')
    clock.advance(3000)
    assert.deepEqual(await result, { digits: '12', terminator: '', ended: 'no-input' })
  })

  it('counts only what it accepts; other digits stop neither prompt nor clock', async () => {
    const { press, result, clock, session } = await gathering({ accept: '12', maxDigits: 1, prompt })
    press('9')
    assert.equal(session.play0.state, 'playing')
    session.play0.end('finished')
    await new Promise(setImmediate)
    clock.advance(7000)
    press('8')
    clock.advance(1000)
    assert.deepEqual(await result, { digits: '', terminator: '', ended: 'no-input' })
  })

  it('a digit stops the prompt, and time runs from it', async () => {
    const { press, result, clock, session } = await gathering({ prompt })
    assert.equal(clock.pending, 0)
    press('1')
    assert.equal(session.play0.state, 'interrupted')
    clock.advance(3000)
    assert.deepEqual(await result, { digits: '1', terminator: '', ended: 'timeout' })
  })

  it('time for the first digit starts when the prompt has ended', async () => {
    const { result, clock, session, types } = await gathering({ prompt })
    clock.advance(60_000)
    session.play0.end('finished')
    await new Promise(setImmediate)
    clock.advance(8000)
    assert.equal((await result).ended, 'no-input')
    assert.deepEqual(types, ['call.trying', 'call.answered'], 'the prompt does not count as a play of the flow')
  })

  it('without barge-in digits are kept until the prompt has ended', async () => {
    const { press, result, session } = await gathering({ prompt, bargeIn: false, maxDigits: 2 })
    press('123')
    assert.equal(session.play0.state, 'playing')
    session.play0.end('finished')
    assert.equal((await result).digits, '12')
  })

  it('takes what was pressed before, and then the prompt does not start', async () => {
    const done = await gathering({ prompt, maxDigits: 2 }, '12')
    assert.equal((await done.result).digits, '12')
    const begun = await gathering({ prompt }, '1')
    begun.press('2#')
    assert.equal((await begun.result).digits, '12')
    assert.deepEqual([done.session.plays.length, begun.session.plays.length], [0, 0])
  })

  it('keeps digits pressed during a play for the next gather, and what one leaves over for the one after', async () => {
    const scene = await dialledAndAnswered()
    void scene.call.play('m1', prompt)
    for (const digit of '12345') scene.session.happen('digit', digit, 100)
    assert.equal((await scene.call.gather({ ...defaults, maxDigits: 2 })).digits, '12')
    assert.equal((await scene.call.gather({ ...defaults, maxDigits: 2 })).digits, '34')
    assert.equal(scene.session.play0.state, 'playing')
  })

  it('forgets what was pressed before where asked to', async () => {
    const { press, result } = await gathering({ clearBuffer: true, maxDigits: 1 }, '9')
    press('1')
    assert.equal((await result).digits, '1')
  })

  it('fails with its prompt, and leaves the call free for another', async () => {
    const { result, session, call, clock } = await gathering({ prompt })
    session.play0.fail(new TelephonyError('FILE_NOT_FOUND', 'no such file'))
    await assert.rejects(result, { code: 'FILE_NOT_FOUND' })
    const again = call.gather({ ...defaults, firstDigitMs: 10 })
    clock.advance(10)
    assert.equal((await again).ended, 'no-input')
  })

  it('goes on waiting where another play cuts its prompt off', async () => {
    const { press, result, session, call } = await gathering({ prompt, maxDigits: 1 })
    void call.play('m1', prompt)
    await new Promise(setImmediate)
    assert.equal(session.play0.state, 'interrupted')
    press('1')
    assert.equal((await result).digits, '1')
    assert.equal(session.plays[1]?.state, 'playing')
  })

  it('is one at a time', async () => {
    const { call, press, result } = await gathering({ maxDigits: 1 })
    await assert.rejects(call.gather(defaults), { code: 'WRONG_STATE' })
    press('1')
    assert.equal((await result).digits, '1')
  })

  it('ends with the call and tells what it had', async () => {
    const { call, press, result, clock } = await gathering({ prompt })
    press('1')
    await call.hangup()
    assert.deepEqual(await result, { digits: '1', terminator: '', ended: 'hangup' })
    assert.equal(clock.pending, 0)
  })

  it('refuses limits that make no sense', async () => {
    const { call } = await dialledAndAnswered()
    for (const bad of [
      { maxDigits: 0 },
      { minDigits: 5 },
      { minDigits: -1 },
      { maxDigits: 65 },
      { firstDigitMs: Number.NaN },
    ]) {
      await assert.rejects(call.gather({ ...defaults, ...bad }), { code: 'BAD_ARGUMENT' }, JSON.stringify(bad))
    }
  })

  it('always ends, with at most maxDigits accepted digits, no digit lost and no timer left', async () => {
    const digit = fc.constantFrom(...'0123456789*#ABCD')
    const step = fc.oneof(digit, fc.integer({ min: 0, max: 5000 }), fc.constant('prompt ends' as const))
    const init = fc.record({
      bargeIn: fc.boolean(),
      minDigits: fc.constantFrom(0, 1, 2),
      maxDigits: fc.constantFrom(2, 3, 5),
      accept: fc.constantFrom('', '12', '0123456789'),
      terminators: fc.constantFrom('', '#', '*#'),
    })
    await fc.assert(
      fc.asyncProperty(init, fc.array(step), fc.boolean(), async (wish, steps, hasPrompt) => {
        const clock = new FakeClock()
        const buffer = new DigitBuffer()
        let endPrompt = () => {}
        const ended = new Promise<void>((resolve) => {
          endPrompt = resolve
        })
        const start = hasPrompt ? () => ({ ended, stop: endPrompt }) : undefined
        const gather = new Gather({ clock, digits: buffer, prompt: start }, { ...defaults, ...wish })
        gather.start()
        let result: GatherResult | undefined
        void gather.result.then((end) => {
          result = end
        })
        let pressed = ''
        for (const what of steps) {
          if (typeof what === 'number') clock.advance(what)
          else if (what === 'prompt ends') endPrompt()
          else {
            pressed += what
            buffer.push(what)
          }
          await Promise.resolve()
          await Promise.resolve()
        }
        gather.hangup()
        await Promise.resolve()
        assert.ok(result)
        assert.equal(clock.pending, 0)
        assert.ok(result.digits.length <= wish.maxDigits)
        const rest = [...iterate(() => buffer.shift())].join('')
        const taken = pressed.slice(0, pressed.length - rest.length)
        const counted = [...taken].filter((d) => !wish.terminators.includes(d) && (wish.accept || d).includes(d))
        assert.equal(taken + rest, pressed)
        assert.equal(result.digits, counted.join(''))
      }),
      { numRuns: 300 },
    )
  })
})

function* iterate<T>(next: () => T | undefined): Generator<T> {
  for (let value = next(); value !== undefined; value = next()) yield value
}
