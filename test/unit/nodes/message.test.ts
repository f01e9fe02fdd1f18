import assert from 'node:assert/strict'
import { callMessage, continued, engineMessage, registrationMessage } from '../../../nodes/shared/message.js'
import type { CallEvent } from '../../../src/call/call-event.js'
import { FakeEngine } from '../../support/fake-engine.js'

function eventOf(type: CallEvent['type'], fields: Record<string, unknown> = {}): CallEvent {
  const engine = new FakeEngine()
  let told: CallEvent | undefined
  engine.on('call', (event) => (told = event))
  engine.begin('c1', { owner: null })
  engine.tell('c1', type, fields)
  assert.ok(told)
  return told
}

const AT = '2026-01-01T00:00:01.000Z'

describe('nodes/shared/message', () => {
  it('an event: topic, payload, call, event, and media where it is about some', () => {
    const event = eventOf('call.record-ended', {
      mediaId: 'm1',
      path: '/r/a.wav',
      durationMs: 900,
      octets: 1,
      ended: 'finished',
    })
    assert.deepEqual(callMessage(event), {
      topic: 'call.record-ended',
      payload: '/r/a.wav',
      call: event.call,
      event: { name: 'call.record-ended', seq: 1, at: AT },
      media: { id: 'm1', kind: 'record', ended: 'finished', playedMs: 900 },
    })
    assert.equal('media' in callMessage(eventOf('call.answered')), false)
  })

  it('the payload is the one useful value', () => {
    assert.equal(callMessage(eventOf('call.digit', { digit: '#', durationMs: 1 })).payload, '#')
    assert.equal(callMessage(eventOf('call.ended', { end: { cause: 'busy' } })).payload, 'busy')
    assert.equal(callMessage(eventOf('call.idle', { idleSec: 540, leftSec: 60 })).payload, 60)
    const trouble = { reason: 'undecodable', text: 'x', undecoded: [], strangerSources: [] }
    const told = callMessage(eventOf('call.media-trouble', { trouble }))
    assert.deepEqual([told.payload, told.trouble], ['undecodable', trouble])
    assert.equal(callMessage(eventOf('call.held', { by: 'local', direction: 'sendonly' })).payload, 'local')
  })

  it('every message has its own objects, of plain JSON', () => {
    const event = eventOf('call.answered')
    const [one, two] = [callMessage(event), callMessage(event)]
    assert.notEqual(one.call, two.call)
    assert.notEqual((one.call as { tags: object }).tags, event.call.tags)
    assert.notEqual(one.event, two.event)
    assert.deepEqual(JSON.parse(JSON.stringify(one)), one)
  })

  it('an action’s message keeps its properties and gets what the action knows better', () => {
    const event = { name: 'call.gather-ended', seq: 4, at: AT }
    const { call } = eventOf('call.answered')
    const message = { _msgid: 'x', payload: 'old', topic: 'old', mine: { a: 1 }, call: { id: 'c1', state: 'trying' } }
    const on = continued(message, { event, call, payload: '12', media: { id: 'm', kind: 'gather', digits: '12' } })
    assert.deepEqual(on, {
      _msgid: 'x',
      payload: '12',
      topic: 'call.gather-ended',
      mine: { a: 1 },
      call,
      event,
      media: { id: 'm', kind: 'gather', digits: '12' },
    })
    assert.notEqual(on.call, call)
    assert.equal(continued({ payload: 'old' }, { event, call: undefined }).payload, 'old')
  })

  it('registrations and the engine', () => {
    const failed = { state: 'failed', status: 403, reason: 'Forbidden', retryAt: null } as const
    assert.deepEqual(registrationMessage({ id: 'a', name: 'pbx' }, failed, AT), {
      topic: 'registration.failed',
      payload: 'failed',
      account: { id: 'a', name: 'pbx' },
      registration: failed,
      event: { name: 'registration.failed', seq: 0, at: AT },
    })
    assert.deepEqual(engineMessage({ state: 'failed', reason: 'gone' }, AT), {
      topic: 'engine.failed',
      payload: 'failed',
      reason: 'gone',
      event: { name: 'engine.failed', seq: 0, at: AT },
    })
  })
})
