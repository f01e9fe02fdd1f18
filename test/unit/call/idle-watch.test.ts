/** An answered call that nobody takes care of. */
import assert from 'node:assert/strict'
import type { Call } from '../../../src/call/call.js'
import { sdpBody } from '../../support/fake-user-agent.js'
import { dialled, dialledAndAnswered, incomingAnswered, peerSdp, type Scene } from './call-fixture.js'

const LIMIT_MS = 600_000
const GATHER = {
  bargeIn: true,
  minDigits: 1,
  maxDigits: 1,
  terminators: '',
  accept: '',
  firstDigitMs: 2 * LIMIT_MS,
  interDigitMs: 1_000,
  clearBuffer: false,
}
const settle = () => new Promise(setImmediate)

const answered = () => dialledAndAnswered({ abandonedAfterMs: LIMIT_MS })

async function pass({ clock }: Scene, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 10_000) {
    clock.advance(10_000)
    await settle()
  }
}

const isOver = ({ types }: Scene) => types.includes('call.ended')

describe('an answered call that nobody takes care of', () => {
  it('ends as abandoned when its time is over, and says so a minute before', async () => {
    const scene = await answered()
    await pass(scene, LIMIT_MS - 70_000)
    assert.ok(!scene.types.includes('call.idle'))
    await pass(scene, 10_000)
    const warning = scene.last('call.idle')
    assert.deepEqual([warning.idleSec, warning.leftSec], [540, 60])
    await pass(scene, 50_000)
    assert.ok(!isOver(scene))
    await pass(scene, 10_000)
    const { end, cdr } = scene.last('call.ended')
    assert.deepEqual([end.by, end.cause, end.sipCode, cdr.cause], ['local', 'abandoned', null, 'abandoned'])
    assert.match(end.reason, /600 s/)
    assert.equal(scene.dialog.byes, 1)
    assert.equal(scene.clock.pending, 0)
    assert.equal(scene.types.filter((type) => type === 'call.idle').length, 1)
  })

  it('says so at half the time where that is less than two minutes', async () => {
    const scene = await dialledAndAnswered({ abandonedAfterMs: 40_000 })
    await pass(scene, 20_000)
    assert.equal(scene.last('call.idle').leftSec, 20)
    await pass(scene, 20_000)
    assert.ok(isOver(scene))
  })

  for (const abandonedAfterMs of [0, undefined]) {
    it(`goes on where the time is ${abandonedAfterMs}`, async () => {
      const scene = await dialledAndAnswered(abandonedAfterMs === undefined ? {} : { abandonedAfterMs })
      await pass(scene, 10 * LIMIT_MS)
      assert.ok(!isOver(scene))
    })
  }

  it('is not meant before the answer', async () => {
    const scene = await dialled({ abandonedAfterMs: 10_000 })
    await pass(scene, 20_000)
    assert.ok(!isOver(scene))
    scene.userAgent.invite0.answer(sdpBody(peerSdp()))
    await pass(scene, 10_000)
    assert.equal((await scene.call.ended).cause, 'abandoned')
  })

  const acts: Record<string, (call: Call, scene: Awaited<ReturnType<typeof answered>>) => unknown> = {
    'tags are set': (call) => call.setTags({}),
    'its figures are asked for': (call) => call.stats(),
    'a play is stopped': (call) => call.stopPlay(),
    'an echo is turned off': (call) => call.echo(false),
    'a recording is stopped': (call) => call.stopRecord(),
    'the peer presses a key': (_call, { session }) => session.happen('digit', '1', 100),
    'the peer holds it and takes it up again': (_call, { dialog }) => {
      dialog.offer(sdpBody(peerSdp({ direction: 'sendonly' })))
      dialog.offer(sdpBody(peerSdp()))
    },
  }
  for (const [what, act] of Object.entries(acts)) {
    it(`has its whole time again when ${what}, also after the warning`, async () => {
      const scene = await answered()
      await pass(scene, LIMIT_MS - 10_000)
      await act(scene.call, scene)
      await pass(scene, LIMIT_MS - 10_000)
      assert.ok(!isOver(scene))
      assert.equal(scene.types.filter((type) => type === 'call.idle').length, 2)
      await pass(scene, 10_000)
      assert.ok(isOver(scene))
    })
  }

  const goingOn: Record<string, (scene: Awaited<ReturnType<typeof answered>>) => () => unknown> = {
    'plays for ever': ({ call, session }) => {
      void call.play('m', { kind: 'tone', hz: [440], durationMs: 1_000, levelDbfs: -12 }, 0)
      return () => session.plays[0]?.end('finished')
    },
    gathers: ({ call, session }) => {
      void call.gather(GATHER)
      return () => session.happen('digit', '1', 100)
    },
    'gathers, and no key comes': ({ call }) => {
      void call.gather({ ...GATHER, firstDigitMs: 1.5 * LIMIT_MS })
      return () => {}
    },
    'sends keys': ({ call, session }) => {
      session.happen('started')
      void call.sendDigits('1')
      return () => session.digitsSent[0]?.finish('finished')
    },
    records: ({ call }) => {
      void call.startRecord('r', '/tmp/r.wav')
      return () => call.stopRecord('r')
    },
    echoes: ({ call }) => {
      void call.echo(true)
      return () => call.echo(false)
    },
    'is on hold': ({ dialog }) => {
      dialog.offer(sdpBody(peerSdp({ direction: 'inactive' })))
      return () => dialog.offer(sdpBody(peerSdp()))
    },
  }
  for (const [what, begin] of Object.entries(goingOn)) {
    it(`is not abandoned while it ${what}, and has its whole time afterwards`, async () => {
      const scene = await answered()
      const end = begin(scene)
      await pass(scene, LIMIT_MS * 1.5)
      assert.ok(!scene.types.includes('call.idle'))
      await end()
      await settle()
      await pass(scene, LIMIT_MS - 10_000)
      assert.ok(!isOver(scene))
      await pass(scene, 20_000)
      assert.equal(scene.last('call.ended').end.cause, 'abandoned')
    })
  }

  it('leaves no timer behind when it ends by itself', async () => {
    const scene = await incomingAnswered()
    await scene.call.hangup()
    assert.equal(scene.clock.pending, 0)
    const other = await answered()
    await other.call.hangup()
    assert.equal(other.clock.pending, 0)
  })
})
