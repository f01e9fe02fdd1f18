import assert from 'node:assert/strict'
import type { CallState } from '../../../src/call/call-event.js'
import { NEXT, nextState } from '../../../src/call/call-state.js'

describe('call states', () => {
  const states = Object.keys(NEXT) as CallState[]

  it('lead to the end from everywhere, and from the end nowhere', () => {
    for (const state of states.filter((s) => s !== 'ended')) assert.equal(nextState(state, 'ended'), 'ended')
    for (const state of states) assert.throws(() => nextState('ended', state), { code: 'WRONG_STATE' })
  })

  it('never lead back before the answer', () => {
    for (const from of ['answered', 'held'] as const) {
      for (const to of ['trying', 'ringing', 'early'] as const) {
        assert.throws(() => nextState(from, to), { code: 'WRONG_STATE' })
      }
    }
  })
})
