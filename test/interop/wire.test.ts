/** One call as Wireshark sees it: nothing malformed, RTP without a gap, digits as RFC 4733 wants them, RTCP in compound packets. */
import assert from 'node:assert/strict'
import { Baresip } from '../support/peers/baresip.js'
import { Capture } from '../support/peers/capture.js'
import { peerFolder } from '../support/peers/peer-folder.js'
import '../support/peers/root-hooks.js'
import { Phone } from '../support/phone.js'

const TONE_MS = 6000
const DIGITS = '1#D'

describe('on the wire', function () {
  this.timeout(30_000)

  it('a call with sound and digits', async () => {
    const capture = await Capture.start('wire')
    const bob = await Baresip.start({ name: 'bob', autoAnswer: true })
    const phone = await Phone.start({ folder: peerFolder.folder('phone') })
    const callId = await phone.dial(bob.uri)
    await phone.event('call.answered', { callId })
    const source = { kind: 'tone' as const, hz: [440], durationMs: TONE_MS }
    const played = phone.call('play', { callId, mediaId: 'tone', source })
    await phone.call('sendDigits', { callId, digits: DIGITS, toneMs: 160 })
    await played
    const stats = await phone.call('stats', { callId })
    await phone.call('hangup', { callId })
    await phone.close()
    await bob.stop()
    await capture.stop()

    const [sip = '', peer = ''] = [phone.address, bob.address].map((address) => address.split(':')[1] ?? '')
    const ours = '(udp.srcport >= 10000 && udp.srcport < 20000)'
    const bad = `_ws.malformed && (udp.port == ${sip} || ${ours})`
    const malformed = await capture.packets(bad, ['frame.number', 'frame.protocols'], [sip, peer])
    assert.deepEqual(malformed, [])
    const wanted = ['rtp.ssrc', 'rtp.seq', 'rtp.timestamp', 'rtp.p_type'] as const
    const rtp = await capture.packets(`rtp && ${ours}`, wanted, [sip, peer])
    assert.equal(new Set(rtp.map((packet) => packet['rtp.ssrc'])).size, 1)
    const numbers = rtp.map((packet) => Number(packet['rtp.seq']))
    assert.ok(numbers.every((number, i) => i === 0 || number === (((numbers[i - 1] ?? 0) + 1) & 0xffff)))

    const events = await capture.packets(
      `rtpevent && ${ours}`,
      ['rtp.timestamp', 'rtp.marker', 'rtpevent.event_id', 'rtpevent.end_of_event', 'rtpevent.duration'],
      [sip, peer],
    )
    const isTrue = (value: string) => value === '1' || value === 'True'
    const timestamps = [...new Set(events.map((packet) => packet['rtp.timestamp']))]
    const byDigit = timestamps.map((timestamp) => events.filter((packet) => packet['rtp.timestamp'] === timestamp))
    const digits = byDigit.map((packets) => ({
      event: Number(packets[0]?.['rtpevent.event_id']),
      marked: packets.filter((packet) => isTrue(packet['rtp.marker'])).length,
      ends: packets.filter((packet) => isTrue(packet['rtpevent.end_of_event'])).length,
      durationMs: Number(packets.at(-1)?.['rtpevent.duration']) / 8,
    }))
    console.log(`      ${rtp.length} RTP packets, digits ${JSON.stringify(digits)}`)
    // RFC 4733 2.5.1.2, 2.5.1.4: the marker once, the end three times.
    assert.deepEqual(digits, [
      { event: 1, marked: 1, ends: 3, durationMs: 160 },
      { event: 11, marked: 1, ends: 3, durationMs: 160 },
      { event: 15, marked: 1, ends: 3, durationMs: 160 },
    ])

    const rtcp = await capture.packets(`rtcp && ${ours}`, ['rtcp.pt', 'rtcp.sdes.type', 'udp.length'], [sip, peer])
    // RFC 3550 6.1: each begins with a report.
    assert.ok(rtcp.length >= 1)
    assert.ok(rtcp.every((packet) => packet['rtcp.pt'] === '200' || packet['rtcp.pt'] === '201'))
    console.log(
      `      ${rtcp.length} RTCP packets, round trip ${stats.rttMs} ms, loss told by the peer ${stats.remoteLossPercent} %`,
    )
  })
})
