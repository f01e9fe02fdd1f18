import assert from 'node:assert/strict'
import { AccountTroubles, sentenceOf } from '../../../nodes/shared/logs.js'
import type { AccountState } from '../../../nodes/shared/status.js'

describe('nodes/shared/logs', () => {
  const nameOf = (id: string) => (id === 'a1' ? 'alice@pbx.local' : undefined)

  it('makes a sentence of a line of the engine', () => {
    const line = (fields: object) => sentenceOf(JSON.stringify({ level: 40, time: 1, ...fields }), nameOf)
    assert.equal(line({ msg: 'SIP socket', err: { message: 'closed' } }), 'SIP socket: closed')
    assert.equal(
      line({ msg: 'call refused', accountId: 'a1', maxCalls: 10 }),
      'Account alice@pbx.local: call refused (maxCalls 10)',
    )
    assert.equal(line({ msg: 'call refused', accountId: 'a2', at: { x: 1 } }), 'Account a2: call refused (at {"x":1})')
    assert.equal(sentenceOf('not JSON\n', nameOf), 'not JSON')
    assert.equal(sentenceOf('7', nameOf), '7')
  })

  describe('troubles of an account', () => {
    const NOW_MS = Date.parse('2026-01-01T00:00:00.000Z')
    const inMs = (ms: number) => new Date(NOW_MS + ms).toISOString()
    const registered: AccountState = { state: 'registered', expiresAt: inMs(600_000), contact: 'sip:alice@192.0.2.1' }

    function heard(...states: AccountState[]): string[] {
      const lines: string[] = []
      const troubles = new AccountTroubles({ log: (level, text) => lines.push(`${level} ${text}`), now: () => NOW_MS })
      for (const state of states) troubles.changed('a1', 'alice@pbx.local', state)
      return lines
    }
    const failed = (status: number, reason: string, waitMs: number, local = true): AccountState => ({
      state: 'failed',
      status,
      reason,
      retryAt: inMs(waitMs),
      ...(local && { local }),
    })

    it('are sentences with the name of the account and the time of the next attempt', () => {
      assert.deepEqual(heard(failed(503, 'the name pbx.local cannot be resolved', 4_000)), [
        'warn Account alice@pbx.local: the name pbx.local cannot be resolved; next try in 4 s',
      ])
      assert.deepEqual(heard(failed(408, 'Request Timeout', 30_000)), [
        'warn Account alice@pbx.local: the server does not answer; next try in 30 s',
      ])
      assert.deepEqual(heard(failed(401, 'Unauthorized', 900_000, false)), [
        'warn Account alice@pbx.local: the server does not accept the user or the password (401 Unauthorized); next try in 15 min',
      ])
      assert.deepEqual(heard(failed(403, 'Forbidden', 900_000, false)), [
        'warn Account alice@pbx.local: the server does not allow it (403 Forbidden); next try in 15 min',
      ])
      assert.deepEqual(heard({ state: 'failed', status: 480, reason: 'Gone', retryAt: null }), [
        'warn Account alice@pbx.local: the server answers 480 Gone',
      ])
    })

    it('are told once, however often an attempt fails, and again when they are others or come back', () => {
      const registering: AccountState = { state: 'registering' }
      const silent = failed(408, '', 4_000)
      const lines = heard(
        silent,
        registering,
        silent,
        registering,
        failed(503, 'no network', 4_000),
        registered,
        silent,
      )
      assert.deepEqual(
        lines.map((line) => line.replace(/^(\w+) Account alice@pbx.local: /, '$1 ')),
        [
          'warn the server does not answer; next try in 4 s',
          'warn no network; next try in 4 s',
          'info registered again',
          'warn the server does not answer; next try in 4 s',
        ],
      )
    })

    it('that never were are not said to be over', () => {
      assert.deepEqual(heard({ state: 'starting' }, { state: 'registering' }, registered, { state: 'idle' }), [])
    })
  })
})
