import assert from 'node:assert/strict'
import { TelephonyError } from '../../../src/base/errors.js'
import { type Call, placeCall } from '../../../src/call/call.js'
import type { CallEnd } from '../../../src/call/call-event.js'
import { DialGroup, type GroupConfirm, type GroupTarget } from '../../../src/call/dial-group.js'
import { bestEnd, type GroupAttempt } from '../../../src/call/group-end.js'
import { response, sdpBody } from '../../support/fake-user-agent.js'
import { uriOf } from '../../support/uri.js'
import { account, peerSdp, World } from './call-fixture.js'

const turn = async () => {
  for (let i = 0; i < 5; i++) await new Promise(setImmediate)
}

function group(
  targets: readonly GroupTarget[],
  init: { strategy?: 'all' | 'in-order'; confirm?: GroupConfirm; refused?: readonly string[] } = {},
) {
  const world = new World()
  const calls: Call[] = []
  const { strategy = 'all', confirm, refused = [] } = init
  const made = new DialGroup(
    {
      clock: world.clock,
      log: world.deps.log,
      place: async ({ target, ringTimeoutMs = 30_000 }) => {
        if (refused.includes(target)) throw new TelephonyError('TARGET_BLOCKED', `${target} is blocked`)
        const uri = uriOf(`sip:${target}@example.com`)
        const call = await placeCall(world.deps, {
          account,
          owner: null,
          target: { uri, user: target },
          ringTimeoutMs,
          onEvent: world.onEvent,
        })
        calls.push(call)
        return call
      },
    },
    { targets, strategy, confirm },
  )
  const result = made.run()
  result.catch(() => {})
  const dialled = () => world.userAgent.invites.map(({ init }) => uriOf(String(init.target)).user)
  const invite = (target: string) => {
    const found = world.userAgent.invites[dialled().indexOf(target)]
    assert.ok(found, `${target} was not called`)
    return found
  }
  const answer = (target: string) => invite(target).answer(sdpBody(peerSdp()))
  return { ...world, clock: world.clock, group: made, result, calls, dialled, invite, answer, media: world.media }
}

const three = [{ target: '1' }, { target: '2' }, { target: '3' }]

