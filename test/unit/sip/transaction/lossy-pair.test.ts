import assert from 'node:assert/strict'
import fc from 'fast-check'
import { LossyPair } from './lossy-pair.js'

/** RFC 3261 17.1.1.1: T4 is the longest that a message stays in the network. */
const BELOW_T4 = 4_999
const T64 = 32_000
const T4 = 5_000

const delay = fc.oneof(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: BELOW_T4 }))
const fate = fc.oneof(
  { weight: 4, arbitrary: fc.constant<number[]>([]) },
  { weight: 5, arbitrary: delay.map((ms) => [ms]) },
  { weight: 2, arbitrary: fc.array(delay, { minLength: 2, maxLength: 3 }) },
)
const plans = fc.record({
  protocol: fc.constantFrom('udp' as const, 'udp' as const, 'udp' as const, 'tcp' as const),
  fates: fc.array(fate, { minLength: 1, maxLength: 30 }),
  answers: fc
    .record({
      ringsAfterMs: fc.option(fc.integer({ min: 0, max: 2_000 }), { nil: undefined }),
      afterMs: fc.integer({ min: 0, max: 60_000 }),
      status: fc.constantFrom(200, 202, 302, 486, 603),
    })
    .map(({ ringsAfterMs, afterMs, status }) => [
      ...(ringsAfterMs === undefined ? [] : [{ afterMs: ringsAfterMs, status: 180 }]),
      { afterMs, status },
    ]),
  cancelAfterMs: fc.option(fc.integer({ min: 0, max: 70_000 }), { nil: undefined }),
})

describe('an INVITE through a network that loses, doubles, delays and reorders', () => {
  it('ends once, and leaves nothing', () => {
    fc.assert(
      fc.property(plans, (plan) => {
        const pair = new LossyPair(plan)
        const { clock, caller, callee, ends } = pair
        clock.advance(100_000)
        pair.cancel() // its final response was lost for good
        clock.advance(T64)
        assert.ok(ends.length > 0, 'the user of the INVITE has heard of its end')
        clock.advance(T64 + 2 * T4)
        // A 2xx may be repeated, and may come after the wait for it (9.1). Nothing else comes twice, or after another end.
        const [end = '', ...others] = ends
        assert.ok(
          others.every((each) => each.startsWith('success') && (each === end || end === 'failed')),
          ends.join(', '),
        )
        assert.deepEqual(pair.wrong, [], 'sent by a terminated transaction')
        // Timer L counts from the 2xx, and the INVITE is repeated for as long: only then it can seem to be another one.
        const [first = 0, ...more] = pair.invites
        assert.ok(
          more.every((at) => at >= first + T64),
          pair.invites.join(', '),
        )
        clock.advance(plan.answers.length * 60_000 + 2 * T64 + 2 * T4)
        assert.deepEqual([caller.size, callee.size], Array(2).fill({ clients: 0, servers: 0 }))
        assert.equal(clock.pending, 0)
      }),
      { numRuns: 500 },
    )
  })
})
