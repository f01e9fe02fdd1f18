import assert from 'node:assert/strict'
import fc from 'fast-check'
import { addressOctets, addressText } from '../../../src/trace/capture/ip-address.js'
import { writePcap } from '../../../src/trace/capture/pcap-writer.js'
import { CaptureContents } from '../../../src/trace/capture/read-capture.js'
import type { TracedMessage } from '../../../src/trace/traced.js'
import { ipPackets, pcapngOf, pcapOf } from '../../support/captures.js'
import { ALICE_RTP, BOB_RTP, request, rtp, sdp, traced, usualCall } from '../../support/trace-texts.js'

function read(file: Buffer, pieces = file.length): CaptureContents {
  const contents = new CaptureContents()
  for (let at = 0; at < file.length; at += pieces) contents.push(Buffer.from(file.subarray(at, at + pieces)))
  return contents
}

const texts = ({ messages }: CaptureContents) => messages.map(({ text }) => text)
const call = usualCall()
const callTexts = call.map(({ text }) => text)

describe('captures of packets', () => {
  it('what is written is read again', () => {
    const packets = [...rtp(ALICE_RTP, BOB_RTP, 50, [3, 4]), ...rtp(BOB_RTP, ALICE_RTP, 40)]
    const contents = read(writePcap(call, packets))
    assert.deepEqual(contents.messages, call)
    const streams = contents.rtp.streams.map(({ from, packets, lost, isAnnounced }) => ({
      from,
      packets,
      lost,
      isAnnounced,
    }))
    assert.deepEqual(streams, [
      { from: '192.0.2.1:20000', packets: 48, lost: 2, isAnnounced: true },
      { from: '198.51.100.2:30000', packets: 40, lost: 0, isAnnounced: true },
    ])
  })

  it('in pieces of any size', () => {
    for (const pieces of [1, 7, 1000]) assert.deepEqual(texts(read(writePcap(call, []), pieces)), callTexts)
  })

  it('pcap in either byte order, in ms and ns, and pcapng', () => {
    const packets = ipPackets(call)
    const files = [
      pcapOf(packets, 101, { big: true }),
      pcapOf(packets, 101, { nano: true }),
      pcapOf(packets, 12),
      pcapngOf(packets, 101),
    ]
    for (const file of files) assert.deepEqual(read(file).messages, call)
  })

  it('every usual link type, and VLANs', () => {
    const headers: [linkType: number, header: number[]][] = [
      [1, [...new Array(12).fill(2), 8, 0]],
      [1, [...new Array(12).fill(2), 0x81, 0, 0, 5, 8, 0]],
      [1, [...new Array(12).fill(2), 0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, 8, 0]],
      [113, [...new Array(14).fill(0), 8, 0]],
      [276, [8, 0, ...new Array(18).fill(0)]],
      [0, [2, 0, 0, 0]],
      [108, [0, 0, 0, 2]],
      [228, []],
    ]
    for (const [linkType, header] of headers) {
      const frames = ipPackets(call).map(({ at, octets }) => ({
        at,
        octets: Buffer.concat([Buffer.from(header), octets]),
      }))
      assert.deepEqual(texts(read(pcapOf(frames, linkType))), callTexts, `${linkType} ${header.length}`)
    }
  })

  it('IPv6', () => {
    const v6 = call.map((message) => ({
      ...message,
      from: { ...message.from, host: '2001:db8::1' },
      to: { ...message.to, host: 'fe80::2:0:1' },
    }))
    assert.deepEqual(read(writePcap(v6, [])).messages, v6)
  })

  it('TCP: messages over several segments, several in one, out of order and repeated', () => {
    const long = request('INVITE', { body: `${sdp(ALICE_RTP)}a=x:${'x'.repeat(5000)}\r\n` })
    const messages = traced(
      [
        ['>', long],
        ['>', request('OPTIONS', { cseq: 2 })],
        ['>', request('OPTIONS', { cseq: 3 })],
      ],
      'tcp',
    )
    const packets = ipPackets(messages)
    const wanted = messages.map(({ text }) => text)
    assert.ok(packets.length > 5)
    assert.deepEqual(texts(read(pcapOf(packets, 101))), wanted)
    const [first, second, third, ...others] = packets
    assert.ok(first && second && third)
    assert.deepEqual(texts(read(pcapOf([first, third, second, third, first, ...others], 101))), wanted)
  })

  it('TCP: goes on behind a segment that the capture lacks', () => {
    const messages = traced(
      new Array(200).fill(0).map((_, i) => ['>', request('OPTIONS', { cseq: i + 1 })]),
      'tcp',
    )
    const packets = ipPackets(messages)
    packets.splice(10, 1)
    const seen = texts(read(pcapOf(packets, 101)))
    assert.ok(seen.length >= 198 && seen.includes(messages[199]?.text ?? ''), String(seen.length))
  })

  it('IPv4 fragments', () => {
    const body = `${sdp(ALICE_RTP)}a=x:${'x'.repeat(2000)}\r\n`
    const [message] = traced([['>', request('INVITE', { body })]])
    assert.ok(message)
    const [packet] = ipPackets([message])
    assert.ok(packet)
    const [head, rest] = [packet.octets.subarray(0, 20), packet.octets.subarray(20)]
    const fragment = (from: number, to: number) => {
      const ip = Buffer.from(head)
      ip.writeUInt16BE(20 + rest.subarray(from, to).length, 2)
      ip.writeUInt16BE((to < rest.length ? 0x2000 : 0) | (from / 8), 6)
      return { at: packet.at, octets: Buffer.concat([ip, rest.subarray(from, to)]) }
    }
    const frames = [fragment(1480, rest.length), fragment(0, 800), fragment(800, 1480)]
    assert.deepEqual(texts(read(pcapOf(frames, 101))), [message.text])
  })

  it('WebSocket frames behind their handshake', () => {
    const [invite] = usualCall('ws')
    assert.ok(invite)
    const payload = Buffer.from(invite.text)
    const mask = Buffer.from([1, 2, 3, 4])
    const masked = Buffer.from(payload.map((octet, i) => octet ^ (mask[i % 4] ?? 0)))
    const frame = Buffer.concat([
      Buffer.from([0x81, 0x80 | 126, payload.length >> 8, payload.length & 255]),
      mask,
      masked,
    ])
    const upgrade = 'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n'
    // Latin-1 text keeps each octet below 0x80; the others are lone surrogates.
    const stray = [...frame].map((octet) => String.fromCharCode(octet < 0x80 ? octet : 0xdc00 + octet)).join('')
    const packets = ipPackets([
      { ...invite, protocol: 'tcp', text: upgrade.replace(/\r\n\r\n$/, '\r\nContent-Length: 0\r\n\r\n') },
      { ...invite, protocol: 'udp', text: stray },
    ])
    const [handshake, data] = packets
    assert.ok(handshake && data)
    // The frame becomes a TCP segment behind the handshake.
    const segment = Buffer.concat([handshake.octets.subarray(0, 40), frame])
    segment.writeUInt32BE(handshake.octets.readUInt32BE(24) + handshake.octets.length - 40, 24)
    segment.writeUInt16BE(segment.length, 2)
    assert.deepEqual(texts(read(pcapOf([handshake, { at: data.at, octets: segment }], 101))), [invite.text])
  })

  it('a file that is not a capture is refused', () => {
    assert.throws(() => read(Buffer.from('not a capture, but long enough to be asked')), /not a pcap or pcapng capture/)
    for (const octets of ['', 'pbx']) {
      const short = new CaptureContents()
      short.push(Buffer.from(octets))
      assert.throws(() => short.end(), /not a pcap or pcapng capture/)
    }
    const lying = pcapOf([], 101)
    const empty = new CaptureContents()
    empty.push(lying)
    empty.end()
    assert.throws(
      () => read(Buffer.concat([lying, Buffer.alloc(16, 0xff)])),
      /damaged: it has a packet of 4294967295 octets/,
    )
  })

  it('hostile octets end as a refusal or as messages, never as another exception', () => {
    const files = [writePcap(usualCall('tcp'), rtp(ALICE_RTP, BOB_RTP, 3)), pcapngOf(ipPackets(call), 101)]
    const changes = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 20 })
    fc.assert(
      fc.property(fc.constantFrom(...files), changes, fc.integer({ min: 1, max: 500 }), (file, octets, pieces) => {
        const changed = Buffer.from(file)
        for (const [at, value] of octets) changed[at % changed.length] = value
        try {
          read(changed, pieces)
        } catch (error) {
          assert.match(String(error), /BAD_ARGUMENT/)
        }
      }),
      { numRuns: 500 },
    )
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.constantFrom(0, 1, 12, 101, 108, 113, 276, 999),
        (octets, linkType) => {
          read(pcapOf([{ at: 1, octets: Buffer.from(octets) }], linkType))
        },
      ),
      { numRuns: 500 },
    )
  })

  it('an endless capture is bounded in memory', () => {
    const [one] = traced([['>', request('MESSAGE', { body: 'x'.repeat(40_000) })]])
    assert.ok(one)
    const file = writePcap([one], [])
    const record = file.subarray(24)
    const contents = new CaptureContents()
    contents.push(Buffer.from(file))
    for (let i = 0; i < 2_000; i++) contents.push(Buffer.from(record))
    assert.ok(contents.isTruncated)
    const octets = contents.messages.reduce((sum, { text }) => sum + text.length, 0)
    assert.ok(octets <= 64 << 20, String(octets))
  })

  it('addresses are read and written as RFC 5952 says', () => {
    for (const text of ['::', '::1', '2001:db8::1', '1:2:3:4:5:6:7:8', 'fe80::1:0:0:1', '2001:db8:0:1:1:1:1:1']) {
      assert.equal(addressText(addressOctets(text)), text)
    }
    assert.equal(addressText(addressOctets('::ffff:192.0.2.1')), '::ffff:c000:201')
    assert.equal(addressText(addressOctets('fe80::1%eth0')), 'fe80::1')
    assert.equal(addressText(addressOctets('not an address')), '0.0.0.0')
  })

  it('a body that was masked keeps its message whole on a stream', () => {
    const messages: TracedMessage[] = traced(
      [
        ['>', request('MESSAGE', { body: 'password is canary' }).replace('canary', '[secret]')],
        ['>', request('OPTIONS', { cseq: 2 })],
      ],
      'tcp',
    )
    const seen = texts(read(writePcap(messages, [])))
    assert.equal(seen.length, 2)
    assert.match(seen[0] ?? '', /Content-Length: 20\r\n\r\npassword is \[secret\]$/)
  })
})
