import assert from 'node:assert/strict'
import { BadRequest } from '../../../../src/sip/message/parse-error.js'
import { ParsedRequest, type ParsedResponse } from '../../../../src/sip/message/parsed-message.js'
import { parseMessage } from '../../../../src/sip/message/parser.js'
import { requestText, responseText, SDP, SOURCE } from '../../../support/sip-messages.js'

const parse = (text: string) => parseMessage(Buffer.from(text), SOURCE)
const request = (text: string): ParsedRequest => {
  const message = parse(text)
  assert.ok(message instanceof ParsedRequest)
  return message
}

describe('SIP parser', () => {
  it('yields what a request says', () => {
    const message = request(requestText({ body: SDP, headers: ['Record-Route: <sip:p1;lr>, <sip:p2;lr>'] }))
    assert.equal(message.method, 'INVITE')
    assert.equal(message.uri.text, 'sip:bob@example.org')
    assert.equal(message.via.branch, 'z9hG4bK776asdhds')
    assert.equal(message.cseq, 314159)
    assert.equal(message.callId, 'a84b4c76e66710@pc33.example.com')
    assert.equal(message.fromTag, '1928301774')
    assert.equal(message.toTag, '')
    assert.equal(message.header('contact'), '<sip:alice@192.0.2.1:5060>')
    assert.equal(message.contact?.text, 'sip:alice@192.0.2.1:5060')
    assert.deepEqual(
      message.recordRoutes.map(({ uri }) => uri.host),
      ['p1', 'p2'],
    )
    assert.equal(message.header('Content-Type'), 'application/sdp')
    assert.equal(message.body, SDP)
    assert.equal(message.from.displayName, 'Alice')
    assert.equal(message.source, SOURCE)
  })

  for (const [what, uri, routes, asked] of [
    ['our URI', 'sip:192.0.2.9:5060', ['<sip:p1;lr>, <sip:bob@example.org>'], 'sip:bob@example.org'],
    [
      'our URI, routes on several lines',
      'sip:192.0.2.9',
      ['<sip:p1>', '<sip:bob@example.org;x=y>'],
      'sip:bob@example.org;x=y',
    ],
    ['our URI and no Route', 'sip:192.0.2.9', [], 'sip:192.0.2.9'],
    ['our URI, a proxy last', 'sip:192.0.2.9', ['<sip:bob@p1;lr>'], 'sip:192.0.2.9'],
    ['our URI, a host last', 'sip:192.0.2.9', ['<sip:p1>'], 'sip:192.0.2.9'],
    ['one of our users', 'sip:carol@192.0.2.9', ['<sip:bob@example.org>'], 'sip:carol@192.0.2.9'],
    ['our URI, headers in the last Route', 'sip:192.0.2.9', ['<sip:bob@example.org?X=y>'], 'sip:192.0.2.9'],
    ['our URI, a malformed Route last', 'sip:192.0.2.9', ['<sip:bob@example.org>', '<sip:'], 'sip:192.0.2.9'],
  ] as const) {
    it(`after a strict router (RFC 3261 16.4): ${what} in the Request-URI`, () => {
      const headers = routes.map((route) => `Route: ${route}`)
      assert.equal(request(requestText({ uri, headers })).target.text, asked)
    })
  }

  it('takes octets of zero that fill a datagram without Content-Length for no part of the body', () => {
    const text = requestText({ body: SDP }).replace(/Content-Length: \d+\r\n/, '')
    assert.equal(request(text).body, SDP)
    assert.equal(request(`${text}\0\0\0`).body, SDP)
  })

  it('yields what a response says, whatever the reason phrase', () => {
    const message = parse(responseText(486)) as ParsedResponse
    assert.deepEqual([message.status, message.method, message.toTag], [486, 'INVITE', '2'])
    assert.equal(message.reason, 'Whatever "they" say')
    assert.equal(
      (parse(`SIP/2.0 100\r\n${responseText().split('\r\n').slice(1).join('\r\n')}`) as ParsedResponse).reason,
      '',
    )
  })

  it('reads the short tortuous INVITE of RFC 4475 3.1.1.1', () => {
    const message = request(
      [
        'INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0',
        'TO :',
        ' sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n',
        'from   : "J Rosenberg \\\\\\""       <sip:jdrosen@example.com>',
        '  ;',
        '  tag = 98asjd8',
        'MaX-fOrWaRdS: 0068',
        'Call-ID: wsinv.ndaksdj@192.0.2.1',
        'Content-Length   : 5',
        'cseq: 0009',
        '  INVITE',
        'Via  : SIP  /   2.0',
        ' /UDP',
        '    192.0.2.2;branch=390skdjuw',
        's :',
        'NewFangledHeader:   newfangled value',
        ' continued newfangled value',
        'UnknownHeaderWithUnusualValue: ;;,,;;,;',
        'Content-Type: application/sdp',
        'Route:',
        ' <sip:services.example.com;lr;unknownwith=value;unknown-no-value>',
        'v:  SIP  / 2.0  / TCP     spindle.example.com   ;',
        '  branch  =   z9hG4bK9ikj8  ,',
        ' SIP  /    2.0   / UDP  192.168.255.111   ; branch=',
        ' z9hG4bK30239',
        'm:"Quoted string \\"\\"" <sip:jdrosen@example.com> ; newparam =',
        '      newvalue ;',
        '  secondparam ; q = 0.33',
        '',
        'v=0\r\n',
      ].join('\r\n'),
    )
    assert.equal(message.toTag, '1918181833n')
    assert.equal(message.from.displayName, 'J Rosenberg \\"')
    assert.equal(message.cseq, 9)
    assert.equal(message.via.branch, '390skdjuw')
    assert.equal(message.headers('via').length, 3)
    assert.equal(message.header('subject'), '')
    assert.equal(message.header('newfangledheader'), 'newfangled value continued newfangled value')
    assert.equal(message.body, 'v=0\r\n')
  })

  it('takes URIs and names that strict readers drop', () => {
    const uris = [
      'tel:+4912345',
      'sip:#31#service@ex.com',
      'sip:service@my_host',
      'sip:a%25b@x',
      'sip:[2001:db8::1]:5070',
      'urn:service:sos',
    ]
    for (const uri of uris) assert.equal(request(requestText({ uri })).uri.text, uri)
    assert.equal(request(requestText({ from: 'Jürgen <sip:j@x>;tag=1' })).from.displayName, 'Jürgen')
    assert.equal(request(requestText({ from: '<tel:+123>;tag=1' })).from.uri.user, '+123')
    assert.equal(
      request(requestText({ headers: ['Contact: *'] }))
        .headers('contact')
        .at(-1),
      '*',
    )
  })

  it('keeps the user part with parameters as it stands', () => {
    const { uri } = request(requestText({ uri: 'sip:user;par=u%40example.net@example.com' }))
    assert.equal(uri.user, 'user;par=u@example.net')
    assert.equal(uri.toString(), 'sip:user;par=u%40example.net@example.com')
  })

  it('treats __proto__ and constructor as names like any other', () => {
    const message = request(
      requestText({ method: '__proto__', headers: ['__proto__: a', 'constructor: b', 'hasOwnProperty: c'] }),
    )
    assert.equal(message.method, '__proto__')
    assert.deepEqual(message.headers('__PROTO__'), ['a'])
    assert.equal(message.header('constructor'), 'b')
    assert.equal(message.header('toString'), undefined)
  })

  it('counts the body in octets and drops what follows it', () => {
    const body = 'größe'
    const message = request(`${requestText({ body, contentLength: '7' })}OPTIONS sip:hidden@x SIP/2.0`)
    assert.equal(message.body, body)
  })

  const refused: [why: string, text: string, status: number][] = [
    ['Content-Length negative', requestText({ contentLength: '-1' }), 400],
    ['Content-Length hexadecimal', requestText({ contentLength: '0x0' }), 400],
    ['Content-Length signed', requestText({ contentLength: '+0' }), 400],
    ['Content-Length empty', requestText({ contentLength: '' }), 400],
    ['Content-Length with text', requestText({ contentLength: '0 octets' }), 400],
    ['Content-Length with a vertical tab', requestText({ contentLength: '0\u000b' }), 400],
    ['a vertical tab before the colon', requestText({ headers: ['X\u000b: y'] }), 400],
    ['From with a tag that is empty', requestText({ from: '<sip:a@b>;tag=' }), 400],
    ['To with a tag that is empty', requestText({ to: '<sip:a@b>;tag' }), 400],
    ['Content-Length doubled', requestText({ headers: ['l: 0'] }), 400],
    ['Content-Length larger than what came', requestText({ contentLength: '9' }), 400],
    ['CSeq of another method', requestText({ cseq: '1 OPTIONS' }), 400],
    ['CSeq too large', requestText({ cseq: '36893488147419103232 INVITE' }), 400],
    ['CSeq missing', requestText({ cseq: '' }), 400],
    ['From missing', requestText({ from: '' }), 400],
    ['To missing', requestText({ to: '' }), 400],
    ['Call-ID missing', requestText({ callId: '' }), 400],
    ['From doubled', requestText({ headers: ['f: <sip:x@y>;tag=1'] }), 400],
    ['Max-Forwards too large', requestText({ headers: [] }).replace('Max-Forwards: 70', 'Max-Forwards: 300'), 400],
    ['open quote in To', requestText({ to: '"Mr. J. User <sip:j@x>' }), 400],
    ['empty parameters in Via', requestText({ via: 'SIP/2.0/UDP 192.0.2.15;branch=z9hG4bKkdjuw;;,;,,' }), 400],
    ['empty parameters in Contact', requestText({ headers: ['m: <sip:a@b>;;,;,,'] }), 400],
    ['Contact with headers outside of brackets', requestText({ headers: ['m: sip:a@b?Route=%3Csip:x%3E'] }), 400],
    ['Request-URI in brackets', requestText({ uri: '<sip:bob@example.org>' }), 400],
    ['Request-URI with white space', requestText({ uri: 'sip:bob@example.org; lr' }), 400],
    ['Request-URI with headers', requestText({ uri: 'sip:bob@example.org?Route=%3Csip:x%3E' }), 400],
    ['Request-URI too long', requestText({ uri: `sip:${'a'.repeat(510)}@x` }), 414],
    ['another version', requestText({ version: '7.0' }), 505],
    [
      'another version in Via too',
      requestText({ version: '7.0', via: 'SIP/7.0/UDP c.example.com;branch=z9hG4bKa' }),
      505,
    ],
    ['version 3', requestText({ version: '3.0' }), 505],
    ['line without colon', requestText({ headers: ['no colon here'] }), 400],
    ['stray line feed in a value', requestText({ headers: ['Subject: a\nVia: b'] }), 400],
    ['stray carriage return in a value', requestText({ from: '<sip:a@b>;tag=1\rX: y' }), 400],
    ['body without Content-Type', requestText({ body: 'x' }).replace('Content-Type: application/sdp\r\n', ''), 400],
    ['too many header fields', requestText({ headers: Array.from({ length: 300 }, (_, i) => `X-${i}: 1`) }), 400],
    ['too many values on one line', requestText({ headers: [`Route: ${'<sip:x>,'.repeat(300)}<sip:x>`] }), 400],
  ]
  for (const [why, text, status] of refused) {
    it(`refuses with ${status}: ${why}`, () => {
      assert.throws(
        () => parse(text),
        (error) =>
          error instanceof BadRequest && error.status === status && error.code === 'PARSE' && error.via.host !== '',
      )
    })
  }

  it('takes a response whatever separators its reason phrase holds', () => {
    const text = responseText(486).replace('Whatever', 'Besetzt\u2028\u2029\u0085')
    assert.equal((parse(text) as ParsedResponse).status, 486)
  })

  it('takes a response with Contacts that other devices got wrong', () => {
    const headers = ['Contact: <<>, <sip:other one@x>', 'Contact: <sip:me@y>;expires=60']
    assert.equal(parse(responseText(200, { headers })).headers('contact').length, 3)
  })

  const unreadable: [why: string, text: string][] = [
    ['no SIP at all', 'hello\r\n\r\n'],
    ['no end of headers', 'INVITE sip:a@b SIP/2.0\r\nVia: x'],
    ['a request without Via', requestText({ via: '' })],
    ['a response with a wild status', responseText(200).replace('200', '4294967301')],
    ['a response with an overlarge CSeq', responseText(200, { cseq: '9292394834772304023312 OPTIONS' })],
    ['a response without From', responseText(200).replace(/From: .*\r\n/, '')],
  ]
  for (const [why, text] of unreadable) {
    it(`throws PARSE, with nobody to answer: ${why}`, () => {
      assert.throws(
        () => parse(text),
        (error: { code?: string }) => error.code === 'PARSE' && !(error instanceof BadRequest),
      )
    })
  }

  it('skips line breaks before the start line (RFC 3261 7.5)', () => {
    assert.equal(request(`\r\n\r\n${requestText()}`).method, 'INVITE')
  })
})
