import assert from 'node:assert/strict'
import fc from 'fast-check'
import { parseRoute } from '../../../src/account/route.js'
import { TelephonyError } from '../../../src/base/errors.js'

describe('route of proxies', () => {
  for (const [text, ...route] of [
    ['edge.example.com', '<sip:edge.example.com;lr>'],
    ['edge.example.com:5060;lr', '<sip:edge.example.com:5060;lr>'],
    ['edge.example.com;LR', '<sip:edge.example.com;LR>'],
    ['edge.example.com;lr=on', '<sip:edge.example.com;lr=on>'],
    ['edge.example.com;transport=tcp', '<sip:edge.example.com;transport=tcp;lr>'],
    ['edge.example.com;lrx', '<sip:edge.example.com;lrx;lr>'],
    ['sip:edge.example.com:5060;lr', '<sip:edge.example.com:5060;lr>'],
    ['SIP:edge.example.com', '<SIP:edge.example.com;lr>'],
    ['sip:edge.example.com', '<sip:edge.example.com;lr>'],
    ['<sip:edge.example.com:5070;transport=tcp>', '<sip:edge.example.com:5070;transport=tcp;lr>'],
    ['sips:edge.example.com', '<sips:edge.example.com;lr>'],
    ['sips:edge.example.com;transport=ws;strict', '<sips:edge.example.com;transport=ws>'],
    ['edge.example.com;transport=tls', '<sip:edge.example.com;transport=tls;lr>'],
    ['edge.example.com;strict', '<sip:edge.example.com>'],
    ['sip:edge.example.com:5070;strict;transport=tcp', '<sip:edge.example.com:5070;transport=tcp>'],
    ['<sip:edge.example.com;STRICT>', '<sip:edge.example.com>'],
    ['edge.example.com;strict;strict', '<sip:edge.example.com>'],
    ['edge.example.com;strict ;strict', '<sip:edge.example.com>'],
    ['<sip:edge.example.com;strict >', '<sip:edge.example.com>'],
    ['<sip:edge.example.com>;strict', '<sip:edge.example.com>'],
    ['edge.example.com;strictly', '<sip:edge.example.com;strictly;lr>'],
    ['a;strict, b, sip:c;strict', '<sip:a>', '<sip:b;lr>', '<sip:c>'],
    [' <sip:edge.example.com;lr> ', '<sip:edge.example.com;lr>'],
    ['< edge.example.com >', '<sip:edge.example.com;lr>'],
    ['2001:db8::1', '<sip:[2001:db8::1];lr>'],
    ['[2001:db8::1]:5070', '<sip:[2001:db8::1]:5070;lr>'],
    [
      'a.example.com , sip:b.example.com;lr,<c:5070;lr>',
      '<sip:a.example.com;lr>',
      '<sip:b.example.com;lr>',
      '<sip:c:5070;lr>',
    ],
    ['a.example.com,', '<sip:a.example.com;lr>'],
    [''],
  ] as const) {
    it(`“${text}”`, () =>
      assert.deepEqual(
        parseRoute([text]).map((via) => via.route),
        route,
      ))
  }

  it('knows where each proxy is', () => {
    assert.deepEqual(
      parseRoute(['Edge.example.com:5070;lr', '[2001:DB8::1]']).map(({ host, port }) => [host, port]),
      [
        ['edge.example.com', 5070],
        ['2001:db8::1', 5060],
      ],
    )
  })

  for (const [text, message] of [
    ['edge.example.com:99999', /Port 99999 is not between 1 and 65535/],
    ['sip:a b;lr', /“sip:a b;lr” is not a valid proxy. Use one like/],
    ['<sip:a>;lr', /not a valid proxy/],
    ['sip:a?X=y', /not a valid proxy/],
    ['sip:a;lr;strict', /a strict router has no lr. Take out ;lr/],
    ['sips:a;transport=udp', /sips: needs TLS, which the transport “udp” does not have/],
    ['sip:a;transport=sctp', /the transport “sctp” is not supported. Use transport=udp, tcp, tls, ws or wss/],
    ['a,'.repeat(17), /17 proxies are too many: at most 16/],
  ] as const) {
    it(`refuses “${text.slice(0, 30)}” and says why`, () =>
      assert.throws(
        () => parseRoute([text]),
        (error: TelephonyError) => error.code === 'BAD_CONFIG' && message.test(error.message),
      ))
  }

  it('any text: refused, or URIs in brackets, with exactly one lr unless the proxy is strict', () => {
    const part = fc.constantFrom(
      'a.example',
      ':5060',
      ';lr',
      ';strict',
      ';transport=tcp',
      'sip:',
      '<',
      '>',
      ' ',
      ',',
      '[::1]',
      ';',
      'x',
    )
    fc.assert(
      fc.property(
        fc.array(part, { maxLength: 8 }).map((parts) => parts.join('')),
        (text) => {
          try {
            for (const { route } of parseRoute([text])) {
              assert.match(route, /^<sips?:[^<>\s,"]+>$/i)
              const written = (text.match(/;lr(?![a-z])/g) ?? []).length
              assert.doesNotMatch(route, /;strict(?=[;>])/)
              if (!/;strict/.test(text) && written <= 1) assert.equal(route.match(/;lr(?=[;>])/g)?.length, 1)
            }
          } catch (error) {
            assert.ok(error instanceof TelephonyError, String(error))
          }
        },
      ),
    )
  })
})
