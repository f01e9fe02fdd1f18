import assert from 'node:assert/strict'
import { measureTone } from '../../support/audio.js'
import { debugNode, Stage } from '../../support/examples.js'

const VOICE_HZ = 700

interface VoiceMessage {
  topic: string
  payload: string
  from: string
  seconds: number
  ended: string
}

describe('the voicemail example', function () {
  this.timeout(90_000)
  let stage: Stage

  before(async () => {
    stage = await Stage.start()
    await stage.listen('ringflow-voicemail-new', 'caller-progress', 'stated')
  })
  after(() => stage?.close())

  /** Calls and speaks; resolves when it is being recorded. */
  async function speak(): Promise<void> {
    const flow = (await stage.example('Voicemail to WAV'))
      .set('ringflow-voicemail-incoming', { account: 'office' })
      .set('ringflow-voicemail-greeting', { source: 'tone', hz: '440', duration: '0.2' })
    const at = { z: 'ringflow-voicemail', x: 1, y: 1 }
    const caller = stage.caller({ calls: 'office', presses: '#', first: ['voice'] })
    await stage.deploy(flow.items, stage.people({ office: null, caller: null }), caller, [
      {
        id: 'voice',
        type: 'sip-play-media',
        z: 'people',
        x: 1,
        y: 1,
        source: 'tone',
        hz: String(VOICE_HZ),
        duration: '20',
        wires: [[], []],
      },
      { id: 'status', type: 'status', ...at, scope: ['ringflow-voicemail-hash'], wires: [['stated']] },
      debugNode('stated', 'ringflow-voicemail', 'status.text'),
    ])
    await stage.nodeRed.press('caller-call')
    while ((await stage.shown('stated')) !== 'awaiting keys');
    await new Promise((talked) => setTimeout(talked, 1_500))
  }

  function heard({ topic, payload, from, seconds }: VoiceMessage): void {
    assert.deepEqual([topic, from], ['voicemail', 'caller'])
    assert.ok(seconds >= 1, `${seconds} s`)
    const { share, soundMs } = measureTone(payload, VOICE_HZ)
    console.log(
      `voicemail: ${(share * 100).toFixed(1)} % of the power is the caller's voice (promise: 95), ${Math.round(soundMs)} ms`,
    )
    assert.ok(share >= 0.95 && soundMs >= 1_000)
  }

  it('records until # is pressed', async () => {
    await speak()
    await stage.nodeRed.press('caller-press')
    const message = await stage.shown<VoiceMessage>('ringflow-voicemail-new')
    assert.equal(message.ended, 'stopped')
    heard(message)
  })

  it('records until the caller hangs up', async () => {
    await speak()
    await stage.nodeRed.press('caller-leave')
    const message = await stage.shown<VoiceMessage>('ringflow-voicemail-new')
    assert.equal(message.ended, 'hangup')
    heard(message)
  })
})
