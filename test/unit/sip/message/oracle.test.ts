/**
 * The parser of sip.js judges ours, on all valid messages of the tests and on messages and URIs made by chance. Where the two differ and
 * ours is right, the difference is listed with its section, and the list is tested as well: an entry that no longer holds fails.
 */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { octetsOf } from '../../../../src/base/octets.js'
import { parseMessage } from '../../../../src/sip/message/parser.js'
import { serialiseMessage } from '../../../../src/sip/message/serialise.js'
import { SEMANTICS } from '../../../integration/sip/torture/rfc4475-semantics.js'
import { INVALID, VALID } from '../../../integration/sip/torture/rfc4475-syntax.js'
import { IPV6 } from '../../../integration/sip/torture/rfc5118.js'
import { EXAMPLES, requestText, responseText, SOURCE } from '../../../support/sip-messages.js'
import {
  differences,
  ourMessage,
  ourUriView,
  ourView,
  theirUriView,
  theirView,
  type View,
} from '../../../support/sip-oracle.js'
import { messageTexts, uriTexts } from '../../../support/sip-texts.js'

type Verdict = 'sip.js refuses' | 'we refuse' | 'both refuse' | Record<string, [ours: unknown, theirs: unknown]>
type Known = readonly [text: string, section: string, reason: string, verdict: Verdict]

function verdictOf(ours: View | undefined, theirs: View | undefined): Verdict {
  if (!ours) return theirs ? 'we refuse' : 'both refuse'
  return theirs ? differences(ours, theirs) : 'sip.js refuses'
}

const AGREED: Verdict = {}
/** Bodies in ASCII: the torture tests give octets there, and sip.js counts characters. */
const asciiBody = (text: string): string =>
  text.replace(/\r\n\r\n.*$/s, (body) => body.replace(/[\u0080-\u00ff]/g, '?'))
const TORTURE = [...VALID, ...INVALID, ...SEMANTICS, ...IPV6].map(
  ({ name, text }) => [name, asciiBody(text.replaceAll('UNIQUE', 'u1').replaceAll('PORT', '5060'))] as const,
)

/** RFC 4475 and 5118, by name. The section without RFC is of RFC 3261. */
const KNOWN_OF_TORTURE: Readonly<Record<string, readonly [section: string, reason: string, verdict: Verdict]>> = {
  wsinv: [
    '25.1 and 7.3.1',
    'a backslash in a quoted string is not a part of the name; two Vias on one line are two',
    {
      'contact 0 name': ['Quoted string ""', 'Quoted string \\"\\"'],
      'from name': ['J Rosenberg \\"', 'J Rosenberg \\\\\\"'],
      'via 1 ;branch': ['z9hG4bK9ikj8', 'z9hG4bK30239'],
      'via 1 host': ['spindle.example.com', '192.168.255.111'],
      'via 1 transport': ['TCP', 'UDP'],
      'via 2 ;branch': ['z9hG4bK30239', undefined],
      'via 2 host': ['192.168.255.111', undefined],
      'via 2 transport': ['UDP', undefined],
    },
  ],
  inv2543: [
    '19.1.1',
    'maddr says where a request goes; it is not the host',
    { 'record-route 0 uri host': ['example.com', 'ss1.example.com'] },
  ],
  intmeth: ['RFC 4475 3.1.1.2', 'all of it is valid', 'sip.js refuses'],
  badaspec: ['RFC 4475 3.1.2.14', 'blanks around the address in brackets may be tolerated', 'sip.js refuses'],
  baddn: ['RFC 4475 3.1.2.15', 'a display name without quotes may be tolerated', 'sip.js refuses'],
  unkscm: ['21.4.14', 'an unknown scheme is answered 416, so it has to be read', 'sip.js refuses'],
  novelsc: ['21.4.14', 'an unknown scheme is answered 416, so it has to be read', 'sip.js refuses'],
  unksm2: ['RFC 4475 3.3.4', 'To and From may have any URI', 'sip.js refuses'],
  'ipv6-bug-abnf-3-colons': ['RFC 5118 4.10', 'three colons must be taken', 'sip.js refuses'],
  clerr: ['18.3', 'Content-Length is larger than the datagram', 'we refuse'],
  scalar02: ['8.1.1.5', 'CSeq and Max-Forwards are out of range', 'we refuse'],
  scalarlg: ['8.1.1.5', 'CSeq is out of range', 'we refuse'],
  escruri: ['19.1.1', 'a Request-URI has no headers', 'we refuse'],
  badvers: ['21.5.6', 'version 7.0 is answered 505', 'we refuse'],
  mismatch01: ['8.1.1.5', 'the method of CSeq is that of the request', 'we refuse'],
  mismatch02: ['8.1.1.5', 'the method of CSeq is that of the request', 'we refuse'],
  multi01: ['20', 'these headers come once', 'we refuse'],
  mcl01: ['20', 'Content-Length comes once', 'we refuse'],
}

