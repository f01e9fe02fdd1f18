import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { CodecName, Direction } from '../../../src/base/audio.js'
import { TelephonyError } from '../../../src/base/errors.js'
import { OfferAnswer } from '../../../src/sdp/offer-answer.js'

const codecs: CodecName[] = ['PCMA', 'PCMU']
const us = (names = codecs): OfferAnswer =>
  new OfferAnswer({ address: '127.0.0.1', port: 4000, rtcpPort: 4001, codecs: names }, 77)

function sdp(media: string[], host = '192.0.2.9'): string {
  return ['v=0', `o=p 1 1 IN IP4 ${host}`, 's=-', `c=IN IP4 ${host}`, 't=0 0', ...media, ''].join('\r\n')
}
const phone = (formats = '8 0 101', ...more: string[]): string =>
  sdp([`m=audio 30000 RTP/AVP ${formats}`, 'a=rtpmap:101 telephone-event/8000', ...more])

const hasCode = (code: string) => (error: unknown) => error instanceof TelephonyError && error.code === code
const matching = (text: string, pattern: RegExp): string[] => text.split('\r\n').filter((line) => pattern.test(line))

describe('packet time', () => {
  for (const [wish, limit, sends] of [
    [undefined, undefined, 20],
    [10, undefined, 10],
    [20, 150, 20],
    [30, undefined, 30],
    [40, 40, 40],
    [50, undefined, 40],
    [60, undefined, 60],
    [200, undefined, 60],
    [5, undefined, 10],
    [undefined, 10, 10],
    [undefined, 60, 20],
    [60, 30, 30],
  ]) {
    it(`a=ptime:${wish ?? '-'}, a=maxptime:${limit ?? '-'}: we send ${sends} ms and ask for 20`, () => {
      const lines = [...(wish ? [`a=ptime:${wish}`] : []), ...(limit ? [`a=maxptime:${limit}`] : [])]
      const { text, settled } = us().answer(phone('8', ...lines))
      assert.equal(settled.ptimeMs, sends)
      assert.deepEqual(matching(text, /ptime/), ['a=ptime:20'])
      const ours = us()
      ours.offer()
      assert.equal(ours.accept(phone('8', ...lines)).ptimeMs, sends)
    })
  }

  it('stands above all media too', () => {
    const { settled } = us().answer(phone('8').replace('t=0 0', 't=0 0\r\na=ptime:30'))
    assert.equal(settled.ptimeMs, 30)
  })
})

describe('IPv6', () => {
  const six = () => new OfferAnswer({ address: '2001:db8::1', port: 4000, rtcpPort: 4001, codecs }, 77)
  const sdp6 = (host: string) => phone('8').replaceAll('IP4 192.0.2.9', `IP6 ${host}`)

  it('is offered, answered and settled', () => {
    assert.deepEqual(matching(six().offer(), /^[oc]=/), ['o=- 77 1 IN IP6 2001:db8::1', 'c=IN IP6 2001:db8::1'])
    const { text, settled } = six().answer(sdp6('2001:db8::9'))
    assert.deepEqual(matching(text, /^c=/), ['c=IN IP6 2001:db8::1'])
    assert.equal(settled.remote.host, '2001:db8::9')
  })

  it(':: asks for silence, as 0.0.0.0 does, and the address stays what it was', () => {
    const ours = six()
    ours.answer(sdp6('2001:db8::9'))
    const { settled, text } = ours.answer(sdp6('::'))
    assert.deepEqual([settled.direction, settled.remote.host], ['recvonly', '2001:db8::9'])
    assert.deepEqual(matching(text, /^a=(send|recv|inactive)/), ['a=recvonly'])
  })

  for (const [what, ours, host, says] of [
    [
      'IPv6 where we have IPv4',
      us(),
      'IP6 2001:db8::9',
      /“2001:db8::9”, which is an IPv6 address, but our media uses IPv4/,
    ],
    [
      'IPv4 where we have IPv6',
      six(),
      'IP4 192.0.2.9',
      /“192\.0\.2\.9”, which is an IPv4 address, but our media uses IPv6/,
    ],
    ['a multicast group', us(), 'IP4 224.2.1.1/127', /neither a unicast address nor a host name/],
    [
      'a multicast group without a TTL',
      us(),
      'IP4 239.1.1.1',
      /“239\.1\.1\.1”, which is not the address of one machine/,
    ],
    ['a multicast group of IPv6', six(), 'IP6 ff15::101', /“ff15::101”, which is not the address of one machine/],
    ['the broadcast address', us(), 'IP4 255.255.255.255', /“255\.255\.255\.255”, which is not the address of one/],
    ['an address with a slip in it', us(), 'IP4 192.0.2.256', /neither a unicast address nor a host name/],
  ] as const) {
    it(`${what} is refused, and the reason says so`, () => {
      const offer = phone('8').replaceAll('IP4 192.0.2.9', host)
      assert.throws(
        () => ours.answer(offer),
        (error) => hasCode('NO_COMMON_CODEC')(error) && says.test(String(error)),
      )
      // In a media description too, and in an answer.
      ours.offer()
      assert.throws(() => ours.accept(`${phone('8')}c=IN ${host}\r\n`), hasCode('NO_COMMON_CODEC'))
    })
  }
})

