/** SDP in which only blanks, line breaks, or upper and lower case are odd says what the plain spelling says. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type MediaDescription, parseDescription } from '../../../src/sdp/media-description.js'
import { OfferAnswer } from '../../../src/sdp/offer-answer.js'

const PLAIN = [
  'v=0',
  'o=- 1 1 IN IP4 192.0.2.1',
  's=-',
  'c=IN IP4 192.0.2.7',
  't=0 0',
  'm=audio 4000 RTP/AVP 8 0 101',
  'a=rtpmap:8 PCMA/8000',
  'a=rtpmap:0 PCMU/8000',
  'a=rtpmap:101 telephone-event/8000',
  'a=fmtp:101 0-15',
  'a=rtcp:4009',
  'a=ptime:30',
  'a=maxptime:40',
  'a=sendonly',
  '',
].join('\r\n')

const same = (line: MediaDescription) => ({
  ...line,
  protocol: line.protocol.toUpperCase(),
  address: line.address?.toLowerCase(),
  payloads: line.payloads.map((payload) => ({ ...payload, name: payload.name.toLowerCase() })),
})

const read = (text: string) => parseDescription(text).map(same)

/** The answer as lines, whose codec may be spelled as in the offer. */
function answer(offer: string) {
  const local = { address: '192.0.2.1', port: 6000, rtcpPort: 6001, codecs: ['PCMU', 'PCMA'] as const }
  const { text, settled } = new OfferAnswer(local, 7).answer(offer)
  return { text: text.toLowerCase(), settled }
}

const change = (from: RegExp | string, to: string) => (text: string) => text.replaceAll(from, to)
const odd: [name: string, spell: (text: string) => string][] = [
  ['a blank at the end of each line', change('\r\n', ' \r\n')],
  ['tabs at the end of each line', change('\r\n', '\t\t\r\n')],
  ['LF alone', change('\r\n', '\n')],
  ['CR alone', change('\r\n', '\r')],
  ['CR CR LF', change('\r\n', '\r\r\n')],
  ['no line break at the end', (text) => text.trimEnd()],
  ['a NUL at the end', (text) => `${text}\0`],
  ['a NUL in place of the last line break', (text) => `${text.trimEnd()}\0`],
  ['empty lines', change('\r\n', '\r\n\r\n')],
  ['an empty line before v=', (text) => `\r\n${text}`],
  ['a byte order mark', (text) => `\uFEFF${text}`],
  ['two blanks in c=', change('IP4 192.0.2.7', 'IP4  192.0.2.7')],
  ['small letters in c=', change('c=IN IP4', 'c=in ip4')],
  ['a blank after the colon', change(/^(a=[a-z]+:)/gm, '$1 ')],
  ['a blank before the colon', change(/^(a=[a-z]+):/gm, '$1 :')],
  ['several blanks in m=', change('m=audio 4000 RTP/AVP 8 0 101', 'm=audio  4000\tRTP/AVP   8  0 \t101  ')],
  ['blanks around =', change(/^([a-z])=/gm, '$1 = ')],
  ['blanks before each line', change(/^(?=.)/gm, '  ')],
  ['capital attributes', (text) => text.replace(/^a=[a-z]+/gm, (start) => `a=${start.slice(2).toUpperCase()}`)],
  ['capital types of lines', (text) => text.replace(/^[a-z]=/gm, (type) => type.toUpperCase())],
  ['small names of codecs', (text) => text.replaceAll('PCM', 'pcm')],
  ['capitals in telephone-event', change('telephone-event', 'Telephone-Event')],
  ['a small transport', change('RTP/AVP', 'rtp/avp')],
  ['a capital medium', change('m=audio', 'm=Audio')],
  ['blanks around the slash of a clock rate', change('/8000', ' / 8000 ')],
  ['zeros before numbers', change(/(?<=:)(8|101|4009|30|40)\b/g, '0$1')],
  ['one channel written out', change('/8000', '/8000/1')],
]

