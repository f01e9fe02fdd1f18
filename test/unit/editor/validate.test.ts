import assert from 'node:assert/strict'
import fc from 'fast-check'
import { problemOf, type RuleName, type RuleOptions } from '../../../nodes/shared/editor/rules.js'
import { isIpv4, isPort } from '../../../nodes/shared/editor/validate.js'

interface Case {
  options?: RuleOptions
  good: string[]
  bad: string[]
}

const CASES: Record<RuleName, Case> = {
  text: { good: ['Front desk', 'Zoë'], bad: ['two\r\nlines'] },
  number: {
    options: { min: 1, max: 600 },
    good: ['1', '30', '600'],
    bad: ['0', '601', '1.5', '-3', 'ten', '1e3', '0x10', ' 5', 'NaN'],
  },
  port: { good: ['0', '5060', '65535'], bad: ['65536', '-1', '5060.5', 'sip'] },
  ip: {
    good: ['127.0.0.1', '0.0.0.0', '255.255.255.255', '::1', '::', '2001:DB8::7', '1:2:3:4:5:6:7:8'],
    bad: [
      '256.0.0.1',
      '1.2.3',
      '1.2.3.4.5',
      '01.2.3.4',
      'localhost',
      '1.2.3.4/24',
      '[::1]',
      '1::2::3',
      '1:2:3',
      '::g',
      'fe80::1%eth0',
    ],
  },
  host: { good: ['pbx.example.com', '10.0.0.1', '::1'], bad: ['pbx:5060', '[::1]', 'a b', 'sip:pbx'] },
  origins: {
    good: ['https://phone.example.com', 'http://10.0.0.1:1880, https://a.test', '*', 'null'],
    bad: ['phone.example.com', 'wss://phone.example.com', 'https://a.test/page', 'https://a b'],
  },
  urlPath: { good: ['/', '/ws', '/sip?token=1'], bad: ['ws', '/a b', '/a#b', '/é'] },
  hostPort: {
    good: [
      'pbx.example.com',
      'pbx',
      '10.0.0.1',
      'pbx.example.com:5070',
      'example.com.',
      'xn--bcher-kva.example',
      '[::1]',
      '[2001:db8::1]:5061',
    ],
    bad: [
      'pbx:0',
      'pbx:65536',
      'pbx:',
      ':5060',
      'a b',
      '-pbx.example',
      '10.0.0',
      'sip:pbx',
      'a'.repeat(64),
      'pbx_1',
      '::1',
      '[::1',
      '[1.2.3.4]',
      '[::1]:0',
    ],
  },
  registrar: {
    good: ['pbx.example.com', '10.0.0.1:5070', 'sip:pbx.example.com', 'sip:pbx.example.com;transport=udp'],
    bad: ['sip:alice@pbx.example.com', 'http://pbx', 'pbx:99999'],
  },
  patterns: {
    good: ['+49*', '10??', '*@example.com', '+49 30*, 0900*', 'alice'],
    bad: ['a b', '<sip:x>', '"x"'],
  },
  hop: {
    good: [
      'sip:proxy.example.com;lr',
      'sip:10.0.0.1:5070;lr',
      'SIP:proxy',
      'proxy.example.com',
      'proxy.example.com:5060;lr',
      '[2001:db8::1]:5060;transport=tcp',
      '<sip:proxy;lr>',
      ' sip:proxy;lr , < b.example.com > ',
      'proxy.example.com;strict',
      'sips:proxy;transport=wss',
      '<sip:proxy;strict>',
    ],
    bad: [
      'sip:',
      'sip:a b;lr',
      'sip:alice@proxy;lr',
      '<sip:proxy>;lr',
      'sip:proxy;lr;strict',
      'sip:proxy?Subject=x',
      'sip:proxy:0',
      'a:65536',
      'a,,b',
      'a,',
    ],
  },
  aor: {
    good: ['alice@example.com', 'sip:alice@example.com', '+4930123@10.0.0.1', 'bob@127.0.0.1:15062', 'a%20b@x.example'],
    bad: [
      'alice',
      '@example.com',
      'alice@',
      'a b@example.com',
      'alice@exa mple.com',
      'alice@b@c',
      'alice@x;lr',
      '"A" <sip:a@b>',
    ],
  },
  target: {
    good: [
      '1002',
      '+49 30 1234',
      '(030) 12-34',
      '*21#',
      'alice@example.com',
      'sip:bob@10.0.0.1:5062',
      'sips:bob@x.example',
      'tel:+49301234',
      'alice',
    ],
    bad: ['sip:', 'sip:bob@', 'alice@', 'tel:alice', '<sip:bob@x>', 'bob\r\nEvil: 1', '-', 'a,b'],
  },
  sources: {
    good: [
      '192.0.2.10',
      '192.0.2.10, 198.51.100.0/24',
      '0.0.0.0/0',
      '10.0.0.1,',
      '::1, 2001:db8::/32',
      '2001:db8::1/128',
      '2001:db8::/33, 2001:db8::/64',
      '2001:db8::2/127, ::/0',
    ],
    bad: [
      '192.0.2.10/33',
      'example.com',
      '192.0.2.10 198.51.100.1',
      '10.0.0.1/',
      '::1/129',
      '192.0.2.1/033',
      '2001:db8::/-1',
    ],
  },
  headerNames: { good: ['X-Ticket', 'X-Ticket, Diversion'], bad: ['X Ticket', 'X-Ticket:', 'Ä'] },
  headers: {
    good: ['{}', '{"X-Ticket":"4711"}'],
    bad: ['[]', 'null', '"text"', '{', '{"X Ticket":"1"}', '{"X-Ticket":1}', '{"X-Ticket":"a\\r\\nVia: b"}'],
  },
  tags: { good: ['{}', '{"ticket":4711,"list":[1]}'], bad: ['[]', 'null', '{', `{"a":"${'x'.repeat(4096)}"}`] },
  digits: { good: ['1', '0123456789*#ABCDabcd', '1,,2'], bad: ['1 2', 'E', '+49'] },
  keys: { good: ['#', '123*#A'], bad: ['1,2', 'x'] },
  frequencies: {
    good: ['425', '350+440', '350 + 440', '1000.5', '400+500+600+700'],
    bad: ['19', '3901', '350+', '350,440', '1+2', '100+200+300+400+500'],
  },
  prefix: { good: ['9', '*31*', '+49'], bad: ['abc', '0 0', '12345678901234567', '+'] },
  countryCode: { good: ['49', '1', '852', '+49', '0049'], bad: ['0', '1234', 'DE', '049'] },
  rejectStatus: { good: ['400', '486', '603', '699'], bad: ['399', '200', '700', 'busy', '486 Busy'] },
  file: {
    good: ['message.wav', 'prompts/de/hello.wav', '/srv/prompts/a.wav', 'a..b.wav'],
    bad: ['../secret.wav', 'a/../../b.wav', 'a\\..\\b.wav', '..', ' '],
  },
}

