import assert from 'node:assert/strict'
import { PCMA, PCMU } from '../../../../src/media/codec/g711.js'
import type { CodecName } from '../../../../src/media/protocol.js'
import { emptyRtpView, parseRtp, type RtpView } from '../../../../src/media/rtp/rtp-packet.js'
import { Playback } from '../../../../src/media/worker/playback.js'
import { RtpSender, type SenderFormat } from '../../../../src/media/worker/rtp-sender.js'

type Sent = RtpView & { payload: number[] }

const FORMAT: SenderFormat = { codec: PCMA, payloadType: 8, eventType: 101, intervalMs: 20, sending: true }

function setUp(format: Partial<SenderFormat> = {}) {
  const packets: Sent[] = []
  const told: unknown[] = []
  const sender = new RtpSender(
    {
      transmit(packet) {
        const view = emptyRtpView()
        assert.ok(parseRtp(packet, view))
        packets.push({ ...view, payload: [...packet.subarray(view.payloadStart)] })
      },
      playEnded: (...args) => told.push(args),
      digitsSent: (...args) => told.push(args),
    },
    { ssrc: 1, sequence: 65_534, timestamp: 0xffff_ff00 },
  )
  sender.configure({ ...FORMAT, ...format })
  return { sender, packets, told }
}

function prompt(octets: number[], { repeat = 1, codec = 'PCMA' as CodecName, playId = 'p' } = {}) {
  const data = new SharedArrayBuffer(octets.length)
  new Uint8Array(data).set(octets)
  return new Playback({ playId, prompt: { codec, data }, repeat })
}

const ticks = (sender: RtpSender, count: number, lateMs = 0) => {
  for (let i = 0; i < count; i++) sender.tick(lateMs)
}