describe('odd spelling of SDP', () => {
  for (const [name, spell] of odd) {
    it(`${name}: read as the plain spelling is, and answered alike`, () => {
      const text = spell(PLAIN)
      assert.notEqual(text, PLAIN)
      assert.deepEqual(read(text), read(PLAIN))
      assert.deepEqual(answer(text).settled, answer(PLAIN).settled)
    })
  }

  it('any valid description reads the same, however it is spelled', () => {
    const address = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain())
    const connection = address.map((host) => `c=IN ${host.includes(':') ? 'IP6' : 'IP4'} ${host}`)
    const attribute = fc.oneof(
      fc.constantFrom('a=sendrecv', 'a=sendonly', 'a=recvonly', 'a=inactive', 'a=ptime:20', 'a=maxptime:60'),
      fc.constantFrom('a=fmtp:101 0-15', 'a=rtcp:4001', 'a=rtpmap:8 PCMA/8000', 'a=rtpmap:0 PCMU/8000'),
      fc.constantFrom('a=rtpmap:101 telephone-event/8000', 'a=rtpmap:96 opus/48000/2', 'a=rtpmap:97 speex/16000'),
    )
    const media = fc
      .tuple(
        fc.constantFrom('audio', 'video', 'image'),
        fc.nat({ max: 65_535 }),
        fc.constantFrom('RTP/AVP', 'RTP/AVPF', 'RTP/SAVP', 'UDP/TLS/RTP/SAVPF'),
        fc.uniqueArray(fc.constantFrom('0', '8', '18', '96', '97', '101'), { minLength: 1 }),
        fc.option(connection),
        fc.array(attribute, { maxLength: 8 }),
      )
      .map(([kind, port, protocol, formats, own, attributes]) => [
        `m=${kind} ${port} ${protocol} ${formats.join(' ')}`,
        ...(own ? [own] : []),
        ...attributes,
      ])
    const description = fc
      .tuple(connection, fc.array(attribute, { maxLength: 2 }), fc.array(media, { maxLength: 3 }))
      .map(([above, attributes, lines]) => [
        'v=0',
        'o=- 1 1 IN IP4 192.0.2.1',
        's=-',
        above,
        't=0 0',
        ...attributes,
        ...lines.flat(),
      ])
    const blanks = fc.constantFrom(' ', '  ', '\t', ' \t ')
    const maybe = fc.constantFrom('', '', ' ', '\t')
    const spelled = (line: string) =>
      fc
        .tuple(maybe, maybe, maybe, blanks, maybe, fc.nat({ max: 2 }))
        .map(([before, around, colon, gap, after, letters]) => {
          const type = line.slice(0, 1)
          const value = line
            .slice(2)
            .replaceAll(' ', gap)
            .replace(':', line.startsWith('a=') ? `${colon}:${colon}` : ':')
          const cased = letters === 0 ? value : letters === 1 ? value.toUpperCase() : value.toLowerCase()
          return `${before}${letters === 1 ? type.toUpperCase() : type}${around}=${around}${cased}${after}`
        })
    const lineBreak = fc.constantFrom('\r\n', '\n', '\r', '\r\r\n', '\r\n\r\n')
    const both = description.chain((lines) =>
      fc
        .tuple(
          fc.tuple(...lines.map(spelled)),
          lineBreak,
          fc.boolean(),
          fc.constantFrom('', '\uFEFF'),
          fc.constantFrom('', '\0'),
        )
        .map(([odd, end, last, mark, nul]) => ({
          plain: lines.map((line) => `${line}\r\n`).join(''),
          odd: `${mark}${odd.join(end)}${last ? end : ''}${nul}`,
        })),
    )
    fc.assert(
      fc.property(both, ({ plain, odd }) => assert.deepEqual(read(odd), read(plain))),
      { numRuns: 2000 },
    )
  })
})
