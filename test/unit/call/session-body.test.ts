import assert from 'node:assert/strict'
import fc from 'fast-check'
import { TelephonyError } from '../../../src/base/errors.js'
import { sdpOf } from '../../../src/call/session-body.js'

const SDP = 'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n'
const part = (type: string, content: string, ...more: string[]): string =>
  [`Content-Type: ${type}`, ...more, '', content].join('\r\n')
const multipart = (boundary: string, ...parts: string[]): string =>
  `${parts.map((text) => `--${boundary}\r\n${text}\r\n`).join('')}--${boundary}--\r\n`

const mixed = (content: string, boundary = 'b1') => ({ contentType: `multipart/mixed;boundary=${boundary}`, content })
const refused = (error: unknown) => error instanceof TelephonyError && error.code === 'NO_COMMON_CODEC'

describe('SDP in a body', () => {
  it('is the body itself, whatever the parameters of its type', () => {
    assert.equal(sdpOf({ contentType: 'Application/SDP; charset=utf-8', content: SDP }), SDP)
  })

  it('is found beside something else, first or last', () => {
    const isup = part(
      'application/isup;version=nxv3',
      '\u0001\u0002binary',
      'Content-Disposition: signal;handling=optional',
    )
    const sdp = part('application/sdp', SDP, 'Content-Disposition: session')
    assert.equal(sdpOf(mixed(multipart('b1', isup, sdp))), SDP)
    assert.equal(sdpOf(mixed(multipart('b1', sdp, isup))), SDP)
  })

  it('is found with preamble, quoted boundary, folded and lower-case headers, and in a nested multipart', () => {
    const folded = 'content-type:\r\n application/sdp\r\n\r\nv=0\r\n'
    assert.equal(
      sdpOf({
        contentType: 'multipart/mixed; boundary="a b:c"',
        content: `for nobody\r\n${multipart('a b:c', folded)}`,
      }),
      'v=0\r\n',
    )
    const inner = part(
      'multipart/alternative;boundary=in',
      multipart('in', part('text/plain', 'x'), part('application/sdp', SDP)),
    )
    assert.equal(sdpOf(mixed(multipart('b1', part('text/plain', 'y'), inner))), SDP)
  })

  it('is found by the boundary parameter itself, not by what looks like it within quotes', () => {
    const contentType = 'multipart/mixed;x="; boundary=no";boundary="y\\"z"'
    assert.equal(sdpOf({ contentType, content: multipart('y"z', part('application/sdp', SDP)) }), SDP)
  })

  it('whose last line break belongs to the delimiter has one all the same', () => {
    assert.equal(sdpOf(mixed('--b1\r\nContent-Type: application/sdp\r\n\r\nv=0\r\ns=-\r\n--b1--')), 'v=0\r\ns=-\r\n')
  })

  for (const [name, lineBreak] of [
    ['LF', '\n'],
    ['CR', '\r'],
  ] as const) {
    it(`is found where every line ends in ${name} alone, and behind blanks`, () => {
      const content = multipart('b.1+', part('text/plain', 'x'), part('application/sdp ', SDP)).replace(
        '--b.1+',
        '--b.1+  ',
      )
      const body = {
        ...mixed(content.replaceAll('\r\n', lineBreak)),
        contentType: 'Multipart/Mixed ; Boundary = "b.1+"',
      }
      assert.equal(sdpOf(body).trimEnd(), SDP.replaceAll('\r\n', lineBreak).trimEnd())
    })
  }

  for (const [what, body] of [
    ['another type', { contentType: 'application/isup', content: SDP }],
    ['no part that is SDP', mixed(multipart('b1', part('text/plain', SDP)))],
    ['no boundary', { contentType: 'multipart/mixed', content: multipart('b1', part('application/sdp', SDP)) }],
    ['another boundary', mixed(multipart('b2', part('application/sdp', SDP)))],
    ['SDP after the end', mixed(`--b1--\r\n--b1\r\n${part('application/sdp', SDP)}\r\n--b1--`)],
    [
      'SDP in the 17th part',
      mixed(multipart('b1', ...Array(16).fill(part('text/plain', 'x')), part('application/sdp', SDP))),
    ],
    ['base64', mixed(multipart('b1', part('application/sdp', 'dj0wDQo=', 'Content-Transfer-Encoding: base64')))],
    ['a part without end of its head', mixed('--b1\r\nContent-Type: application/sdp\r\n--b1--')],
  ] as const) {
    it(`is missed with ${what}`, () => assert.throws(() => sdpOf(body), refused))
  }

  it('is found behind a boundary of 70 characters at most (RFC 2046 5.1.1)', () => {
    const nested = (boundary: string) => ({
      contentType: `multipart/mixed;boundary=${boundary}`,
      content: multipart(boundary, part('application/sdp', SDP)),
    })
    assert.equal(sdpOf(nested('b'.repeat(70))), SDP)
    assert.throws(() => sdpOf(nested('b'.repeat(71))), refused)
  })

  it('is found or refused in any text, also when nested a hundredfold', () => {
    let deep = part('application/sdp', SDP)
    for (let i = 0; i < 100; i++) deep = part(`multipart/mixed;boundary=d${i}`, multipart(`d${i}`, deep))
    assert.throws(() => sdpOf(mixed(multipart('b1', deep))), refused)
    const piece = fc.oneof(fc.constantFrom('--b1', '--b1--', '\r\n', 'Content-Type: application/sdp', SDP), fc.string())
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        try {
          assert.equal(typeof sdpOf(mixed(pieces.join(''))), 'string')
        } catch (error) {
          assert.ok(refused(error), String(error))
        }
      }),
    )
  })
})