describe('a host name in c= (RFC 8866 5.7)', () => {
  for (const name of [
    'media.example.com',
    'Media.Example.COM',
    'pbx',
    'localhost',
    'sbc_1.example.',
    'xn--bcher-kva.example',
  ]) {
    it(`“${name}” is settled as it is, to be looked up elsewhere`, () => {
      const offer = phone('8').replace('c=IN IP4 192.0.2.9', `c=IN IP4 ${name}`)
      assert.equal(us().answer(offer).settled.remote.host, name.toLowerCase())
      const ours = us()
      ours.offer()
      assert.equal(ours.accept(offer).remote.host, name.toLowerCase())
    })
  }

  it('stands above all media or in one of them, as IP4 or IP6', () => {
    const above = phone('8').replace('c=IN IP4 192.0.2.9', 'c=IN IP6 above.example')
    assert.equal(us().answer(above).settled.remote.host, 'above.example')
    const own = `${above}c=IN IP4 own.example\r\n`
    assert.equal(us().answer(own).settled.remote.host, 'own.example')
  })

  for (const name of [
    '1.2.3',
    'a..b',
    '.',
    'höst.example',
    `${'a'.repeat(64)}.example`,
    `${'a.'.repeat(127)}example`,
    'a/24',
    '::1%lo',
  ]) {
    it(`“${name.slice(0, 20)}” is refused`, () => {
      const offer = phone('8').replace('c=IN IP4 192.0.2.9', `c=IN IP4 ${name}`)
      assert.throws(() => us().answer(offer), hasCode('NO_COMMON_CODEC'))
    })
  }
})

