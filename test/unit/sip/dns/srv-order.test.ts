import assert from 'node:assert/strict'
import fc from 'fast-check'
import { srvGroups } from '../../../../src/sip/dns/srv-order.js'
import { srv } from './fake-names.js'

const record = fc.record({
  priority: fc.integer({ min: 0, max: 3 }),
  weight: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 65_535 })),
  port: fc.integer({ min: 1, max: 65_535 }),
  target: fc.constantFrom('a.example.com', 'b.example.com', 'c.example.com'),
})
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

describe('order of SRV records (RFC 2782)', () => {
  it('keeps every record once, by priority, whatever the weights and the random numbers are', () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 12 }), fc.infiniteStream(random), (records, numbers) => {
        const groups = srvGroups(records, () => numbers.next().value as number)
        assert.deepEqual(new Set(groups.flat()), new Set(records))
        assert.equal(groups.flat().length, records.length)
        const priorities = groups.map((group) => new Set(group.map(({ priority }) => priority)))
        assert.ok(priorities.every((of) => of.size === 1))
        const order = priorities.flatMap((of) => [...of])
        assert.deepEqual(
          order,
          order.toSorted((a, b) => a - b),
        )
        assert.equal(new Set(order).size, order.length)
      }),
    )
  })

  it('chooses the first record as often as its weight says', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 5 }), (weights) => {
        const records = weights.map((weight, index) => srv(1, weight, `${index}.example.com`))
        const sum = weights.reduce((a, b) => a + b, 0)
        // Each of the numbers from 0 to the sum, once.
        const firsts = Array.from({ length: sum + 1 }, (_, mark) => {
          const number = (mark + 0.5) / (sum + 1)
          return srvGroups(records, () => number)[0]?.[0]
        })
        const zeros = weights.filter((weight) => weight === 0).length
        for (const each of records) {
          const times = firsts.filter((first) => first === each).length
          // The number 0 goes to a record without weight if there is one, otherwise to the first one with a weight.
          const isLucky = zeros > 0 ? each.weight === 0 : each === records[0]
          assert.ok(times === each.weight || (isLucky && times === each.weight + 1), `${weights}: ${times}`)
        }
      }),
    )
  })
})
