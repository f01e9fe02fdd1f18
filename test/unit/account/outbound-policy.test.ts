import assert from 'node:assert/strict'
import fc from 'fast-check'
import { emergencyNumberIn } from '../../../src/account/emergency.js'
import {
  CallRates,
  checkOutbound,
  checkPatterns,
  glob,
  isWithin,
  type OutboundRules,
} from '../../../src/account/outbound-policy.js'
import { resolveTarget } from '../../../src/account/target.js'
import { FakeClock } from '../../support/fake-clock.js'
import { uriOf } from '../../support/uri.js'

const DOMAIN = 'pbx.example.com'
const check = (rules: OutboundRules, typed: string, countryCode = '') =>
  checkOutbound(rules, { typed, target: resolveTarget(typed, DOMAIN), domain: DOMAIN, countryCode })
const allows = (rules: OutboundRules, typed: string): boolean => {
  try {
    check(rules, typed)
    return true
  } catch (error) {
    assert.equal((error as { code: string }).code, 'TARGET_BLOCKED')
    return false
  }
}

describe('where a URI leads', () => {
  it('is decided by maddr (RFC 3261 19.1.1)', () => {
    const ours = { allowedTargets: ['*@pbx.example.com'] }
    assert.equal(allows(ours, 'sip:bob@pbx.example.com'), true)
    assert.equal(allows(ours, 'sip:bob@pbx.example.com;maddr=192.0.2.66'), false)
    assert.equal(allows({ allowedTargets: ['1*'] }, 'sip:1000@pbx.example.com;maddr=192.0.2.66'), false)
    assert.equal(allows({ blockedTargets: ['*@192.0.2.66'] }, 'sip:bob@pbx.example.com;maddr=192.0.2.66'), false)
  })

  it('is within a domain if host and maddr are', () => {
    for (const [uri, within] of [
      ['sip:bob@PBX.example.com.:5070;transport=tcp', true],
      ['sip:bob@pbx.example.com;maddr=pbx.example.com', true],
      ['sip:bob@pbx.example.com;maddr=192.0.2.66', false],
      ['sip:pbx.example.com@other.example.com', false],
      ['tel:+4930', false],
    ] as const)
      assert.equal(isWithin(uriOf(uri), DOMAIN), within, uri)
  })
})

describe('emergency numbers', () => {
  const known: [dialled: string, countryCode: string, number: string][] = [
    ['112', '', '112'],
    ['911', '', '911'],
    ['1 1 2', '', '112'],
    ['+49112', '', '112'],
    ['0049110', '', '110'],
    ['+1911', '', '911'],
    ['011 44 999', '', '999'],
    ['49112', '49', '112'],
    ['0112', '', '112'],
    ['9911', '', '911'],
    ['+33 17', '', '17'],
    ['17', '33', '17'],
    ['144', '41', '144'],
    ['112;phone-context=+49', '', '112'],
    ['+112', '', '112'],
    ['+(0)112', '', '112'],
    ['+0112', '', '112'],
    ['00 112', '', '112'],
    ['011 911', '', '911'],
    ['+144', '41', '144'],
    ['+0049112', '', '112'],
    ['90112', '', '112'],
    ['000 49112', '', '112'],
    ['112#', '', '112'],
    ['112*', '', '112'],
    ['112,1', '', '112'],
    ['*31#112', '', '112'],
    ['#31#+49112', '', '112'],
    ['*67911', '', '911'],
  ]
  for (const [dialled, countryCode, number] of known) {
    it(`${dialled}${countryCode && ` in +${countryCode}`} is ${number}`, () =>
      assert.equal(emergencyNumberIn(dialled, countryCode), number))
  }

  for (const dialled of [
    '1002',
    '1120',
    '11',
    '17',
    '144',
    '49112',
    '+49301120',
    '+4930112',
    '0301234112',
    'alice',
    '*112',
    '*98123',
    '0122',
    '0112233',
    '112a',
    '#',
    '',
  ]) {
    it(`${JSON.stringify(dialled)} is none`, () => assert.equal(emergencyNumberIn(dialled, ''), undefined))
  }

  for (const typed of [
    '112',
    'tel:112',
    'sip:911@pbx.example.com',
    'sip:112@elsewhere.example.com',
    '+49 110',
    'sip:1%312@x.example',
    'sip:+112@x.example',
    'sip:112%23@x.example',
    'tel:+112',
    '112#',
  ]) {
    it(`${typed} is blocked unless it is allowed`, () => {
      assert.throws(() => check({}, typed), { code: 'TARGET_BLOCKED', message: /emergency/ })
      check({ allowEmergency: true }, typed)
      assert.throws(() => check({ allowEmergency: true, blockedTargets: ['*'] }, typed), { code: 'TARGET_BLOCKED' })
    })
  }

  it('are seen where a dial plan makes them, and where it hides them', () => {
    const target = (user: string) => ({ uri: uriOf(`sip:${user}@${DOMAIN}`), user })
    for (const [typed, user] of [
      ['9112', '112'],
      ['112', '0112'],
      ['110', '+49110'],
    ] as const) {
      assert.throws(() => checkOutbound({}, { typed, target: target(user), domain: DOMAIN }), {
        code: 'TARGET_BLOCKED',
      })
    }
  })
})