describe('rules of the forms', () => {
  for (const [name, { options, good, bad }] of Object.entries(CASES) as [RuleName, Case][]) {
    it(`${name}`, () => {
      for (const text of good) assert.equal(problemOf(text, name, options), null, text)
      for (const text of bad) assert.notEqual(problemOf(text, name, options), null, text)
    })

    it(`${name}: takes \${ENV}, and nothing only where that is allowed`, () => {
      assert.equal(problemOf(`\${${'SIP_VALUE'}}`, name, options), null)
      assert.deepEqual(problemOf('', name, options), { key: 'invalid.missing', values: {} })
      assert.deepEqual(problemOf(undefined, name, options), { key: 'invalid.missing', values: {} })
      assert.equal(problemOf('', name, { ...options, blank: true }), null)
    })
  }

  it('say the limits that were missed', () => {
    assert.deepEqual(problemOf('0', 'number', { min: 1, max: 600 }), {
      key: 'invalid.number',
      values: { min: 1, max: 600 },
    })
  })

  it('take every IPv4 address and port there is', () => {
    fc.assert(fc.property(fc.ipV4(), isIpv4))
    fc.assert(fc.property(fc.integer({ min: 0, max: 65535 }), (port) => isPort(String(port))))
  })

  it('never throw, whatever is typed', () => {
    fc.assert(
      fc.property(fc.constantFrom(...(Object.keys(CASES) as RuleName[])), fc.string(), (name, text) => {
        const problem = problemOf(text, name)
        return problem === null || problem.key.startsWith('invalid.')
      }),
    )
  })
})