const KNOWN_MESSAGES: readonly Known[] = [
  [
    requestText({ via: 'SIP/2.0/UDP h;branch=z9hG4bKa;rport=5062' }),
    'RFC 3581 4',
    'rport has a value in responses and behind the first proxy',
    { 'via 0 ;rport': ['5062', undefined] },
  ],
  [
    requestText({ from: '"A \\"B\\"" <sip:a@b>;tag=1' }),
    '25.1',
    'a backslash in a quoted string is not a part of the name',
    { 'from name': ['A "B"', 'A \\"B\\"'] },
  ],
  [
    requestText({ from: '"Voice\r\n mail" <sip:vm@example.com>;tag=1' }),
    '7.3.1',
    'a folded line is one line',
    { 'from name': ['Voice mail', 'Voice\r\n mail'] },
  ],
  [
    requestText({ to: '<sip:a@b>;x=1;x=2' }),
    '7.3.1',
    'a parameter comes once; the first counts, so that nothing that is appended changes it',
    { 'to ;x': ['1', '2'] },
  ],
  [requestText({ headers: ['Contact: *'] }), '10.2.2', '* is all bindings', 'sip.js refuses'],
  [requestText({ from: 'Jürgen <sip:j@x>;tag=1' }), '25.1', 'real names are beyond tokens', 'sip.js refuses'],
  [requestText({ from: '<tel:+493012>;tag=1' }), 'RFC 3966', 'tel is a URI as well', 'sip.js refuses'],
  [`\r\n${requestText()}`, '7.5', 'line breaks before the start line are ignored', 'sip.js refuses'],
  [responseText(200), '7.2', 'the reason phrase is for people: a 2xx is not lost for its signs', 'sip.js refuses'],
  [requestText({ headers: ['Subject: a\nb'] }), '25.1', 'a line feed alone ends no line', 'we refuse'],
  [
    requestText({ body: 'größe', contentLength: '4' }),
    '20.14',
    'Content-Length counts octets',
    { body: ['grö', 'größ'] },
  ],
  [requestText({ callId: '' }), '8.1.1', 'Call-ID is mandatory', 'we refuse'],
]

