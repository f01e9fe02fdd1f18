import assert from 'node:assert/strict'
import { migrate } from '../../../nodes/shared/migrate.js'
import {
  assertEnvironment,
  flag,
  list,
  number,
  oneOf,
  requiredText,
  secondsAsMs,
  shaped,
} from '../../../nodes/shared/settings.js'

const badConfig = (text: RegExp) => (error: unknown) => {
  assert.equal((error as { code: string }).code, 'BAD_CONFIG')
  assert.match((error as Error).message, text)
  return true
}

// biome-ignore lint/suspicious/noTemplateCurlyInString: Node-RED's own notation
const UNSET = '${RINGFLOW_TEST_UNSET}'

describe('nodes/shared/settings', () => {
  it('numbers: text, spaces, empty, bounds', () => {
    assert.equal(number('port', ' 5060 ', { max: 65_535, integer: true }), 5060)
    assert.equal(number('port', 5060), 5060)
    assert.equal(number('tone', '', { empty: 7 }), 7)
    assert.equal(secondsAsMs('wait', '2.5'), 2_500)
    for (const [value, text] of [
      ['', /port: must not be empty/],
      ['12x', /"12x" is not a number/],
      ['Infinity', /is not a number/],
      ['1.5', /not a whole number/],
      ['-1', /not between 0 and 10/],
      ['11', /not between 0 and 10/],
      [undefined, /must not be empty/],
    ] as const) {
      assert.throws(() => number('port', value, { max: 10, integer: true }), badConfig(text))
    }
  })

  it('text: required, of a shape', () => {
    assert.equal(requiredText('aor', ' a@b '), 'a@b')
    assert.throws(() => requiredText('aor', '  '), badConfig(/aor: must not be empty/))
    assert.equal(
      shaped('host', '', () => false, 'host'),
      '',
    )
    assert.throws(() => shaped('host', 'x', () => false, 'host'), badConfig(/host: "x" is not a valid host/))
  })

  it('an environment variable that is not set, in whatever field', () => {
    for (const settings of [{ aor: UNSET }, { hops: ['sip:a;lr', UNSET] }, { target: UNSET, targetType: 'str' }]) {
      const [field] = Object.keys(settings)
      assert.throws(
        () => assertEnvironment(settings),
        badConfig(new RegExp(`^${field}: .*variable .*UNSET.* is not set`)),
      )
    }
    assertEnvironment({ name: UNSET, call: UNSET, callType: 'env', ports: 5, reason: `costs ${UNSET}`, tags: '{}' })
  })

  it('choices, flags, lists', () => {
    assert.equal(oneOf('mode', 'flow', ['flow', 'answer']), 'flow')
    assert.throws(
      () => oneOf('mode', 'x', ['flow', 'answer']),
      badConfig(/mode: "x" is not a valid choice. Choose one of flow, answer/),
    )
    assert.deepEqual([true, 'true', false, 'false', undefined, 1].map(flag), [true, true, false, false, false, false])
    assert.deepEqual(list(' a, b,,c '), ['a', 'b', 'c'])
    assert.deepEqual(list(['a ', '', 'b']), ['a', 'b'])
    assert.deepEqual(list(undefined), [])
  })
})

describe('nodes/shared/migrate', () => {
  const defaults = { version: 3, name: '', waitMs: '100', kind: 'a' }
  const steps = {
    2: ({ waitSec, ...rest }: Record<string, unknown>) => ({ ...rest, waitMs: String(Number(waitSec) * 1000) }),
    3: (older: Record<string, unknown>) => ({ ...older, kind: older.kind === 'old' ? 'new' : older.kind }),
  }

  it('takes every step from the version stored to the current one', () => {
    assert.deepEqual(migrate({ id: 'n1', wires: [], name: 'x', waitSec: '2', kind: 'old' }, defaults, steps), {
      version: 3,
      name: 'x',
      waitMs: '2000',
      kind: 'new',
    })
    assert.deepEqual(migrate({ version: 2, waitMs: '5', kind: 'old' }, defaults, steps), {
      version: 3,
      name: '',
      waitMs: '5',
      kind: 'new',
    })
  })

  it('fills in what is missing and leaves the stored settings alone', () => {
    const stored = Object.freeze({ version: 3, kind: 'b' })
    assert.deepEqual(migrate(stored, defaults, steps), { ...defaults, kind: 'b' })
  })
})