describe('who may be called', () => {
  it('is everybody where nothing is set', () => {
    for (const typed of ['1002', '+49 30 1234', 'alice', 'bob@elsewhere.example.com']) assert.ok(allows({}, typed))
  })

  const cases: [rules: OutboundRules, yes: string[], no: string[]][] = [
    [{ allowedTargets: ['+49*'] }, ['+49 30 1234', '0049301234', 'sip:+4930@pbx.example.com'], ['+33 1 23', '1002']],
    [{ allowedTargets: ['10??', 'alice'] }, ['1002', 'Alice'], ['100', '10021', 'bob', '1002@other.example.com']],
    [{ allowedTargets: ['*@example.com'] }, ['bob@example.com', 'sip:x@example.com:5070'], ['bob@evil.example.com']],
    [{ allowedTargets: ['*'] }, ['1002'], ['bob@other.example.com']],
    [{ blockedTargets: ['0900*', '00900*'] }, ['0800 1', '1002'], ['0900-123', '0900123@other.example.com']],
    [{ blockedTargets: ['+1900*'] }, ['+1901'], ['+1 900 555', '001900555']],
    [{ blockedTargets: ['*@bad.example'] }, ['x@good.example'], ['x@BAD.example', 'sip:bad.example:5070']],
    [{ allowedTargets: ['+49*'], blockedTargets: ['+49900*'] }, ['+49301'], ['+499001']],
  ]
  const inGermany: [typed: string, pattern: string][] = [
    ['+49 900 123456', '0900*'],
    ['0049900123456', '0900*'],
    ['0900123456', '+49900*'],
    ['sip:0900123456@pbx.example.com', '+49900*'],
    ['sip:%2B49900123456@pbx.example.com', '0900*'],
  ]
  for (const [typed, pattern] of inGermany) {
    it(`blocks ${typed} by ${pattern} where the country is known`, () =>
      assert.throws(() => check({ blockedTargets: [pattern] }, typed, '49'), { code: 'TARGET_BLOCKED' }))
  }

  it('knows the spellings of North America', () => {
    for (const typed of ['9005551234', '19005551234', '+1 900 555 1234']) {
      assert.throws(() => check({ blockedTargets: ['1900*'] }, typed, '1'), { code: 'TARGET_BLOCKED' })
    }
    check({ blockedTargets: ['1900*'] }, '011 900 555 1234', '1')
  })

  for (const [typed, pattern] of [
    ['x@bad.example.', '*@bad.example'],
    ['x@127.1', '*@127.0.0.1'],
    ['x@[0:0:0:0:0:0:0:1]', '*@[::1]'],
    ['x@[::1]:5070', '*@[0:0::1]'],
    ['x@bad7.example', '*@bad?.example'],
  ] as const) {
    it(`blocks ${typed} by ${pattern}`, () =>
      assert.throws(() => check({ blockedTargets: [pattern] }, typed), { code: 'TARGET_BLOCKED' }))
  }

  for (const [rules, yes, no] of cases) {
    it(JSON.stringify(rules), () => {
      assert.deepEqual(
        yes.filter((typed) => !allows(rules, typed)),
        [],
      )
      assert.deepEqual(
        no.filter((typed) => allows(rules, typed)),
        [],
      )
    })
  }

  it('is set by patterns that can be one', () => {
    checkPatterns({ allowedTargets: ['+49 30*', '10??', '*@example.com'], blockedTargets: [] })
    for (const wrong of ['', ' ', 'a b', 'a,b', '<sip:x>', 'x'.repeat(200)]) {
      assert.throws(() => checkPatterns({ blockedTargets: [wrong] }), { code: 'BAD_CONFIG' })
    }
    assert.throws(() => checkPatterns({ allowedTargets: Array(1001).fill('1') }), { code: 'BAD_CONFIG' })
  })

  it('compares as a regular expression would', () => {
    const some = fc.stringMatching(/^[ab*?]{0,8}$/)
    fc.assert(
      fc.property(some, fc.stringMatching(/^[ab]{0,10}$/), (pattern, text) => {
        const expression = new RegExp(`^${pattern.replaceAll('?', '.').replaceAll('*', '.*')}$`)
        assert.equal(glob(pattern, text), expression.test(text))
      }),
    )
  })
})

