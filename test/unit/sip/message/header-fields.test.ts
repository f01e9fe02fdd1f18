/** Nothing in a message is lost or moved: every value, every Via, the order of lines with different names, the octets. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { octetsOf } from '../../../../src/base/octets.js'
import { HeaderFields, headerKey, headerSpelling } from '../../../../src/sip/message/header-fields.js'
import { parseMessage } from '../../../../src/sip/message/parser.js'
import { requestText, responseText, SDP, SOURCE } from '../../../support/sip-messages.js'
import { messageTexts } from '../../../support/sip-texts.js'

const parse = (text: string | Buffer) => parseMessage(typeof text === 'string' ? octetsOf(text) : text, SOURCE)

describe('header fields', () => {
  const filled = (...lines: [name: string, value: string][]): HeaderFields => {
    const fields = new HeaderFields()
    for (const [name, value] of lines) fields.add(name, value)
    return fields
  }
  const texts = (fields: HeaderFields): string[] => [...fields.entries()].map(([key, value]) => `${key}: ${value}`)

  it('keep the order of lines with different names', () => {
    const fields = filled(['Via', 'a'], ['Route', 'b'], ['v', 'c'], ['X-Own', 'd'], ['ROUTE', 'e, f'])
    assert.deepEqual(texts(fields), ['via: a', 'route: b', 'via: c', 'x-own: d', 'route: e', 'route: f'])
    assert.equal(fields.count, 6)
    assert.deepEqual([fields.first('v'), fields.all('Via'), fields.all('route')], ['a', ['a', 'c'], ['b', 'e', 'f']])
    assert.deepEqual([fields.first('y'), fields.all('y')], [undefined, []])
  })

  it('split lists only where values may share a line', () => {
    const fields = filled(['Via', 'a,b'], ['Subject', 'a,b'], ['Contact', '"a,b" <sip:c>, d'], ['Path', ','])
    assert.deepEqual(texts(fields), [
      ...['via: a', 'via: b', 'subject: a,b', 'contact: "a,b" <sip:c>', 'contact: d', 'path: ', 'path: '],
    ])
  })

  it('are set in the place of the first old value, or at the end', () => {
    const fields = filled(['From', 'a'], ['Via', 'b'], ['To', 'c'], ['Via', 'd'])
    fields.set('v', ['e', 'f, g', 'h'])
    assert.deepEqual(texts(fields), ['from: a', 'via: e', 'via: f, g', 'via: h', 'to: c'])
    fields.set('Contact', ['i'])
    fields.delete('VIA')
    fields.delete('absent')
    assert.deepEqual(texts(fields), ['from: a', 'to: c', 'contact: i'])
    assert.equal(fields.count, 3)
  })

  it('know long, compact and odd spellings of a name', () => {
    for (const [name, key] of [
      ...[
        ['v', 'via'],
        ['V', 'via'],
        ['VIA', 'via'],
        ['Via', 'via'],
        ['I', 'call-id'],
        ['CALL-id', 'call-id'],
      ],
      ...[
        ['z', 'z'],
        ['Z', 'z'],
        ['X-Own', 'x-own'],
        ['__proto__', '__proto__'],
        ['constructor', 'constructor'],
      ],
    ] as const) {
      assert.equal(headerKey(name), key, name)
    }
    const keys = ['call-id', 'cseq', 'www-authenticate', 'record-route', 'x-own', 'constructor']
    assert.deepEqual(keys.map(headerSpelling), [
      ...['Call-ID', 'CSeq', 'WWW-Authenticate', 'Record-Route', 'X-Own', 'Constructor'],
    ])
  })

  it('do not take a list apart that no message may have', () => {
    const fields = filled(['Route', ','.repeat(60_000)])
    assert.ok(fields.count < 300, String(fields.count))
    assert.equal(fields.all('route').join(',').length, 60_000)
  })

  it('treat a name from the prototype of objects like any other', () => {
    const fields = filled(['__proto__', 'a'], ['constructor', 'b'])
    assert.deepEqual(
      [fields.first('__proto__'), fields.first('constructor'), fields.first('toString')],
      ['a', 'b', undefined],
    )
  })
})

describe('a parsed message', () => {
  /** Lines of the head as they were written: the names as keys. */
  function linesOf(text: string): string[] {
    const [, ...lines] = text.slice(0, text.indexOf('\r\n\r\n')).split('\r\n')
    return lines.map(
      (line) => `${headerKey(line.slice(0, line.indexOf(':')))}: ${line.slice(line.indexOf(':') + 1).trim()}`,
    )
  }

  it('keeps every line in its order, and its octets', () => {
    fc.assert(
      fc.property(messageTexts, (text) => {
        const octets = octetsOf(text)
        const message = parse(octets)
        const lists = new Set(['contact', 'record-route']) // several of their values stand on one line
        const found = [...message.fields.entries()].map(([key, value]) => `${key}: ${value}`)
        const isSingle = (line: string): boolean => !lists.has(line.slice(0, line.indexOf(':')))
        assert.deepEqual(found.filter(isSingle), linesOf(text).filter(isSingle))
        assert.ok(message.octets.equals(octets))
      }),
      { numRuns: 300 },
    )
  })

  it('keeps octets that are not UTF-8, keep-alives before it, and what stands after its body', () => {
    const octets = Buffer.concat([
      Buffer.from('\r\n'),
      Buffer.from(requestText({ from: '"J\xfcrgen" <sip:a@b>;tag=1', body: SDP }), 'latin1'),
      Buffer.from('after'),
    ])
    const message = parse(octets)
    assert.ok(message.octets.equals(octets))
    assert.equal(message.body, SDP)
    assert.deepEqual(octetsOf(message.from.displayName), Buffer.from('J\xfcrgen', 'latin1'))
  })

  it('keeps every Via, on lines of their own or on one, topmost first', () => {
    const [first, second, third] = ['a', 'b', 'c'].map((name) => `SIP/2.0/UDP ${name};branch=z9hG4bK${name}`)
    const message = parse(requestText({ via: first ?? '', headers: [`v: ${second} , ${third}`] }))
    assert.deepEqual(message.vias, [first, second, third])
    assert.deepEqual([message.via.host, message.via.branch], ['a', 'z9hG4bKa'])
  })

  it('gives Record-Route in order, without those that no request can be sent to', () => {
    const headers = ['Record-Route: <sip:p2;lr>, broken', 'Record-Route: <tel:+49301>, "x" <sip:p1>']
    const message = parse(responseText(200, { headers }))
    assert.deepEqual(
      message.recordRoutes.map(({ text }) => text),
      ['<sip:p2;lr>', '"x" <sip:p1>'],
    )
    assert.equal(message.headers('record-route').length, 4)
    assert.equal(message.recordRoutes, message.recordRoutes)
  })

  const contacts: [value: string, uri: string | undefined][] = [
    ['<sip:a@b;x=1>;expires=3', 'sip:a@b;x=1'],
    ['sip:a@b;expires=3', 'sip:a@b'],
    ['*', undefined],
    ['<tel:+49301>', undefined],
    ['<urn:uuid:1>', undefined],
    ['*, <sip:a@b>', undefined],
    ['<sip:a@b>, <sip:c@d>', 'sip:a@b'],
  ]
  for (const [value, uri] of contacts) {
    it(`with Contact ${value} can ${uri === undefined ? 'not ' : ''}be answered by a request`, () => {
      const contact = `Contact: ${value}\r\n`
      assert.equal(parse(requestText().replace(/Contact: .*\r\n/, contact)).contact?.text, uri)
      assert.equal(parse(responseText(200, { headers: [contact.trim()] })).contact?.text, uri)
    })
  }

  it('has no Contact where there is none, or where a response has one that is malformed', () => {
    assert.equal(parse(requestText().replace(/Contact: .*\r\n/, '')).contact, undefined)
    assert.equal(parse(responseText(200, { headers: ['Contact: <<>'] })).contact, undefined)
  })
})
