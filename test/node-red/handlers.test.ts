/** Misbehaving flows beside well-behaved ones, in a Node-RED of their own, with real calls. */
import assert from 'node:assert/strict'
import { measureTone } from '../support/audio.js'
import { debugNode, Stage } from '../support/examples.js'
import type { FlowNode } from '../support/node-red-process.js'

const TONE_HZ = 1_000
const TONE_SEC = 1.5
const SPIN_MS = 700

/** Faulty code as people write it in function nodes; each node gets every event of every call. */
const BAD: Record<string, string> = {
  throws: "throw new Error('mine alone')",
  'throws no Error': "throw 'mine alone'",
  'rejects later': "await null; throw new Error('mine alone')",
  'never ends': 'await new Promise(() => {})',
  spins: `const until = Date.now() + ${SPIN_MS}; while (Date.now() < until); return msg`,
  'destroys its message': 'delete msg.call; delete msg.event; msg.payload = msg; return null',
  'writes into the call':
    "msg.call.id = 'other'; msg.call.tags = null; msg.call.account.id = 'other'; msg.topic = 7; return msg",
  'fails in its status': 'node.status({ get text() { throw new Error() } }); return msg',
}

describe('a handler that misbehaves', function () {
  this.timeout(60_000)
  let stage: Stage

  before(async () => {
    stage = await Stage.start()
    await stage.listen('healthy', 'recorded')
  })
  after(() => stage?.close())

  const at = { z: 'people', x: 100, y: 100 }
  const event = (id: string, wires: string[]): FlowNode => ({
    ...at,
    id,
    type: 'sip-event',
    account: 'caller',
    wires: [wires],
  })

  for (const [name, func] of Object.entries(BAD)) {
    it(`${name}: the call, its sound and every other handler go on`, async () => {
      const people = stage.people({ caller: null, callee: null })
      const target = { target: stage.address('callee'), targetType: 'str' }
      const tone = { source: 'tone', hz: String(TONE_HZ), duration: String(TONE_SEC) }
      await stage.deploy(people, [
        event('before', ['bad']),
        { ...at, id: 'bad', type: 'function', func, outputs: 1, wires: [[]] },
        event('after', ['healthy']),
        debugNode('healthy', 'people', 'topic'),
        { ...at, id: 'ring', type: 'inject', props: [], wires: [['dial']] },
        // The same wire goes to the faulty node first: its changes to the message do not reach the next node.
        { ...at, id: 'dial', type: 'sip-dial', account: 'caller', ...target, wires: [['bad', 'keys'], [], ['bad']] },
        { ...at, id: 'keys', type: 'sip-dtmf', digits: '12', digitsType: 'str', wires: [['record']] },
        { ...at, id: 'record', type: 'sip-record', max: '60', wires: [[], ['recorded']] },
        debugNode('recorded', 'people', 'payload'),
        { ...at, id: 'incoming', type: 'sip-incoming', account: 'callee', mode: 'flow', wires: [['answer'], []] },
        { ...at, id: 'answer', type: 'sip-answer', wires: [['listen']] },
        {
          ...at,
          id: 'listen',
          type: 'sip-gather',
          minDigits: '2',
          maxDigits: '2',
          firstDigit: '20',
          wires: [['tone'], []],
        },
        { ...at, id: 'tone', type: 'sip-play-media', ...tone, wires: [['bye'], []] },
        { ...at, id: 'bye', type: 'sip-hangup', wires: [[]] },
      ])
      await stage.nodeRed.press('ring')
      const topics: string[] = []
      while (topics.at(-1) !== 'call.ended') topics.push(await stage.shown<string>('healthy'))
      const count = (topic: string) => topics.filter((seen) => seen === topic).length
      for (const topic of [
        'call.trying',
        'call.ringing',
        'call.answered',
        'call.media',
        'call.record-ended',
        'call.ended',
      ]) {
        assert.equal(count(topic), 1, `${topic} in ${topics}`)
      }
      const { share, soundMs } = measureTone(await stage.shown<string>('recorded'), TONE_HZ)
      console.log(
        `a handler that ${name}: ${(share * 100).toFixed(1)} % of the power heard is the tone (promise: 95), ${Math.round(soundMs)} ms`,
      )
      assert.ok(share >= 0.95, `${share} of the power is the tone`)
    })
  }

  it('Node-RED never went down', () => {
    assert.doesNotMatch(stage.nodeRed.log.join(''), /Uncaught|Unhandled/i)
  })
})
