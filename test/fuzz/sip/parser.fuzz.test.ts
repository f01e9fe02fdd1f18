import assert from 'node:assert/strict'
import fc from 'fast-check'
import { TelephonyError } from '../../../src/base/errors.js'
import { octetsOf } from '../../../src/base/octets.js'
import { ParsedRequest, type ParsedResponse } from '../../../src/sip/message/parsed-message.js'
import { parseMessage } from '../../../src/sip/message/parser.js'
import { serialiseMessage } from '../../../src/sip/message/serialise.js'
import { requestText, responseText, SDP, SOURCE } from '../../support/sip-messages.js'

/** STYLE.md's law: bytes are refused with a TelephonyError PARSE, or what was parsed serialises and parses again. */
function law(bytes: Buffer): void {
  let message: ParsedRequest | ParsedResponse
  try {
    message = parseMessage(bytes, SOURCE)
  } catch (error) {
    assert.ok(error instanceof TelephonyError && error.code === 'PARSE', String(error))
    return
  }
  const again = parseMessage(octetsOf(serialiseMessage(message)), SOURCE)
  assert.deepEqual(essence(again), essence(message))
}

const essence = (message: ParsedRequest | ParsedResponse) => ({
  start: message instanceof ParsedRequest ? [message.method, message.uri.text] : [message.status, message.reason],
  headers: [...message.fields.entries()].filter(([key]) => key !== 'content-length'),
  body: message.body,
  tags: [message.fromTag, message.toTag],
})

const seeds = [
  requestText({ body: SDP }),
  requestText({
    method: 'BYE',
    to: '"B, ob" <sip:bob@example.org;x=1?y>;tag=9',
    headers: ['Route: <sip:p1;lr>, <sip:p2;lr>'],
  }),
  responseText(200, {
    headers: ['m: <sip:b@192.0.2.2>', 'Subject: a', '  folded', 'WWW-Authenticate: Digest realm="x", nonce="y"'],
  }),
]
const pieces = [
  '\r\n',
  '\r\n ',
  '\n',
  '\0',
  ',',
  ';',
  '"',
  '<',
  '>',
  ':',
  '%',
  '=',
  '@',
  '\\',
  ' ',
  'ü',
  '\u2028',
  '__proto__',
  'Via: ',
  '-1',
]

const mutated = fc
  .tuple(
    fc.constantFrom(...seeds),
    fc.array(fc.tuple(fc.nat(700), fc.nat(6), fc.oneof(fc.constantFrom(...pieces), fc.string({ maxLength: 4 }))), {
      minLength: 1,
      maxLength: 5,
    }),
  )
  .map(([seed, edits]) =>
    edits.reduce((text, [at, cut, insert]) => text.slice(0, at) + insert + text.slice(at + cut), seed),
  )

describe('SIP parser, fuzzed', () => {
  it('keeps the law on any bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => law(Buffer.from(bytes))))
  })

  it('keeps the law on mutated messages', () => {
    fc.assert(
      fc.property(mutated, (text) => law(Buffer.from(text))),
      { numRuns: 3000 },
    )
  })

  it('keeps the law on messages with raw octets in them', () => {
    fc.assert(
      fc.property(fc.constantFrom(...seeds), fc.nat(600), fc.uint8Array({ maxLength: 3 }), (seed, at, octets) =>
        law(Buffer.concat([Buffer.from(seed.slice(0, at)), Buffer.from(octets), Buffer.from(seed.slice(at))])),
      ),
      { numRuns: 1000 },
    )
  })
})

describe('SIP parser, against long input', () => {
  const attacks: [name: string, text: string][] = [
    ['spaces in Via', requestText({ via: `SIP/2.0/UDP x${' '.repeat(60_000)}y` })],
    ['spaces before a missing colon', requestText({ headers: [`A${' '.repeat(60_000)}`] })],
    ['open quotes', requestText({ from: `${'"\\'.repeat(30_000)} <sip:a@b>` })],
    ['angle brackets', requestText({ to: '<'.repeat(60_000) })],
    ['commas', requestText({ headers: [`Route: ${','.repeat(60_000)}`] })],
    ['semicolons', requestText({ to: `<sip:a@b>${';a'.repeat(30_000)}` })],
    ['folded lines', requestText({ headers: [`Subject: ${'\r\n '.repeat(20_000)}`] })],
    ['a long CSeq', requestText({ cseq: '1'.repeat(60_000) })],
    ['tabs in CSeq', requestText({ cseq: `1${'\t'.repeat(60_000)}` })],
    ['header lines', requestText({ headers: [Array(15_000).fill('a:').join('\r\n')] })],
  ]
  for (const [name, text] of attacks) {
    it(`takes no quadratic time: ${name}`, function () {
      this.timeout(2000) // a quadratic parser needs many seconds for 60 KB; ours under 10 ms
      law(Buffer.from(text))
    })
  }
})