describe('RTP sender', () => {
  it('sends silence while nothing plays, numbers and timestamps going on over their ends', () => {
    const { sender, packets } = setUp()
    ticks(sender, 4)
    assert.deepEqual(
      packets.map((p) => p.sequence),
      [65_534, 65_535, 0, 1],
    )
    assert.deepEqual(
      packets.map((p) => p.timestamp),
      [0xffff_ff00, 0xffff_ffa0, 0x40, 0xe0],
    )
    assert.deepEqual(
      packets.map((p) => p.marker),
      [true, false, false, false],
    )
    assert.ok(
      packets.every((p) => p.payloadType === 8 && p.payload.every((o) => o === 0xd5) && p.payload.length === 160),
    )
  })

  it('plays a prompt to its last sample, the rest of the last packet silent, and tells after that packet', () => {
    const { sender, packets, told } = setUp()
    sender.play(prompt(Array<number>(200).fill(7)))
    ticks(sender, 1)
    assert.deepEqual(told, [])
    ticks(sender, 1)
    assert.deepEqual(told, [['p', 'finished', 25]])
    assert.deepEqual(packets[1]?.payload, [...Array<number>(40).fill(7), ...Array<number>(120).fill(0xd5)])
    ticks(sender, 1)
    assert.ok(packets[2]?.payload.every((o) => o === 0xd5))
  })

  it('repeats without a seam, and for ever', () => {
    const { sender, packets, told } = setUp()
    sender.play(prompt([1, 2, 3], { repeat: 100 }))
    ticks(sender, 2)
    const heard = packets.flatMap((p) => p.payload)
    assert.ok(heard.slice(0, 300).every((o, i) => o === (i % 3) + 1))
    assert.ok(heard.slice(300).every((o) => o === 0xd5))
    assert.deepEqual(told, [['p', 'finished', 38]])
    sender.play(prompt([1, 2, 3], { repeat: 0 }))
    ticks(sender, 500)
    assert.equal(told.length, 1)
    sender.stopPlay('stopped')
    assert.deepEqual(told[1], ['p', 'stopped', 10_000])
  })

  it('a second prompt interrupts the first; stopping another id does nothing', () => {
    const { sender, told } = setUp()
    sender.play(prompt(Array<number>(1000).fill(1), { playId: 'first' }))
    ticks(sender, 2)
    sender.play(prompt(Array<number>(1000).fill(2), { playId: 'second' }))
    sender.stopPlay('stopped', 'first')
    assert.deepEqual(told, [['first', 'interrupted', 40]])
    sender.close('hangup')
    assert.deepEqual(told[1], ['second', 'hangup', 0])
  })

  it('a prompt of the other law is sent in the law of the call', () => {
    const { sender, packets } = setUp({ codec: PCMU, payloadType: 0 })
    sender.play(prompt(Array<number>(160).fill(PCMA.toCoded[8000] ?? 0)))
    ticks(sender, 1)
    const sample = PCMU.toLinear[packets[0]?.payload[0] ?? 0] ?? 0
    assert.ok(Math.abs(sample - 8000) < 500, `${sample}`)
  })

  it('digits take the place of sound: their numbers go on, the prompt waits and is not cut', () => {
    const { sender, packets, told } = setUp()
    sender.play(prompt(Array<number>(320).fill(7)))
    ticks(sender, 1)
    sender.sendDigits({ sendId: 'd', digits: '5', toneMs: 60, gapMs: 40 })
    ticks(sender, 6)
    assert.deepEqual(
      packets.map((p) => p.payloadType),
      [8, 101, 101, 101, 101, 101, 8],
    )
    assert.deepEqual(
      packets.map((p) => p.sequence),
      [65_534, 65_535, 0, 1, 2, 3, 4],
    )
    assert.equal(new Set(packets.slice(1, 6).map((p) => p.timestamp)).size, 1)
    assert.equal((packets[6]?.timestamp ?? 0) - ((packets[1]?.timestamp ?? 0) - 2 ** 32), 5 * 160)
    assert.deepEqual(told, [
      ['d', 'finished'],
      ['p', 'finished', 40],
    ])
  })

  it('sends nothing while the direction forbids it; prompts and digits wait, then go on with a marker', () => {
    const { sender, packets, told } = setUp({ sending: false })
    sender.play(prompt(Array<number>(160).fill(7)))
    ticks(sender, 10)
    assert.equal(packets.length, 0)
    sender.configure(FORMAT)
    ticks(sender, 1)
    assert.ok(packets[0]?.marker && packets[0].payload[0] === 7)
    assert.equal(packets[0]?.timestamp, (0xffff_ff00 + 10 * 160) % 2 ** 32)
    assert.deepEqual(told, [['p', 'finished', 20]])
  })

  for (const [what, pause] of [
    ['a hold', (sender: RtpSender, on: boolean) => sender.configure({ ...FORMAT, sending: !on })],
    [
      'a time without an address to send to',
      (sender: RtpSender, on: boolean) => {
        sender.reachable = !on
      },
    ],
  ] as const) {
    it(`goes on with a marker after ${what}: buffers take the new start from it (RFC 3551 4.1)`, () => {
      const { sender, packets } = setUp()
      ticks(sender, 3)
      pause(sender, true)
      ticks(sender, 10)
      assert.equal(packets.length, 3)
      pause(sender, false)
      ticks(sender, 2)
      assert.deepEqual(
        packets.map((p) => p.marker),
        [true, false, false, true, false],
      )
      const [last, first] = [packets[2], packets[3]]
      assert.equal(first?.sequence, ((last?.sequence ?? 0) + 1) & 0xffff)
      assert.equal(first?.timestamp, ((last?.timestamp ?? 0) + 11 * 160) % 2 ** 32)
    })
  }

  it('after intervals that were skipped the timestamp has gone on, the number has not, and the marker is set', () => {
    const { sender, packets } = setUp()
    ticks(sender, 1)
    sender.skip(25)
    ticks(sender, 2)
    assert.deepEqual(
      packets.map((p) => p.sequence),
      [65_534, 65_535, 0],
    )
    assert.deepEqual(
      packets.map((p) => p.marker),
      [true, true, false],
    )
    assert.equal(((packets[1]?.timestamp ?? 0) - (packets[0]?.timestamp ?? 0) + 2 ** 32) % 2 ** 32, 26 * 160)
    assert.equal(sender.latePackets, 25)
  })

  it('counts no packets as late that would go nowhere', () => {
    const { sender } = setUp()
    sender.reachable = false
    ticks(sender, 1)
    sender.skip(25)
    assert.equal(sender.latePackets, 0)
  })

  it('counts packets that left 10 ms late', () => {
    const { sender } = setUp()
    ticks(sender, 3, 9.9)
    ticks(sender, 2, 10)
    assert.equal(sender.latePackets, 2)
    assert.deepEqual([sender.packetsSent, sender.octetsSent], [5, 800])
  })

  it('a prompt that a peer on hold keeps waiting for five minutes has failed; one that has no end goes on waiting', () => {
    const { sender, told } = setUp({ sending: false })
    sender.play(prompt(Array<number>(320).fill(7)))
    ticks(sender, 14_999)
    assert.deepEqual(told, [])
    ticks(sender, 1)
    assert.deepEqual(told, [['p', 'failed', 0]])
    sender.play(prompt(Array<number>(320).fill(7), { repeat: 0, playId: 'endless' }))
    ticks(sender, 20_000)
    assert.equal(told.length, 1)
    sender.play(prompt(Array<number>(320).fill(7), { playId: 'again' }))
    ticks(sender, 14_000)
    sender.configure(FORMAT)
    ticks(sender, 1)
    sender.configure({ ...FORMAT, sending: false })
    ticks(sender, 14_000)
    assert.deepEqual(told.slice(1), [['endless', 'interrupted', 0]], 'a peer that comes back in between starts it anew')
  })

  it('a prompt fails after ten seconds in a call without an address, also one that has no end', () => {
    for (const repeat of [1, 0]) {
      const { sender, told } = setUp()
      sender.reachable = false
      sender.play(prompt(Array<number>(320).fill(7), { repeat }))
      ticks(sender, 499)
      assert.deepEqual(told, [])
      ticks(sender, 1)
      assert.deepEqual(told, [['p', 'failed', 0]])
    }
  })

  it('digits that wait end as hangup when the call ends, or the peer takes none any more', () => {
    const { sender, told } = setUp()
    sender.sendDigits({ sendId: 'a', digits: '12', toneMs: 60, gapMs: 60 })
    ticks(sender, 2)
    sender.configure({ ...FORMAT, eventType: undefined })
    assert.deepEqual(told, [['a', 'hangup']])
  })

  it('no packet’s buffer is written again before four packets have left', () => {
    const buffers: Uint8Array[] = []
    const events = { transmit: (packet: Uint8Array) => buffers.push(packet), playEnded() {}, digitsSent() {} }
    const sender = new RtpSender(events, { ssrc: 1, sequence: 0, timestamp: 0 })
    sender.configure(FORMAT)
    ticks(sender, 8)
    assert.equal(new Set(buffers.slice(0, 4)).size, 4)
    assert.equal(buffers[4], buffers[0])
  })
})