const KNOWN_URIS: readonly Known[] = [
  ['sip:a:b@x', '19.1.1', 'the password is not a part of the user', { 'uri user': ['a', 'a:b'] }],
  ['sip:a@x;maddr=192.0.2.1', '19.1.1', 'maddr is not the host', { 'uri host': ['x', '192.0.2.1'] }],
  ['sip:a@b;transport=UDP', '19.1.4', 'values are kept as written', { 'uri ;transport': ['UDP', 'udp'] }],
  ['sip:a@b;user=PHONE', '19.1.4', 'values are kept as written', { 'uri ;user': ['PHONE', 'phone'] }],
  ['sip:a@b;ttl=9', '19.1.1', 'ttl has a value', { 'uri ;ttl': ['9', undefined] }],
  ['sip:a@b;lr=on', '19.1.1', 'old proxies write a value, and want it back', { 'uri ;lr': ['on', '(no value)'] }],
  ['sip:a@b;lrx=y', '25.1', 'lrx is not lr', 'sip.js refuses'],
  ['tel:+49301', 'RFC 3966 3', 'tel is a URI as well', 'sip.js refuses'],
  ['urn:service:sos', 'RFC 5031', 'urn is a URI as well', 'sip.js refuses'],
  ['sip:a@my_host', 'RFC 1123 2.1', 'machines with an underscore in their names exist', 'sip.js refuses'],
  ['sip:#31#@x', '19.1.1', 'telephones write service codes without escapes', 'sip.js refuses'],
  ['sip:ü@x', '19.1.2', 'gateways write letters without escapes', 'sip.js refuses'],
  ['sip:%ff@x', '25.1', 'an escape is an octet, not always of UTF-8', 'sip.js refuses'],
  ['sip:@x', '25.1', 'an empty user is tolerated', 'sip.js refuses'],
  ['sip:a@b;x=', '25.1', 'an empty value is tolerated', 'sip.js refuses'],
  ['sip:a@b:65536', '18.1', 'a port has 16 bits', 'we refuse'],
]

describe('sip.js as the judge of our parser', () => {
  for (const [name, text] of Object.entries(EXAMPLES)) {
    it(`agrees: ${name}`, () => assert.deepEqual(verdictOf(ourView(text), theirView(text)), AGREED))
  }

  for (const [name, text] of TORTURE) {
    const [section, reason, verdict] = KNOWN_OF_TORTURE[name] ?? []
    it(`${verdict ? `differs (${section}: ${reason})` : 'agrees'}: ${name}`, () => {
      const found = verdictOf(ourView(text), theirView(text))
      assert.deepEqual(found, verdict ?? (found === 'both refuse' ? 'both refuse' : AGREED))
    })
  }

  for (const [text, section, reason, verdict] of KNOWN_MESSAGES) {
    it(`differs in a message (${section}): ${reason}`, () => {
      assert.deepEqual(verdictOf(ourView(text), theirView(text)), verdict)
    })
  }

  for (const [text, section, reason, verdict] of KNOWN_URIS) {
    it(`differs in ${text} (${section}): ${reason}`, () => {
      assert.deepEqual(verdictOf(ourUriView(text), theirUriView(text)), verdict)
    })
  }

  it('agrees on any URI', () => {
    fc.assert(
      fc.property(uriTexts, (text) => assert.deepEqual(verdictOf(ourUriView(text), theirUriView(text)), AGREED, text)),
      { numRuns: 500 },
    )
  })

  it('agrees on any message', function () {
    this.timeout(20_000)
    fc.assert(
      fc.property(messageTexts, (text) => assert.deepEqual(verdictOf(ourView(text), theirView(text)), AGREED, text)),
      { numRuns: 200 },
    )
  })
})

describe('a message that is parsed, written and parsed again', () => {
  const fieldsOf = (text: string): [key: string, value: string][] => [...parse(text).fields.entries()]
  const parse = (text: string) => parseMessage(octetsOf(text), SOURCE)

  function comesBack(text: string): void {
    const written = serialiseMessage(parse(text))
    assert.deepEqual(fieldsOf(written).filter(isKept), fieldsOf(text).filter(isKept))
    assert.deepEqual(ourView(written), ourView(text))
    assert.equal(serialiseMessage(parse(written)), written)
  }
  const isKept = ([key]: [string, string]): boolean => key !== 'content-length'

  it('says the same in the same order: the examples and the torture tests', () => {
    const texts = [...Object.values(EXAMPLES), ...TORTURE.map(([, text]) => text)].filter((text) => ourMessage(text))
    assert.ok(texts.length > 40)
    for (const text of texts) comesBack(text)
  })

  it('says the same in the same order: any message', () => {
    fc.assert(fc.property(messageTexts, comesBack), { numRuns: 500 })
  })
})
