import assert from 'node:assert/strict'
import fc from 'fast-check'
import { TelephonyError } from '../../../src/base/errors.js'
import { type MediaDescription, parseDescription } from '../../../src/sdp/media-description.js'
import { formatDescription } from '../../../src/sdp/write-description.js'

const lines = (...text: string[]): string => `${text.join('\r\n')}\r\n`
const HEAD = ['v=0', 'o=- 1 1 IN IP4 192.0.2.1', 's=-', 'c=IN IP4 192.0.2.1', 't=0 0']
const isBadSdp = (error: unknown) => error instanceof TelephonyError && error.code === 'BAD_SDP'

describe('SDP media description', () => {
  it('reads a media line with static and dynamic payload types', () => {
    const [audio] = parseDescription(
      lines(
        ...HEAD,
        'm=audio 4000 RTP/AVP 8 0 96 99',
        'a=rtpmap:96 telephone-event/8000',
        'a=fmtp:96 0-15',
        'a=ptime:30',
        'a=rtcp:4007',
        'a=sendonly',
      ),
    )
    assert.deepEqual(audio, {
      kind: 'audio',
      port: 4000,
      protocol: 'RTP/AVP',
      formats: ['8', '0', '96', '99'],
      payloads: [
        { payloadType: 8, name: 'PCMA', clockRate: 8000 },
        { payloadType: 0, name: 'PCMU', clockRate: 8000 },
        { payloadType: 96, name: 'telephone-event', clockRate: 8000, fmtp: '0-15' },
      ],
      address: '192.0.2.1',
      rtcpPort: 4007,
      direction: 'sendonly',
      ptimeMs: 30,
    })
  })

  it('lets a media overrule what stands above all media (RFC 4566 5.7, 6)', () => {
    const media = parseDescription(
      lines(...HEAD, 'a=inactive', 'm=audio 1 RTP/AVP 0', 'm=audio 2 RTP/AVP 0', 'c=IN IP4 192.0.2.7', 'a=recvonly'),
    )
    assert.deepEqual(
      media.map(({ address, direction }) => [address, direction]),
      [
        ['192.0.2.1', 'inactive'],
        ['192.0.2.7', 'recvonly'],
      ],
    )
  })

  for (const [line, expected] of [
    ['m=audio 49170/2 RTP/AVP 8', ['audio', 49_170, 'RTP/AVP', ['8']]],
    ['m=x-data 9 DCCP/TLS/RTP/SAVP-x 1 a.b', ['x-data', 9, 'DCCP/TLS/RTP/SAVP-x', ['1', 'a.b']]],
    ['m=audio 4000 RTP/AVP  0   8 ', ['audio', 4000, 'RTP/AVP', ['0', '8']]],
  ] as const) {
    it(`reads ${line}`, () => {
      const [media] = parseDescription(lines(...HEAD, line))
      assert.deepEqual([media?.kind, media?.port, media?.protocol, media?.formats], expected)
    })
  }

  for (const [what, text] of [
    ['an empty body', ''],
    ['no v= line', lines('o=- 1 1 IN IP4 192.0.2.1', 'm=audio 1 RTP/AVP 0')],
    ['another version', lines('v=1', 'm=audio 1 RTP/AVP 0')],
    ['a port beyond 65535', lines(...HEAD, 'm=audio 70000 RTP/AVP 0')],
    ['a negative port', lines(...HEAD, 'm=audio -1 RTP/AVP 0')],
    ['a media line of one word', lines(...HEAD, 'm=audio')],
    ['a media line with a control character', lines(...HEAD, 'm=au\tdio 1 RTP/AVP 0')],
    ['too many media', lines(...HEAD, ...Array(257).fill('m=audio 1 RTP/AVP 0'))],
    ['too many formats', lines(...HEAD, `m=audio 1 RTP/AVP ${Array(257).fill('0').join(' ')}`)],
    ['more than a SIP message holds', lines(...HEAD, `a=${'x'.repeat(66_000)}`)],
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.throws(() => parseDescription(text), isBadSdp)
    })
  }

  it('knows an attribute by its whole name', () => {
    const [audio] = parseDescription(
      lines(...HEAD, 'm=audio 1 RTP/AVP 0', 'a=sendonly', 'a=inactive-later', 'a=recvonly2'),
    )
    assert.equal(audio?.direction, 'sendonly')
  })

  it('takes the last of repeated lines that can be read, and the first format of a payload type', () => {
    const repeated = ['a=ptime:30', 'a=ptime:40', 'a=ptime', 'a=ptime:x', 'a=rtpmap:8 PCMA/8000', 'a=rtpmap:8 X/8000']
    const [audio] = parseDescription(lines(...HEAD, 'm=audio 1 RTP/AVP 8', ...repeated))
    assert.deepEqual([audio?.ptimeMs, audio?.payloads[0]?.name], [40, 'PCMA'])
  })

  it('takes names of Object.prototype for what they are', () => {
    const media = parseDescription(
      lines(...HEAD, 'm=__proto__ 1 constructor toString', 'a=__proto__:1', 'a=constructor'),
    )
    assert.equal(media[0]?.kind, '__proto__')
    assert.equal(({} as Record<string, unknown>).polluted, undefined)
  })

  it('takes what is usual on the largest scale: 128 formats, 40 media lines', () => {
    const formats = [...Array(128).keys()].join(' ')
    const media = parseDescription(lines(...HEAD, ...Array(40).fill(`m=audio 4000 RTP/AVP ${formats}`)))
    assert.deepEqual([media.length, media[39]?.formats.length], [40, 128])
  })

  for (const [value, port] of [
    ['1', 1],
    ['65535', 65_535],
    ['0', undefined],
    ['65536', undefined],
    ['-1', undefined],
  ] as const) {
    it(`a=rtcp:${value} (RFC 3605 2.1) ${port === undefined ? 'is not a port and is ignored' : 'names the port'}`, () => {
      const [media] = parseDescription(lines(...HEAD, 'm=audio 4000 RTP/AVP 8', `a=rtcp:${value}`))
      assert.equal(media?.rtcpPort, port)
    })
  }

  it('refuses other text with BAD_SDP, or reads a description that serialises and reads the same again', () => {
    const line = fc.oneof(
      fc.constantFrom(
        ...HEAD,
        'm=audio 4000 RTP/AVP 0 8 101',
        'a=rtpmap:101 telephone-event/8000',
        'a=sendonly',
        'a=rtcp:5',
      ),
      fc
        .tuple(fc.constantFrom('a=', 'm=', 'c=', 'o=', 'v=', 'm=audio ', 'a=rtpmap:', 'a=fmtp:0 '), fc.string())
        .map((p) => p.join('')),
      fc.string({ unit: 'binary' }),
    )
    const text = fc.array(line, { maxLength: 20 }).map((some) => lines(...HEAD.slice(0, 1), ...some))
    fc.assert(
      fc.property(text, (sdp) => {
        let media: readonly MediaDescription[]
        try {
          media = parseDescription(sdp)
        } catch (error) {
          return isBadSdp(error)
        }
        const origin = { sessionId: 1, version: 1, address: '192.0.2.1' }
        const kept = media.map((m) => (m.port === 0 ? refused(m) : { ...m, address: m.address ?? origin.address }))
        assert.deepEqual(parseDescription(formatDescription(origin, kept)).map(normal), kept.map(normal))
        return true
      }),
      { numRuns: 2000 },
    )
  })

  it('writes line for line what RFC 4566 5 wants, in its order', () => {
    const audio: MediaDescription = {
      kind: 'audio',
      port: 4000,
      protocol: 'RTP/AVP',
      formats: ['8', '101'],
      payloads: [
        { payloadType: 8, name: 'PCMA', clockRate: 8000 },
        { payloadType: 101, name: 'telephone-event', clockRate: 8000, fmtp: '0-15' },
      ],
      address: '192.0.2.7',
      rtcpPort: 4001,
      direction: 'sendrecv',
      ptimeMs: 20,
      maxPtimeMs: 60,
    }
    const refused = { ...audio, kind: 'video', port: 0, formats: ['31'] }
    const text = formatDescription({ sessionId: 7, version: 2, address: '192.0.2.1' }, [audio, refused])
    assert.deepEqual(text.split('\r\n'), [
      'v=0',
      'o=- 7 2 IN IP4 192.0.2.1',
      's=-',
      'c=IN IP4 192.0.2.1',
      't=0 0',
      'm=audio 4000 RTP/AVP 8 101',
      'c=IN IP4 192.0.2.7',
      'a=rtpmap:8 PCMA/8000',
      'a=rtpmap:101 telephone-event/8000',
      'a=fmtp:101 0-15',
      'a=rtcp:4001',
      'a=ptime:20',
      'a=maxptime:60',
      'a=sendrecv',
      'm=video 0 RTP/AVP 31',
      '',
    ])
  })

  it('reads hostile text in no time', function () {
    // What backtracks badly takes minutes on this.
    this.timeout(2000)
    const hostile = [
      `a=${' '.repeat(30_000)}x${' '.repeat(30_000)}x`,
      `a${'\0'.repeat(60_000)}x`,
      `c=IN IP4 ${'1.'.repeat(30_000)}`,
      ...[...Array(200)].map((_, i) => `a=rtpmap:${i % 128} ${'x/'.repeat(100)}`),
      `m=audio 1 RTP/AVP ${'0 '.repeat(30_000)}`,
      `a=candidate:${'1 '.repeat(8000)}`,
      `a=rtpmap:0 ${'a/'.repeat(7000)}`,
      `a=crypto:${'1 _'.repeat(5000)}`,
      `a=ssrc:${'1 a:'.repeat(4000)}`,
      `m=audio 1 ${'/'.repeat(15_000)} x`,
      `a=simulcast:${'send 1,2;'.repeat(1700)}`,
      `a=imageattr:${'* send [x=1] '.repeat(1200)}`,
    ]
    for (const line of hostile) {
      try {
        parseDescription(lines(...HEAD, line).slice(0, 65_536))
      } catch (error) {
        assert.ok(isBadSdp(error))
      }
    }
  })
})

/** RFC 3264 6: a refused media keeps its m= line only. */
const refused = (media: MediaDescription): MediaDescription => ({ ...media, payloads: [], direction: 'sendrecv' })

/** What of a media line survives where its names hold blanks or control characters, as noise does. */
function normal(media: MediaDescription) {
  const { kind, port, protocol, formats, direction, rtcpPort } = media
  return port === 0 ? { kind, port, protocol, formats } : { kind, port, protocol, formats, direction, rtcpPort }
}