describe('offer', () => {
  it('names every codec, telephone-event 101, ptime 20 and the RTCP port', () => {
    assert.deepEqual(us().offer().split('\r\n'), [
      'v=0',
      'o=- 77 1 IN IP4 127.0.0.1',
      's=-',
      'c=IN IP4 127.0.0.1',
      't=0 0',
      'm=audio 4000 RTP/AVP 8 0 101',
      'a=rtpmap:8 PCMA/8000',
      'a=rtpmap:0 PCMU/8000',
      'a=rtpmap:101 telephone-event/8000',
      'a=fmtp:101 0-15',
      'a=rtcp:4001',
      'a=ptime:20',
      'a=sendrecv',
      '',
    ])
  })

  it('settles on what the answer names, with the peer’s number for events', () => {
    const ours = us()
    ours.offer()
    const answer = sdp(['m=audio 30000 RTP/AVP 0 97', 'a=rtpmap:97 telephone-event/8000', 'a=rtcp:30009'])
    assert.deepEqual(ours.accept(answer), {
      remote: { host: '192.0.2.9', port: 30_000, rtcpPort: 30_009 },
      codec: 'PCMU',
      payloadType: 0,
      telephoneEvent: { send: 97, receive: 101 },
      direction: 'sendrecv',
      theirs: 'sendrecv',
      ptimeMs: 20,
    })
  })

  it('takes a second answer to the same offer: a fork’s, or the 2xx after the 183', () => {
    const ours = us()
    ours.offer()
    assert.equal(ours.accept(phone('8')).codec, 'PCMA')
    assert.equal(ours.accept(phone('0')).codec, 'PCMU')
  })

  it('knows whether an answer is outstanding', () => {
    const ours = us()
    assert.equal(ours.awaitsAnswer, false)
    ours.offer()
    assert.equal(ours.awaitsAnswer, true)
    ours.accept(phone())
    assert.equal(ours.awaitsAnswer, false)
  })

  for (const [what, answer, code] of [
    ['another codec', phone('18'), 'NO_COMMON_CODEC'],
    ['a refused stream', sdp(['m=audio 0 RTP/AVP 8']), 'NO_COMMON_CODEC'],
    ['no media at all', sdp([]), 'BAD_SDP'],
    ['video in the place of audio', sdp(['m=video 30000 RTP/AVP 8']), 'BAD_SDP'],
    ['an IPv6 address', sdp(['m=audio 30000 RTP/AVP 8', 'c=IN IP6 2001:db8::1']), 'NO_COMMON_CODEC'],
    ['a multicast address with TTL', sdp(['m=audio 30000 RTP/AVP 8', 'c=IN IP4 224.2.1.1/127']), 'NO_COMMON_CODEC'],
    ['encryption that was not offered', sdp(['m=audio 30000 RTP/SAVP 8']), 'NO_COMMON_CODEC'],
  ] as const) {
    it(`refuses an answer with ${what} and keeps what was settled`, () => {
      const ours = us()
      ours.offer()
      const before = ours.accept(phone())
      ours.offer()
      assert.throws(() => ours.accept(answer), hasCode(code))
      assert.equal(ours.settled, before)
    })
  }

  it('names the codec in use first when it offers again, and raises the version for that change only', () => {
    const ours = us()
    ours.offer()
    ours.accept(phone('0 101'))
    const again = ours.offer()
    assert.deepEqual(matching(again, /^[mo]=/), ['o=- 77 2 IN IP4 127.0.0.1', 'm=audio 4000 RTP/AVP 0 8 101'])
    assert.equal(ours.offer(), again)
  })
})

describe('another local address', () => {
  it('stands in the next offer and in answers; of o= only the version changes (RFC 3264 8, 8.3.1)', () => {
    const ours = us()
    ours.offer()
    ours.accept(phone())
    ours.relocate({ address: '192.0.2.77', port: 5000, rtcpPort: 5001 })
    const where = /^([omc]=|a=rtcp:)/
    const o = 'o=- 77 2 IN IP4 127.0.0.1'
    assert.deepEqual(matching(ours.offer(), where), [
      o,
      'c=IN IP4 192.0.2.77',
      'm=audio 5000 RTP/AVP 8 0 101',
      'a=rtcp:5001',
    ])
    ours.withdraw()
    assert.deepEqual(matching(ours.answer(phone('8')).text, /^[omc]=/), [
      'o=- 77 3 IN IP4 127.0.0.1',
      'c=IN IP4 192.0.2.77',
      'm=audio 5000 RTP/AVP 8',
    ])
  })
})

