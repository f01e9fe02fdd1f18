import assert from 'node:assert/strict'
import { Stage } from '../../support/examples.js'
import { MqttBroker } from '../../support/mqtt-broker.js'

describe('the MQTT example', function () {
  this.timeout(90_000)
  let stage: Stage
  let broker: MqttBroker

  before(async () => {
    broker = await MqttBroker.listen()
    stage = await Stage.start()
    const flow = (await stage.example('Call on MQTT message'))
      .set('ringflow-mqtt-broker', { port: String(broker.port) })
      .set('ringflow-mqtt-dial', { account: 'house' })
      .set('ringflow-mqtt-gather', { prompt: '', attempts: '1', firstDigit: '1' })
      .setRule('ringflow-mqtt-who', 'people', {
        janitor: stage.address('janitor'),
        office: stage.address('office'),
        night: stage.address('night'),
        typo: 'not a number!',
      })
    const people = stage.people({ house: null, janitor: { presses: '7' }, office: 'busy', night: 'answers' })
    await stage.deploy(flow.items, people)
  })
  after(async () => {
    await stage?.close()
    await broker?.close()
  })

  async function call(name: unknown): Promise<Record<string, unknown>> {
    await broker.publish('ringflow/call', JSON.stringify({ call: name }))
    const { seconds, reason, ...result } = JSON.parse(await broker.published('ringflow/call/result')) as Record<
      string,
      unknown
    >
    return result
  }

  it('calls whom the message names, and tells how it went', async () => {
    assert.deepEqual(await call('janitor'), { call: 'janitor', result: 'pressed', digits: '7' })
    assert.deepEqual(await call('office'), { call: 'office', result: 'busy' })
    assert.deepEqual(await call('night'), { call: 'night', result: 'answered' })
    assert.deepEqual(await call('typo'), { call: 'typo', result: 'failed' })
  })

  for (const name of ['0190 123456', 'constructor', '__proto__', 42, null]) {
    it(`dials nobody who is not on the list: ${name}`, async () => {
      assert.deepEqual(await call(name), { call: String(name), result: 'unknown name' })
    })
  }
})
