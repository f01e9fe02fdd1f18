import assert from 'node:assert/strict'
import fc from 'fast-check'
import { diagnose, diagnoseLadder, type Evidence, type FindingCode } from '../../../src/trace/diagnosis/diagnose.js'
import { buildLadder } from '../../../src/trace/ladder.js'
import { RtpStreams } from '../../../src/trace/rtp-streams.js'
import { readSdp } from '../../../src/trace/sdp-text.js'
import type { TracedMessage, TracedPacket } from '../../../src/trace/traced.js'
import { ALICE_RTP, BOB_RTP, request, response, rtp, sdp, traced, usualCall } from '../../support/trace-texts.js'

type Step = ['>' | '<', string, number?]

const found = (messages: TracedMessage[], more: Partial<Evidence> = {}) =>
  diagnose({ steps: buildLadder(messages).steps, ...more })
const codes = (messages: TracedMessage[], more: Partial<Evidence> = {}): FindingCode[] =>
  found(messages, more).map(({ code }) => code)

function streamsOf(messages: TracedMessage[], packets: TracedPacket[]) {
  const streams = new RtpStreams()
  for (const { text } of messages) {
    const description = readSdp(text)
    if (description) streams.expect(description)
  }
  for (const packet of packets) streams.packet(packet)
  return streams.streams
}

const challenge = (realm: string, more = '') => `WWW-Authenticate: Digest realm="${realm}", nonce="n"${more}`
const credentials = (realm: string, user = 'alice') =>
  `Authorization: Digest username="${user}", realm="${realm}", nonce="***", uri="sip:x", response="***"`