describe('answer', () => {
  it('takes one codec and telephone-event under the offer’s numbers', () => {
    const { text, settled } = us().answer(
      sdp(['m=audio 30000 RTP/AVP 18 98 0 96', 'a=rtpmap:98 PCMA/8000', 'a=rtpmap:96 telephone-event/8000']),
    )
    assert.deepEqual(matching(text, /^m=|rtpmap/), [
      'm=audio 4000 RTP/AVP 98 96',
      'a=rtpmap:98 PCMA/8000',
      'a=rtpmap:96 telephone-event/8000',
    ])
    assert.equal(settled.payloadType, 98)
    assert.deepEqual(settled.telephoneEvent, { send: 96, receive: 96 })
  })

  it('names no telephone-event where none was offered, nor one at another clock', () => {
    assert.equal(us().answer(phone('8')).settled.telephoneEvent, undefined)
    const wide = sdp(['m=audio 30000 RTP/AVP 8 101', 'a=rtpmap:101 telephone-event/16000'])
    assert.equal(us().answer(wide).settled.telephoneEvent, undefined)
  })

  it('keeps the order of media lines and refuses all but one audio', () => {
    const offer = sdp([
      'm=video 5000 RTP/AVP 96',
      'm=audio 30000 RTP/SAVP 8',
      'm=audio 30002 RTP/AVP 8',
      'm=audio 30004 RTP/AVP 8',
      'm=image 6000 udptl t38',
    ])
    const ours = us()
    const { text, settled } = ours.answer(offer)
    const expected = [
      'm=video 0 RTP/AVP 96',
      'm=audio 0 RTP/SAVP 8',
      'm=audio 4000 RTP/AVP 8',
      'm=audio 0 RTP/AVP 8',
      'm=image 0 udptl t38',
    ]
    assert.deepEqual(matching(text, /^m=/), expected)
    assert.equal(settled.remote.port, 30_002)
    // RFC 3264 8: our own later offer has the same lines.
    expected[2] = 'm=audio 4000 RTP/AVP 8 0 101'
    assert.deepEqual(matching(ours.offer(), /^m=/), expected)
  })

  it('follows the offerer’s order of codecs', () => {
    assert.equal(us().answer(phone('0 8')).settled.codec, 'PCMU')
    assert.equal(us(['PCMA']).answer(phone('0 8')).settled.codec, 'PCMA')
  })

  it('keeps the codec in use when it is offered again', () => {
    const ours = us()
    ours.answer(phone('8 0'))
    assert.equal(ours.answer(phone('0 8')).settled.codec, 'PCMA')
    assert.equal(ours.answer(phone('0')).settled.codec, 'PCMU')
  })

  it('says the same with the same version, something else with the next', () => {
    const ours = us()
    const first = ours.answer(phone()).text
    assert.equal(ours.answer(phone()).text, first)
    const held = ours.answer(phone('8 0 101', 'a=sendonly')).text
    assert.deepEqual(matching(held, /^o=/), ['o=- 77 2 IN IP4 127.0.0.1'])
    const resumed = ours.answer(phone()).text
    assert.deepEqual(matching(resumed, /^o=/), ['o=- 77 3 IN IP4 127.0.0.1'])
  })

  for (const [theirs, ours] of [
    ['sendrecv', 'sendrecv'],
    ['sendonly', 'recvonly'],
    ['recvonly', 'sendonly'],
    ['inactive', 'inactive'],
  ] as [Direction, Direction][]) {
    it(`answers ${theirs} with ${ours}`, () => {
      const { text, settled } = us().answer(phone('8', `a=${theirs}`))
      assert.deepEqual(matching(text, /^a=(send|recv|inactive)/), [`a=${ours}`])
      assert.equal(settled.direction, ours)
    })
  }

  it('takes c=0.0.0.0 for hold and still knows where the peer sends from (RFC 3264 8.4)', () => {
    const ours = us()
    const { remote } = ours.answer(phone('8')).settled
    const held = ours.answer(sdp(['m=audio 30000 RTP/AVP 8'], '0.0.0.0')).settled
    assert.equal(held.direction, 'recvonly')
    assert.deepEqual(held.remote, remote)
    assert.equal(ours.answer(sdp(['m=audio 1 RTP/AVP 8', 'a=recvonly'], '0.0.0.0')).settled.direction, 'inactive')
  })

  it('follows the peer to another address and port', () => {
    const ours = us()
    ours.answer(phone('8'))
    const moved = ours.answer(sdp(['m=audio 31000 RTP/AVP 8'], '192.0.2.55')).settled
    assert.deepEqual(moved.remote, { host: '192.0.2.55', port: 31_000, rtcpPort: 31_001 })
  })

  for (const [what, offer] of [
    ['only G.729', phone('18')],
    ['only video', sdp(['m=video 5000 RTP/AVP 96'])],
    ['only fax', sdp(['m=image 6000 udptl t38'])],
    ['PCMA in stereo', sdp(['m=audio 30000 RTP/AVP 96', 'a=rtpmap:96 PCMA/8000/2'])],
    ['PCMA at 16 kHz', sdp(['m=audio 30000 RTP/AVP 96', 'a=rtpmap:96 PCMA/16000'])],
    ['audio at port 0', sdp(['m=audio 0 RTP/AVP 8'])],
    ['no address', 'v=0\r\nm=audio 30000 RTP/AVP 8\r\n'],
  ] as const) {
    it(`has nothing in common with ${what}; a call that stands is not touched`, () => {
      const ours = us()
      const before = ours.answer(phone()).settled
      assert.throws(() => ours.answer(offer), hasCode('NO_COMMON_CODEC'))
      assert.equal(ours.settled, before)
    })
  }

  it('agrees with itself: whatever one side offers, both settle on the same', () => {
    const codecLists = fc.shuffledSubarray(codecs, { minLength: 1 })
    const direction = fc.constantFrom<Direction>('sendrecv', 'sendonly', 'recvonly', 'inactive')
    fc.assert(
      fc.property(codecLists, codecLists, direction, (mine, yours, wish) => {
        const offerer = new OfferAnswer({ address: '127.0.0.1', port: 4000, rtcpPort: 4001, codecs: mine }, 1)
        const answerer = new OfferAnswer({ address: '127.0.0.2', port: 5000, rtcpPort: 5005, codecs: yours }, 2)
        const offer = offerer.offer().replace('a=sendrecv', `a=${wish}`)
        if (!mine.some((codec) => yours.includes(codec))) {
          assert.throws(() => answerer.answer(offer), hasCode('NO_COMMON_CODEC'))
          return
        }
        const { text, settled } = answerer.answer(offer)
        const accepted = offerer.accept(text)
        assert.equal(accepted.codec, settled.codec)
        assert.equal(
          settled.codec,
          mine.find((codec) => yours.includes(codec)),
        )
        assert.deepEqual(accepted.remote, { host: '127.0.0.2', port: 5000, rtcpPort: 5005 })
        assert.deepEqual(settled.remote, { host: '127.0.0.1', port: 4000, rtcpPort: 4001 })
        assert.equal(accepted.direction, wish)
      }),
    )
  })

  it('answers any offer with as many media lines, in its order, or refuses it with a code', () => {
    const media = fc.record({
      kind: fc.constantFrom('audio', 'video', 'image', 'application'),
      port: fc.constantFrom(0, 9, 30_000, 65_535),
      protocol: fc.constantFrom('RTP/AVP', 'RTP/SAVP', 'udptl', 'RTP/AVPF'),
      formats: fc.array(fc.constantFrom('0', '8', '18', '101', 't38'), { minLength: 1, maxLength: 5 }),
    })
    fc.assert(
      fc.property(fc.array(media, { maxLength: 6 }), (list) => {
        const offer = sdp(list.map((m) => `m=${m.kind} ${m.port} ${m.protocol} ${m.formats.join(' ')}`))
        try {
          const answered = matching(us().answer(offer).text, /^m=/).map((line) => line.split(' '))
          assert.deepEqual(
            answered.map(([kind, , protocol]) => [kind, protocol]),
            list.map((m) => [`m=${m.kind}`, m.protocol]),
          )
          assert.equal(answered.filter(([, port]) => port !== '0').length, 1)
        } catch (error) {
          if (!(error instanceof TelephonyError)) throw error
          assert.equal(error.code, 'NO_COMMON_CODEC')
        }
      }),
      { numRuns: 500 },
    )
  })
})
