import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { accountStatus, callStatus, ERROR_TEXT, STATUS_TEXT, statusDot } from '../../../nodes/shared/status.js'
import type { CallEvent } from '../../../src/call/call-event.js'

const CATALOGUES = 'nodes/shared/locales'

const catalogueOf = (lang: string): { status?: Record<string, unknown> } =>
  JSON.parse(readFileSync(join(CATALOGUES, lang, 'common.json'), 'utf8'))

/** Some have a detail: here each has its longest. */
const DETAILS: Record<string, string> = {
  failed: '486',
  up: '31999 ms',
  portInUse: '65535',
  ended: '10:00:00',
  playing: '(2)',
  gathering: '(2)',
  answering: '(2)',
  waiting: '(2)',
  sending: '(2)',
  hangingUp: '(2)',
}

describe('nodes/shared/status', () => {
  for (const lang of readdirSync(CATALOGUES)) {
    it(`${lang}: every word is there and short`, () => {
      const { error, ...words } = catalogueOf(lang).status ?? {}
      assert.deepEqual(Object.keys(words).sort(), Object.keys(STATUS_TEXT).sort())
      assert.deepEqual(Object.keys(error as object).sort(), Object.keys(ERROR_TEXT).sort())
      for (const [key, word] of Object.entries({ ...words, ...(error as object) })) {
        const detail = DETAILS[key]
        const shown = detail === undefined ? String(word) : `${word} ${detail}`
        assert.ok(shown.length < 20, `${lang} ${key}: ${shown}`)
      }
    })
  }

  it('en-US says what is shown where a catalogue lacks a word', () => {
    assert.deepEqual(catalogueOf('en-US').status, { ...STATUS_TEXT, error: ERROR_TEXT })
  })

  it('is English, which the editor translates, with a detail behind it', () => {
    assert.deepEqual(statusDot({ key: 'ringing' }), { fill: 'yellow', shape: 'ring', text: 'ringing' })
    assert.deepEqual(statusDot({ key: 'failed', detail: '486' }), {
      fill: 'red',
      shape: 'ring',
      text: 'failed 486',
    })
    assert.deepEqual(statusDot({ error: 'NO_CALL' }), { fill: 'red', shape: 'ring', text: 'no call' })
    assert.deepEqual(statusDot(null), {})
  })

  it('has one colour and shape for each kind of thing', () => {
    const kinds: Record<string, string[]> = {}
    for (const key of Object.keys(STATUS_TEXT) as (keyof typeof STATUS_TEXT)[]) {
      const { fill, shape } = statusDot({ key })
      const look = `${fill} ${shape}`
      kinds[look] = [...(kinds[look] ?? []), key]
    }
    assert.deepEqual(kinds, {
      'grey ring': [
        'ready',
        'listening',
        'notRegistered',
        'ended',
        'busy',
        'noAnswer',
        'rejected',
        'cancelled',
        'completedElsewhere',
        'transferred',
      ],
      'yellow ring': ['starting', 'registering', 'unregistering', 'dialling', 'trying', 'ringing', 'early'],
      'green dot': ['registered', 'inCall', 'held', 'up', 'subscribed'],
      'blue dot': ['transferring', 'answering', 'playing', 'gathering', 'waiting', 'sending', 'recording', 'hangingUp'],
      'red ring': [
        'failed',
        'notAllowed',
        'portInUse',
        'accountDeleted',
        'engineFailed',
        'mediaTimeout',
        'sessionExpired',
        'abandoned',
        'interrupted',
        'down',
      ],
    })
  })

  it('of a call, by its end', () => {
    const ended = (cause: string, sipCode: number | null = null, durationMs = 0) =>
      callStatus({
        type: 'call.ended',
        end: { by: 'remote', cause, sipCode, reason: '' },
        call: { durationMs },
      } as CallEvent)
    assert.deepEqual(ended('normal', null, 83_400), { key: 'ended', detail: '1:23' })
    assert.deepEqual(ended('normal', null, 4_000), { key: 'ended', detail: '0:04' })
    assert.deepEqual(ended('normal', null, 3_723_000), { key: 'ended', detail: '1:02:03' })
    assert.deepEqual(ended('busy', 486), { key: 'busy' })
    assert.deepEqual(ended('no-answer', 408), { key: 'noAnswer' })
    assert.deepEqual(ended('failed', 503), { key: 'failed', detail: '503' })
    assert.deepEqual(ended('failed'), { key: 'failed' })
    assert.deepEqual(ended('failed', 401), { error: 'AUTH_FAILED' })
    assert.deepEqual(ended('failed', 407), { error: 'AUTH_FAILED' })
    assert.deepEqual(ended('rejected', 403), { key: 'notAllowed' })
    assert.deepEqual(ended('rejected', 603), { key: 'rejected' })
  })

  it('of a failure that nobody told: what it was, not the number that it counts as', () => {
    const failed = (sipCode: number) =>
      callStatus({ type: 'call.ended', end: { by: 'error', cause: 'failed', sipCode, reason: '' } } as CallEvent)
    const unanswered = (by: string, sipCode: number | null) =>
      callStatus({ type: 'call.ended', end: { by, cause: 'no-answer', sipCode, reason: '' } } as CallEvent)
    assert.deepEqual(unanswered('error', 408), { error: 'TIMEOUT' })
    assert.deepEqual(unanswered('local', null), { error: 'TIMEOUT' })
    assert.deepEqual(unanswered('local', 487), { key: 'noAnswer' })
    assert.deepEqual(unanswered('remote', 408), { key: 'noAnswer' })
    assert.deepEqual(failed(503), { error: 'TRANSPORT' })
    assert.deepEqual(failed(408), { error: 'TIMEOUT' })
    assert.deepEqual(failed(488), { key: 'failed', detail: '488' })
    const registration = { state: 'failed', reason: '', retryAt: null } as const
    assert.deepEqual(accountStatus({ ...registration, status: 503, local: true }), { error: 'TRANSPORT' })
    assert.deepEqual(accountStatus({ ...registration, status: 408, local: true }), { error: 'TIMEOUT' })
    assert.deepEqual(accountStatus({ ...registration, status: 503 }), { key: 'failed', detail: '503' })
    // The registrar itself reports that another server did not answer.
    assert.deepEqual(accountStatus({ ...registration, status: 408 }), { key: 'failed', detail: '408' })
  })

  it('of an account', () => {
    assert.deepEqual(accountStatus({ state: 'idle' }), { key: 'notRegistered' })
    assert.deepEqual(accountStatus({ state: 'idle' }, 'listening'), { key: 'listening' })
    const failed = (status: number) => accountStatus({ state: 'failed', status, reason: '', retryAt: null })
    assert.deepEqual(failed(401), { error: 'AUTH_FAILED' })
    assert.deepEqual(failed(407), { error: 'AUTH_FAILED' })
    assert.deepEqual(failed(403), { key: 'notAllowed' })
    assert.deepEqual(failed(480), { key: 'failed', detail: '480' })
    assert.deepEqual(accountStatus({ state: 'failed', status: 0, reason: '', retryAt: null, portInUse: 5060 }), {
      key: 'portInUse',
      detail: '5060',
    })
    // Its socket cannot be opened: nothing was sent, so nobody has answered.
    assert.deepEqual(accountStatus({ state: 'failed', status: 0, reason: '', retryAt: null }), { error: 'TRANSPORT' })
  })
})