describe('calls per minute', () => {
  it('lets so many through within any minute, and says when the next may come', () => {
    const clock = new FakeClock()
    const rates = new CallRates(clock)
    rates.take('a', 2)
    clock.advance(20_000)
    rates.take('a', 2)
    assert.throws(() => rates.take('a', 2), { code: 'CALL_RATE', message: /in 40 s/ })
    clock.advance(39_999)
    assert.throws(() => rates.take('a', 2), { code: 'CALL_RATE' })
    clock.advance(1)
    rates.take('a', 2)
    assert.throws(() => rates.take('a', 2), { code: 'CALL_RATE' })
  })

  it('has no limit where none is set', () => {
    const rates = new CallRates(new FakeClock())
    for (let n = 0; n < 1000; n++) rates.take('a', 0)
    assert.equal(rates.size, 0)
  })

  it('counts each account by itself', () => {
    const rates = new CallRates(new FakeClock())
    rates.take('a', 1)
    rates.take('b', 1)
    assert.throws(() => rates.take('a', 1), { code: 'CALL_RATE' })
  })

  it('forgets accounts that have placed no call for a minute, and those only', () => {
    const clock = new FakeClock()
    const rates = new CallRates(clock)
    for (let n = 0; n < 1_000; n++) rates.take(`old${n}`, 5)
    clock.advance(1)
    rates.take('young', 1)
    clock.advance(59_999)
    rates.take('new', 1)
    assert.equal(rates.size, 2)
    assert.throws(() => rates.take('young', 1), { code: 'CALL_RATE' })
  })

  it('says when the next call is possible, also under a limit that was lowered', () => {
    const clock = new FakeClock()
    const rates = new CallRates(clock)
    for (let n = 0; n < 3; n++) {
      rates.take('a', 3)
      clock.advance(10_000)
    }
    // Of the two calls that count, the first one was placed 20 s ago.
    assert.throws(() => rates.take('a', 2), { code: 'CALL_RATE', message: /possible in 40 s/ })
  })

  it('keeps no more of one account than its limit', () => {
    const clock = new FakeClock()
    const rates = new CallRates(clock)
    for (let n = 0; n < 3; n++) rates.take('a', 3)
    assert.throws(() => rates.take('a', 2), { code: 'CALL_RATE' }, 'a limit that was lowered counts at once')
  })
})
