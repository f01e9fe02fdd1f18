import assert from 'node:assert/strict'
import fc from 'fast-check'
import { applyDialPlan, checkDialPlan, type DialPlan } from '../../../src/account/dial-plan.js'
import { resolveTarget } from '../../../src/account/target.js'

const none: DialPlan = { stripPrefix: '', addPrefix: '', countryCode: '' }

describe('dial plan', () => {
  const cases: [what: string, plan: Partial<DialPlan>, number: string, dialled: string][] = [
    ['nothing set', {}, '0301234567', '0301234567'],
    ['a prefix is taken off', { stripPrefix: '9' }, '95551234', '5551234'],
    ['a prefix that is not there is not', { stripPrefix: '9' }, '5551234', '5551234'],
    ['nor one that is all there is', { stripPrefix: '9' }, '9', '9'],
    ['an outside line', { addPrefix: '0' }, '0301234567', '00301234567'],
    ['an outside line has no +', { addPrefix: '0' }, '+49301234567', '00049301234567'],
    ['nor has one in America', { addPrefix: '9', countryCode: '1' }, '+49301234567', '901149301234567'],
    ['a provider that wants a *', { addPrefix: '*31*' }, '0301234567', '*31*0301234567'],
    ['Germany, national', { countryCode: '49' }, '0301234567', '+49301234567'],
    ['Germany, abroad', { countryCode: '49' }, '0044201234567', '+44201234567'],
    ['Germany, in full', { countryCode: '49' }, '+442012345', '+442012345'],
    ['Germany, an extension', { countryCode: '49' }, '1002', '1002'],
    ['Germany, emergency', { countryCode: '49' }, '112', '112'],
    ['Germany, a short number with 0', { countryCode: '49' }, '01234', '01234'],
    ['Germany, a code', { countryCode: '49' }, '*43#', '*43#'],
    ['Australia, emergency', { countryCode: '61' }, '000', '000'],
    ['Australia, national', { countryCode: '61' }, '0291234567', '+61291234567'],
    ['Australia, abroad', { countryCode: '61' }, '001149301234567', '+49301234567'],
    ['America, ten digits', { countryCode: '1' }, '2125551234', '+12125551234'],
    ['America, eleven', { countryCode: '1' }, '12125551234', '+12125551234'],
    ['America, seven are local', { countryCode: '1' }, '5551234', '5551234'],
    ['America, abroad', { countryCode: '1' }, '01149301234567', '+49301234567'],
    ['America, emergency', { countryCode: '1' }, '911', '911'],
    ['Italy keeps its 0', { countryCode: '39' }, '0612345678', '+390612345678'],
    ['China, landline', { countryCode: '86' }, '01012345678', '+861012345678'],
    ['China, mobile', { countryCode: '86' }, '13812345678', '+8613812345678'],
    ['China, emergency', { countryCode: '86' }, '110', '110'],
    [
      'strip, country and prefix in this order',
      { stripPrefix: '9', countryCode: '49', addPrefix: '0' },
      '9030123456',
      '0004930123456',
    ],
  ]
  for (const [what, plan, number, dialled] of cases) {
    it(`${what}: ${number} → ${dialled}`, () => assert.equal(applyDialPlan(number, { ...none, ...plan }), dialled))
  }

  const plan: DialPlan = { stripPrefix: '9', addPrefix: '', countryCode: '49' }
  for (const [text, uri] of [
    ['9 030 1234-56', 'sip:+4930123456@pbx'],
    ['tel:030-123456', 'sip:+4930123456@pbx'],
    ['+49 (0)30 1234', 'sip:+49301234@pbx'],
    ['sip:9030123456@other', 'sip:9030123456@other'],
    ['9030123456@other', 'sip:9030123456@other'],
    ['alice', 'sip:alice@pbx'],
  ] as const) {
    it(`as part of a target: ${text} → ${uri}`, () => assert.equal(resolveTarget(text, 'pbx', plan).uri.text, uri))
  }

  it('refuses settings that are none', () => {
    for (const wrong of [
      { stripPrefix: 'abc' },
      { addPrefix: '0\r\n' },
      { countryCode: '049' },
      { countryCode: '1234' },
    ]) {
      assert.throws(() => checkDialPlan({ ...none, ...wrong }), { code: 'BAD_CONFIG' }, JSON.stringify(wrong))
    }
    checkDialPlan({ stripPrefix: '0', addPrefix: '+49', countryCode: '49' })
  })

  it('makes of any number one that can be dialled', () => {
    const digits = fc.stringMatching(/^\+?[0-9*#]{1,20}$/)
    const prefix = fc.stringMatching(/^[0-9*#]{0,4}$/)
    const code = fc.constantFrom('', '1', '7', '39', '49', '61', '86', '852')
    fc.assert(
      fc.property(digits, prefix, prefix, code, (number, stripPrefix, addPrefix, countryCode) =>
        assert.match(applyDialPlan(number, { stripPrefix, addPrefix, countryCode }), /^\+?[0-9*#]+$/),
      ),
    )
  })
})