describe('RTP sender, while we hold the call', () => {
  const octetsOf = (packets: readonly Sent[]) => packets.map(({ payload }) => [...new Set(payload)])

  it('sends only the music, without end; a prompt and digits wait and then go on where they were', () => {
    const { sender, packets, told } = setUp()
    sender.play(prompt(Array<number>(320).fill(7)))
    ticks(sender, 1)
    sender.hold(true, prompt(Array<number>(160).fill(9), { repeat: 0, playId: '' }))
    sender.sendDigits({ sendId: 'd', digits: '1', toneMs: 40, gapMs: 20 })
    ticks(sender, 3)
    assert.deepEqual(octetsOf(packets), [[7], [9], [9], [9]])
    assert.deepEqual(told, [])
    sender.hold(false)
    ticks(sender, 12)
    assert.ok(packets.slice(4).some(({ payloadType }) => payloadType === 101))
    assert.equal(packets.slice(4).filter(({ payload }) => payload[0] === 7 && payload.length === 160).length, 1)
    assert.deepEqual(told.at(-1), ['p', 'finished', 40])
    const marked = packets.filter(({ marker, payloadType }) => marker && payloadType === 8)
    assert.equal(marked.length, 1, 'one stream without a pause: only the first packet has the marker')
  })

  it('sends silence without music, and not the sound of an echo', () => {
    const { sender, packets } = setUp()
    sender.hold(true)
    sender.tick(0, new Int16Array(160).fill(5000))
    assert.deepEqual(octetsOf(packets), [[0xd5]])
  })

  it('the music pauses while the peer holds the call too', () => {
    const { sender, packets } = setUp()
    const music = Array.from({ length: 480 }, (_, i) => Math.floor(i / 160))
    sender.hold(true, prompt(music, { repeat: 0 }))
    ticks(sender, 1)
    sender.configure({ ...FORMAT, sending: false })
    ticks(sender, 5)
    sender.configure(FORMAT)
    ticks(sender, 2)
    assert.deepEqual(octetsOf(packets), [[0], [1], [2]])
  })

  it('a prompt ends after five minutes of hold, an endless one waits', () => {
    const { sender, told } = setUp()
    sender.play(prompt([1, 2, 3]))
    sender.hold(true)
    ticks(sender, 14_999)
    assert.deepEqual(told, [])
    ticks(sender, 1)
    assert.deepEqual(told, [['p', 'failed', 0]])
    sender.play(prompt([1, 2, 3], { repeat: 0 }))
    ticks(sender, 15_001)
    assert.equal(told.length, 1)
  })

  it('muted: silence in place of prompts and other sound, which go on; digits and the music of a hold are sent', () => {
    const { sender, packets, told } = setUp()
    sender.muted = true
    sender.play(prompt(Array<number>(160).fill(7)))
    ticks(sender, 1)
    assert.deepEqual(told, [['p', 'finished', 20]])
    sender.tick(0, new Int16Array(160).fill(5000))
    assert.deepEqual(octetsOf(packets), [[0xd5], [0xd5]])
    sender.sendDigits({ sendId: 'd', digits: '1', toneMs: 40, gapMs: 20 })
    ticks(sender, 1)
    assert.equal(packets.at(-1)?.payloadType, 101)
    sender.hold(true, prompt(Array<number>(160).fill(9), { repeat: 0 }))
    ticks(sender, 1)
    assert.deepEqual(octetsOf(packets).at(-1), [9])
  })

  it('another codec in the middle of a prompt: sequence and timestamps go on', () => {
    const { sender, packets } = setUp()
    sender.play(prompt(Array<number>(480).fill(7)))
    ticks(sender, 1)
    sender.configure({ ...FORMAT, codec: PCMU, payloadType: 0 })
    ticks(sender, 2)
    assert.deepEqual(
      packets.map(({ sequence, payloadType, marker }) => [sequence, payloadType, marker]),
      [
        [65_534, 8, true],
        [65_535, 0, false],
        [0, 0, false],
      ],
    )
  })
})