describe('diagnosis', () => {
  it('says nothing about a call that went well', () => {
    const call = usualCall()
    assert.deepEqual(codes(call), [])
    assert.deepEqual(codes(call, { media: { packetsSent: 100, packetsReceived: 100, remoteLossPercent: 0 } }), [])
    const both = [...rtp(ALICE_RTP, BOB_RTP, 90), ...rtp(BOB_RTP, ALICE_RTP, 90)]
    assert.deepEqual(codes(call, { streams: streamsOf(call, both) }), [])
  })

  it('wrong password', () => {
    const again = (status: number): Step[] => [
      ['>', request('REGISTER')],
      ['<', response(401, 'Unauthorized', { method: 'REGISTER', headers: [challenge('pbx')] })],
      ['>', request('REGISTER', { cseq: 2, headers: [credentials('pbx')] })],
      ['<', response(status, 'x', { method: 'REGISTER', cseq: 2, headers: status === 401 ? [challenge('pbx')] : [] })],
    ]
    for (const status of [401, 403]) {
      const [finding, ...others] = found(traced(again(status)))
      assert.equal(finding?.code, 'wrong-password')
      assert.match(finding.text, /refused the password of the user “alice” \((401|403)\)$/)
      assert.match(finding.advice, /^Check the password/)
      assert.deepEqual(others, [])
    }
    assert.deepEqual(codes(traced(again(200))), [])
  })

  it('a stale nonce does not mean a wrong password', () => {
    const stale = [challenge('pbx', ', stale=true')]
    const steps: Step[] = [
      ['>', request('REGISTER', { headers: [credentials('pbx')] })],
      ['<', response(401, 'Unauthorized', { method: 'REGISTER', headers: stale })],
    ]
    assert.deepEqual(codes(traced(steps)), [])
  })

  it('wrong realm: no credentials are sent, or those of another realm', () => {
    const none: Step[] = [
      ['>', request('INVITE', { body: sdp(ALICE_RTP) })],
      ['<', response(407, 'Proxy Authentication Required', { headers: [`Proxy-${challenge('other').slice(4)}`] })],
      ['>', request('ACK')],
    ]
    const [finding] = found(traced(none))
    assert.equal(finding?.code, 'wrong-realm')
    assert.match(finding.text, /asked for credentials of the realm “other”, and none were sent$/)
    assert.match(finding.advice, /set it to other\.$/)
    const another: Step[] = [
      ['>', request('REGISTER', { headers: [credentials('pbx')] })],
      ['<', response(401, 'Unauthorized', { method: 'REGISTER', headers: [challenge('other')] })],
    ]
    assert.match(found(traced(another))[0]?.text ?? '', /of the realm “other”, but those of “pbx” were sent$/)
  })

  it('registrar gone: no answer, or 503', () => {
    const silent: Step[] = [
      ['>', request('REGISTER')],
      ['>', request('REGISTER'), 500],
      ['>', request('REGISTER'), 1000],
    ]
    const [finding] = found(traced(silent))
    assert.deepEqual(
      [finding?.code, finding?.text],
      ['registrar-gone', '198.51.100.2:5080 did not answer REGISTER, sent 3 times'],
    )
    const refused: Step[] = [
      ['>', request('REGISTER')],
      ['<', response(503, 'Service Unavailable', { method: 'REGISTER' })],
    ]
    assert.deepEqual(codes(traced(refused)), ['registrar-gone'])
  })

  it('no answer to a call, and no route', () => {
    const invite = request('INVITE', { body: sdp(ALICE_RTP) })
    const [silent] = found(
      traced([
        ['>', invite],
        ['>', invite, 500],
      ]),
    )
    assert.deepEqual(
      [silent?.code, silent?.text],
      ['no-response', '198.51.100.2:5080 did not answer INVITE, sent 2 times'],
    )
    const refuse = (status: number, reason: string): Step[] => [
      ['>', invite],
      ['<', response(status, reason, { toTag: 'b' })],
      ['>', request('ACK', { toTag: 'b' })],
    ]
    const [unknown] = found(traced(refuse(404, 'Not Found')))
    assert.deepEqual(
      [unknown?.code, unknown?.text],
      ['no-route', '198.51.100.2:5080 found no way to the called side: 404 Not Found'],
    )
    assert.match(unknown?.advice ?? '', /^Check the number/)
    assert.match(found(traced(refuse(503, 'x')))[0]?.advice ?? '', /could not reach the called side/)
    for (const status of [486, 603, 487]) assert.deepEqual(codes(traced(refuse(status, 'x'))), [])
  })

  it('codec mismatch: 488, or an answer without a codec of the offer', () => {
    const invite = request('INVITE', { body: sdp(ALICE_RTP, '9') })
    const [refused] = found(
      traced([
        ['>', invite],
        ['<', response(488, 'Not Acceptable Here', { toTag: 'b' })],
      ]),
    )
    assert.deepEqual(
      [refused?.code, refused?.text],
      ['codec-mismatch', '198.51.100.2:5080 accepted no codec of the offer (G722): 488 Not Acceptable Here'],
    )
    const other: Step[] = [
      ['>', invite],
      ['<', response(200, 'OK', { toTag: 'b', body: sdp(BOB_RTP, '8') })],
      ['>', request('ACK', { toTag: 'b' })],
    ]
    assert.deepEqual(codes(traced(other)), ['codec-mismatch'])
  })

  it('ACK lost: the answer is repeated', () => {
    const ok = response(200, 'OK', { toTag: 'b', body: sdp(BOB_RTP) })
    const steps: Step[] = [
      ['>', request('INVITE', { body: sdp(ALICE_RTP) })],
      ['<', ok],
      ['>', request('ACK', { toTag: 'b' })],
      ['<', ok, 500],
    ]
    assert.deepEqual(codes(traced(steps)), [], 'one lost ACK is usual')
    const [finding] = found(traced([...steps, ['<', ok, 1000], ['<', ok, 2000]]))
    assert.deepEqual(
      [finding?.code, finding?.text],
      ['ack-lost', '198.51.100.2:5080 sent its answer 4 times: the ACK did not reach it'],
    )
  })

  it('certificate refused', () => {
    const [finding] = found(traced([]), { reason: 'cannot connect to 192.0.2.9:5061: the certificate has expired' })
    assert.equal(finding?.code, 'certificate')
    assert.match(finding.advice, /--tls-ca/)
    assert.deepEqual(codes(usualCall(), { reason: 'BYE' }), [])
    const refused = 'cannot send to tls 192.0.2.9:5061: connect ECONNREFUSED 192.0.2.9:5061'
    assert.deepEqual(
      codes(traced([]), { reason: refused }),
      [],
      'the server does not listen: its certificate is not to blame',
    )
  })

  it('no RTP in, and one-way audio: of our own call by its statistics', () => {
    const call = usualCall()
    const media = { packetsSent: 100, packetsReceived: 0, remoteLossPercent: null }
    const [finding] = found(call, { media })
    assert.deepEqual(
      [finding?.code, finding?.text],
      ['no-rtp-in', 'no RTP came from the other side; 100 packets were sent to it'],
    )
    assert.deepEqual(codes(call, { media: { packetsSent: 100, packetsReceived: 90, remoteLossPercent: 100 } }), [
      'one-way-audio',
    ])
    assert.deepEqual(codes(call, { media: { packetsSent: 0, packetsReceived: 90, remoteLossPercent: null } }), [
      'one-way-audio',
    ])
    assert.deepEqual(codes(call.slice(0, 4), { media }), [], 'the call was too short')
  })

  it('no RTP in, and one-way audio: of a capture by its packets', () => {
    const call = usualCall()
    assert.deepEqual(codes(call, { streams: [] }), ['no-rtp-in'])
    const oneWay = streamsOf(call, rtp(ALICE_RTP, BOB_RTP, 90))
    const [finding] = found(call, { streams: oneWay })
    assert.deepEqual(
      [finding?.code, finding?.text],
      ['one-way-audio', 'RTP goes to 198.51.100.2:30000 only; none goes to 192.0.2.1:20000'],
    )
    assert.deepEqual(codes(call), [], 'RTP was not traced')
  })

  it('a private address towards a public peer', () => {
    const behindNat = { host: '192.168.1.5', port: 20_000 }
    const call = usualCall().map((message) => ({
      ...message,
      text: message.text.replaceAll(ALICE_RTP.host, behindNat.host),
    }))
    const media = { packetsSent: 100, packetsReceived: 0, remoteLossPercent: null }
    assert.deepEqual(codes(call, { media }), ['no-rtp-in', 'nat-address'])
    const [, finding] = found(call, { media })
    assert.equal(
      finding?.text,
      'the SDP of 192.0.2.1:5062 names the private address 192.168.1.5, which 198.51.100.2:5080 cannot reach from outside',
    )
    assert.match(finding.advice, /--public-address/)
    assert.deepEqual(codes(call, { media: { ...media, packetsReceived: 90 } }), [], 'the peer has found the way')
    const contact = usualCall().map((message) => ({
      ...message,
      text: message.text.replace('Max-Forwards', 'Contact: <sip:a@10.0.0.3:5060>\r\nMax-Forwards'),
    }))
    assert.match(found(contact)[0]?.text ?? '', /^the Contact of .* names the private address 10\.0\.0\.3/)
    const lan = call.map((message) => ({
      ...message,
      from: { host: '10.1.1.1', port: 1 },
      to: { host: '192.168.9.9', port: 2 },
    }))
    assert.deepEqual(codes(lan), [])
  })

  it('of a whole ladder: each Call-ID on its own, equal findings once', () => {
    const silent = (callId: string): Step[] => [['>', request('REGISTER', { callId })]]
    const ladder = buildLadder([...usualCall(), ...traced([...silent('x'), ...silent('y')])])
    assert.deepEqual(
      diagnoseLadder(ladder).map(({ code }) => code),
      ['registrar-gone'],
    )
  })

  it('survives broken messages, and writes no control characters', () => {
    const texts = [...usualCall().map(({ text }) => text), response(401, 'x', { headers: [challenge('\u001b[2J')] })]
    const step = fc.tuple(
      fc.constantFrom<'>' | '<'>('>', '<'),
      fc.constantFrom(...texts),
      fc.nat(),
      fc.string({ maxLength: 20 }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const broken = steps.map(
          ([way, text, at, put]): Step => [way, text.slice(0, at % text.length) + put + text.slice(at % text.length)],
        )
        for (const { text, advice } of found(traced(broken))) assert.doesNotMatch(text + advice, /\p{Cc}/u)
      }),
      { numRuns: 300 },
    )
  })
})