describe('a group of targets', () => {
  it('at once: the first answer wins, the others are cancelled as completed elsewhere', async () => {
    const scene = group(three)
    await turn()
    assert.deepEqual(scene.dialled(), ['1', '2', '3'])
    for (const target of ['1', '3']) scene.invite(target).handlers.progress(response(180))
    scene.answer('2')
    const { callId, end, attempts } = await scene.result
    assert.deepEqual([callId, end], [scene.calls[1]?.id, null])
    assert.equal(attempts[1]?.outcome, 'answered')
    await turn()
    for (const target of ['1', '3']) {
      assert.equal(scene.invite(target).cancelReason, 'SIP;cause=200;text="Call completed elsewhere"')
    }
    const ends = await Promise.all([scene.calls[0]?.ended, scene.calls[2]?.ended])
    assert.deepEqual(
      ends.map((each) => each?.cause),
      ['completed-elsewhere', 'completed-elsewhere'],
    )
    assert.equal(scene.calls[1]?.snapshot().state, 'answered')
  })

  it('two answers that cross: one wins, the other one gets a BYE that says why', async () => {
    const scene = group(three)
    await turn()
    const first = scene.answer('1')
    const second = scene.answer('2')
    const { callId } = await scene.result
    await turn()
    assert.equal(callId, scene.calls[0]?.id)
    assert.deepEqual([first.byes, second.byes], [0, 1])
    assert.deepEqual(second.byeHeaders, [['Reason', 'SIP;cause=200;text="Call completed elsewhere"']])
  })

  it('in order: the next one when the one before has ended, each as long as it may ring', async () => {
    const scene = group([{ target: '1', ringTimeoutMs: 5_000 }, { target: '2', delayMs: 1_000 }, { target: '3' }], {
      strategy: 'in-order',
    })
    await turn()
    assert.deepEqual(scene.dialled(), ['1'])
    scene.clock.advance(5_000)
    await turn()
    assert.deepEqual(scene.dialled(), ['1'])
    scene.clock.advance(1_000)
    await turn()
    assert.deepEqual(scene.dialled(), ['1', '2'])
    scene.invite('2').handlers.failed(response(486))
    await turn()
    scene.answer('3')
    const { callId, attempts } = await scene.result
    assert.equal(callId, scene.calls[2]?.id)
    assert.deepEqual(
      attempts.map(({ outcome, end }) => [outcome, end?.cause]),
      [
        ['failed', 'no-answer'],
        ['failed', 'busy'],
        ['answered', undefined],
      ],
    )
  })

  it('with delays: a target whose time has not come is not called after an answer', async () => {
    const scene = group([{ target: '1' }, { target: '2', delayMs: 10_000 }])
    await turn()
    scene.answer('1')
    const { attempts } = await scene.result
    scene.clock.advance(60_000)
    await turn()
    assert.deepEqual(scene.dialled(), ['1'])
    assert.equal(attempts[1]?.outcome, 'not-dialled')
  })

  it('presses the digits of a target after its answer, while the others end', async () => {
    const scene = group([{ target: '1', digits: ',,12#' }, { target: '2' }])
    await turn()
    scene.answer('1')
    await turn()
    assert.equal(scene.invite('2').cancels, 1)
    const session = scene.media.sessions[0]
    session?.happen('started')
    await turn()
    assert.equal(session?.digitsSent[0]?.digits, ',,12#')
    session?.digitsSent[0]?.finish('finished')
    assert.equal((await scene.result).callId, scene.calls[0]?.id)
  })

  it('with a key to confirm: a mailbox that answers does not win', async () => {
    const scene = group(three.slice(0, 2), { confirm: { digit: '1', timeoutMs: 8_000 } })
    await turn()
    const mailbox = scene.answer('1')
    await turn()
    assert.equal(scene.invite('2').cancels, 0, 'the other one rings on')
    scene.clock.advance(8_000)
    await turn()
    assert.equal(mailbox.byes, 1)
    scene.answer('2')
    await turn()
    scene.media.sessions[1]?.happen('digit', '5', 100)
    scene.media.sessions[1]?.happen('digit', '1', 100)
    const { callId, attempts } = await scene.result
    assert.equal(callId, scene.calls[1]?.id)
    assert.equal(attempts[0]?.outcome, 'not-confirmed')
  })

  it('a call that waits for its key is ended when another one is confirmed', async () => {
    const scene = group(three.slice(0, 2), { confirm: { digit: '1', timeoutMs: 8_000 } })
    await turn()
    const mailbox = scene.answer('1')
    scene.answer('2')
    await turn()
    scene.media.sessions[1]?.happen('digit', '1', 100)
    assert.equal((await scene.result).callId, scene.calls[1]?.id)
    await turn()
    assert.deepEqual([mailbox.byes, mailbox.byeHeaders[0]?.[1]], [1, 'SIP;cause=200;text="Call completed elsewhere"'])
  })

  it('none answers: the best of all ends (RFC 3261 16.7 6)', async () => {
    const scene = group(three)
    await turn()
    scene.invite('1').handlers.failed(response(503))
    scene.invite('2').handlers.failed(response(486))
    scene.invite('3').handlers.failed(response(404))
    const { callId, end } = await scene.result
    assert.deepEqual([callId, end?.sipCode, end?.cause], [null, 486, 'busy'])
  })

  it('targets that may not be called are passed over; if none may be, the first error is told', async () => {
    const some = group(three, { strategy: 'in-order', refused: ['1', '2'] })
    await turn()
    some.answer('3')
    const { attempts } = await some.result
    assert.deepEqual(
      attempts.map(({ outcome, error }) => [outcome, error?.code]),
      [
        ['not-dialled', 'TARGET_BLOCKED'],
        ['not-dialled', 'TARGET_BLOCKED'],
        ['answered', undefined],
      ],
    )
    const none = group(three, { refused: ['1', '2', '3'] })
    await assert.rejects(none.result, { code: 'TARGET_BLOCKED', message: '1 is blocked' })
  })

  for (const [how, give] of [
    ['by command', (scene: ReturnType<typeof group>) => scene.group.cancel('given up')],
    [
      'by a hangup of one ringing call',
      (scene: ReturnType<typeof group>) => void scene.calls[0]?.hangup({ reason: 'given up' }),
    ],
  ] as const)
    it(`is cancelled ${how}: no further target is called`, async () => {
      const scene = group(three, { strategy: 'in-order' })
      await turn()
      give(scene)
      const { callId, end } = await scene.result
      assert.deepEqual([callId, end?.by, end?.cause, end?.reason], [null, 'local', 'cancelled', 'given up'])
      assert.deepEqual(scene.dialled(), ['1'])
      assert.equal(scene.invite('1').cancels, 1)
    })

  it('leaves no timer and no open media behind', async () => {
    const scene = group([{ target: '1' }, { target: '2', delayMs: 9_000 }])
    await turn()
    scene.group.cancel('given up')
    await scene.result
    await turn()
    assert.equal(scene.clock.pending, 0)
    assert.equal(scene.media.openSessions, 0)
  })
})

describe('the best end of a group', () => {
  const end = (sipCode: number | null, cause: CallEnd['cause'] = 'failed'): GroupAttempt => ({
    target: 'x',
    callId: 'c',
    outcome: 'failed',
    end: { by: 'remote', cause, sipCode, reason: '' },
  })
  const best = (...attempts: GroupAttempt[]) => bestEnd(attempts)?.sipCode

  it('is a 6xx, else of the lowest class, and there what tells most', () => {
    assert.equal(best(end(486, 'busy'), end(603, 'rejected'), end(302)), 603)
    assert.equal(best(end(503), end(404), end(302)), 302)
    assert.equal(best(end(503), end(404), end(407)), 407)
    assert.equal(best(end(487, 'no-answer'), end(486, 'busy')), 486)
    assert.equal(best(end(503), end(487, 'no-answer')), 487)
    assert.equal(bestEnd([]), undefined)
  })
})
