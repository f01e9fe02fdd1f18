/** sdp-transform, which is not ours, judges what our reader takes from well-formed descriptions. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { parse } from 'sdp-transform'
import { parseDescription } from '../../../src/sdp/media-description.js'

const port = fc.integer({ min: 1, max: 65_535 })
const address = fc.oneof(
  fc.ipV4().map((host) => `IN IP4 ${host}`),
  fc.ipV6().map((host) => `IN IP6 ${host}`),
  fc.constant('IN IP4 media.example.com'),
)
const direction = fc.constantFrom('sendrecv', 'sendonly', 'recvonly', 'inactive')
const codec = fc.record({
  type: fc.integer({ min: 96, max: 127 }),
  name: fc.constantFrom('opus', 'telephone-event', 'PCMA', 'G722', 'iLBC'),
  rate: fc.constantFrom(8000, 16_000, 48_000),
  config: fc.option(fc.constantFrom('0-15', 'mode=20', 'minptime=10;useinbandfec=1'), { nil: undefined }),
})
const media = fc.record({
  kind: fc.constantFrom('audio', 'video'),
  port,
  protocol: fc.constantFrom('RTP/AVP', 'RTP/SAVP', 'UDP/TLS/RTP/SAVPF'),
  codecs: fc.uniqueArray(codec, { minLength: 1, maxLength: 5, selector: ({ type }) => type }),
  address: fc.option(address, { nil: undefined }),
  direction: fc.option(direction, { nil: undefined }),
  ptime: fc.option(fc.constantFrom(10, 20, 30), { nil: undefined }),
  rtcp: fc.option(port, { nil: undefined }),
})
const description = fc.record({ address, direction: fc.option(direction, { nil: undefined }), media: fc.array(media) })

const lines = (values: (string | undefined | false)[]): string[] =>
  values.filter((value) => typeof value === 'string') as string[]

const textOf = (from: typeof description extends fc.Arbitrary<infer Value> ? Value : never): string =>
  lines([
    'v=0',
    'o=- 1 1 IN IP4 192.0.2.1',
    's=-',
    `c=${from.address}`,
    't=0 0',
    from.direction && `a=${from.direction}`,
    ...from.media.flatMap((each) =>
      lines([
        `m=${each.kind} ${each.port} ${each.protocol} ${each.codecs.map(({ type }) => type).join(' ')}`,
        each.address && `c=${each.address}`,
        ...each.codecs.flatMap(({ type, name, rate, config }) =>
          lines([`a=rtpmap:${type} ${name}/${rate}`, config && `a=fmtp:${type} ${config}`]),
        ),
        each.direction && `a=${each.direction}`,
        each.ptime !== undefined && `a=ptime:${each.ptime}`,
        each.rtcp !== undefined && `a=rtcp:${each.rtcp}`,
      ]),
    ),
  ])
    .map((line) => `${line}\r\n`)
    .join('')

describe('sdp-transform and our reader', () => {
  it('take the same from every well-formed description', () => {
    fc.assert(
      fc.property(description, (from) => {
        const text = textOf(from)
        const theirs = parse(text)
        const expected = theirs.media.map((each) => ({
          kind: each.type,
          port: each.port,
          protocol: each.protocol,
          formats: String(each.payloads).split(' '),
          payloads: each.rtp.map(({ payload, codec: name, rate }) => {
            const config = each.fmtp.find((fmtp) => fmtp.payload === payload)?.config
            return { payloadType: payload, name, clockRate: rate, ...(config === undefined ? {} : { fmtp: config }) }
          }),
          address: (each.connection ?? theirs.connection)?.ip,
          rtcpPort: each.rtcp?.port,
          direction: each.direction ?? theirs.direction ?? 'sendrecv',
          ptimeMs: each.ptime,
        }))
        assert.deepEqual(parseDescription(text), expected)
      }),
      { numRuns: 500 },
    )
  })
})
