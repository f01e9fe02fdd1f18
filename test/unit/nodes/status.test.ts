import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RED } from '../../../nodes/shared/red.js'
import { accountStatus, callStatus, ERROR_TEXT, STATUS_TEXT, statusDot } from '../../../nodes/shared/status.js'
import type { CallEvent } from '../../../src/call/call-event.js'

const CATALOGUES = 'nodes/shared/locales'

const catalogueOf = (lang: string): { status?: Record<string, unknown> } =>
  JSON.parse(readFileSync(join(CATALOGUES, lang, 'common.json'), 'utf8'))

/** `(2)`, ` 486` … is put behind some. */
const DETAIL = 4

describe('nodes/shared/status', () => {
  for (const lang of readdirSync(CATALOGUES)) {
    it(`${lang}: every word is there and short`, () => {
      const { error, ...words } = catalogueOf(lang).status ?? {}
      assert.deepEqual(Object.keys(words).sort(), Object.keys(STATUS_TEXT).sort())
      assert.deepEqual(Object.keys(error as object).sort(), Object.keys(ERROR_TEXT).sort())
      const detailed = new Set(['failed', 'playing', 'gathering', 'answering', 'sending', 'hangingUp'])
      for (const [key, word] of Object.entries({ ...words, ...(error as object) })) {
        const room = detailed.has(key) ? 20 - DETAIL : 20
        assert.ok(String(word).length < room, `${lang} ${key}: ${word}`)
        assert.ok(!String(word).includes(':'), `${lang} ${key}: the editor takes ":" for a catalogue's name`)
      }
    })
  }

  it('en-US says what is shown where a catalogue lacks a word', () => {
    assert.deepEqual(catalogueOf('en-US').status, { ...STATUS_TEXT, error: ERROR_TEXT })
  })

  it('is translated where the catalogue has the word, English where not', () => {
    const translations: Record<string, string> = { 'status.ringing': '振铃中' }
    const RED = { _: (key: string) => translations[key] ?? key } as unknown as RED
    assert.deepEqual(statusDot(RED, { key: 'ringing' }), { fill: 'yellow', shape: 'ring', text: '振铃中' })
    assert.deepEqual(statusDot(RED, { key: 'failed', detail: '486' }), {
      fill: 'red',
      shape: 'ring',
      text: 'failed 486',
    })
    assert.deepEqual(statusDot(RED, { error: 'NO_CALL' }), { fill: 'red', shape: 'ring', text: 'no call' })
    assert.deepEqual(statusDot(RED, null), {})
  })

  it('has one colour and shape for each kind of thing', () => {
    const RED = { _: (key: string) => key } as unknown as RED
    const kinds: Record<string, string[]> = {}
    for (const key of Object.keys(STATUS_TEXT) as (keyof typeof STATUS_TEXT)[]) {
      const { fill, shape } = statusDot(RED, { key })
      const look = `${fill} ${shape}`
      kinds[look] = [...(kinds[look] ?? []), key]
    }
    assert.deepEqual(kinds, {
      'grey ring': [
        'idle',
        'listening',
        'notRegistered',
        'ended',
        'busy',
        'noAnswer',
        'rejected',
        'cancelled',
        'completedElsewhere',
      ],
      'yellow ring': ['starting', 'registering', 'unregistering', 'dialling', 'trying', 'ringing', 'early'],
      'green dot': ['registered', 'inCall', 'held'],
      'blue dot': ['answering', 'playing', 'gathering', 'sending', 'recording', 'hangingUp'],
      'red ring': ['failed', 'engineFailed', 'mediaTimeout', 'interrupted'],
    })
  })

  it('of a call, by its end', () => {
    const ended = (cause: string, sipCode: number | null = null) =>
      callStatus({ type: 'call.ended', end: { by: 'remote', cause, sipCode, reason: '' } } as CallEvent)
    assert.deepEqual(ended('normal'), { key: 'ended' })
    assert.deepEqual(ended('busy', 486), { key: 'busy' })
    assert.deepEqual(ended('no-answer', 408), { key: 'noAnswer' })
    assert.deepEqual(ended('failed', 503), { key: 'failed', detail: '503' })
    assert.deepEqual(ended('failed'), { key: 'failed' })
  })

  it('of a failure that nobody told: what it was, not the number that it counts as', () => {
    const failed = (sipCode: number) =>
      callStatus({ type: 'call.ended', end: { by: 'error', cause: 'failed', sipCode, reason: '' } } as CallEvent)
    assert.deepEqual(failed(503), { error: 'TRANSPORT' })
    assert.deepEqual(failed(408), { error: 'TIMEOUT' })
    assert.deepEqual(failed(488), { key: 'failed', detail: '488' })
    const registration = { state: 'failed', reason: '', retryAt: null } as const
    assert.deepEqual(accountStatus({ ...registration, status: 503, local: true }), { error: 'TRANSPORT' })
    assert.deepEqual(accountStatus({ ...registration, status: 408, local: true }), { error: 'TIMEOUT' })
    assert.deepEqual(accountStatus({ ...registration, status: 503 }), { key: 'failed', detail: '503' })
  })

  it('of an account', () => {
    assert.deepEqual(accountStatus({ state: 'idle' }), { key: 'notRegistered' })
    assert.deepEqual(accountStatus({ state: 'failed', status: 403, reason: '', retryAt: null }), {
      key: 'failed',
      detail: '403',
    })
    // Its socket cannot be opened: nothing was sent, so nobody has answered.
    assert.deepEqual(accountStatus({ state: 'failed', status: 0, reason: '', retryAt: null }), { error: 'TRANSPORT' })
  })
})
