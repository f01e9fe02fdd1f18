import assert from 'node:assert/strict'
import fc from 'fast-check'
import { DtmfReceiver } from '../../../../src/media/dtmf/dtmf-receiver.js'
import { DtmfSender, isDigitString } from '../../../../src/media/dtmf/dtmf-sender.js'
import { writeTelephoneEvent } from '../../../../src/media/dtmf/telephone-event.js'

interface EventPacket {
  atMs: number
  sequence: number
  timestamp: number
  marker: boolean
  payload: Uint8Array
}

it('a peer whose numbers begin again 500 ms after a key has pressed another one', () => {
  const heard: string[] = []
  const receiver = new DtmfReceiver((digit) => heard.push(digit))
  const press = (event: number, sequence: number, timestamp: number, atMs: number) => {
    const payload = new Uint8Array(4)
    writeTelephoneEvent(payload, 0, event, true, 800)
    receiver.receive({ ssrc: 1, sequence, timestamp, marker: true }, payload, 0, 4, atMs)
  }
  press(1, 1_000, 8_000, 0)
  press(2, 950, 12_000, 400) // a packet that was overtaken, no key
  press(3, 951, 16_000, 600)
  assert.equal(heard.join(''), '13')
})

it('four sources of digits are known; a fifth replaces the one that was silent for the longest time', () => {
  const heard: string[] = []
  const receiver = new DtmfReceiver((digit) => heard.push(digit))
  let atMs = 0
  const endOf = (ssrc: number) => {
    const payload = new Uint8Array(4)
    writeTelephoneEvent(payload, 0, ssrc, true, 800)
    atMs += 1000
    receiver.receive({ ssrc, sequence: 1, timestamp: ssrc * 8000, marker: false }, payload, 0, 4, atMs)
  }
  for (const ssrc of [1, 2, 3, 4]) endOf(ssrc)
  endOf(1) // sent again: known
  assert.equal(heard.join(''), '1234')
  endOf(5)
  endOf(1)
  assert.equal(heard.join(''), '12345', 'heard last but one')
  endOf(2)
  assert.equal(heard.join(''), '123452', 'forgotten')
})

/** Drives a sender until it is done; returns the packets by time. */
function send(digits: string, { toneMs = 160, gapMs = 100, intervalMs = 20 } = {}) {
  const done: number[] = []
  const packets: EventPacket[] = []
  let atMs = 0
  let sequence = 65_500
  const sender = new DtmfSender(() => done.push(atMs))
  sender.add({ sendId: 'x', digits, toneMs, gapMs })
  for (let timestamp = 0xffff_f000; sender.busy; timestamp = (timestamp + intervalMs * 8) >>> 0, atMs += intervalMs) {
    sequence = (sequence + 1) & 0xffff
    if (sender.next(timestamp, intervalMs) === 'sound') continue
    const payload = new Uint8Array(4)
    writeTelephoneEvent(payload, 0, sender.event, sender.end, sender.durationSamples)
    packets.push({ atMs, sequence, timestamp: sender.timestamp, marker: sender.marker, payload })
    sender.sent()
  }
  return { packets, done }
}

function receive(packets: EventPacket[]) {
  const heard: [digit: string, durationMs: number][] = []
  const receiver = new DtmfReceiver((digit, durationMs) => heard.push([digit, durationMs]))
  for (const { atMs, payload, ...header } of packets) {
    receiver.poll(atMs)
    receiver.receive({ ssrc: 1, ...header }, payload, 0, payload.length, atMs)
  }
  receiver.poll((packets.at(-1)?.atMs ?? 0) + 1000)
  return { heard, digits: heard.map(([digit]) => digit).join('') }
}

const header = (timestamp: number, sequence = 1) => ({ ssrc: 1, sequence, timestamp, marker: false })

const isEnd = (packet: EventPacket) => ((packet.payload[1] ?? 0) & 0x80) !== 0
const durationOf = ({ payload }: EventPacket) => ((payload[2] ?? 0) << 8) | (payload[3] ?? 0)

describe('RFC 4733 sender', () => {
  it('sends a digit as the RFC shows: one timestamp, marker first, growing duration, three ends 20 ms apart', () => {
    const { packets } = send('9')
    assert.equal(new Set(packets.map((p) => p.timestamp)).size, 1)
    assert.deepEqual(
      packets.map((p) => p.marker),
      [true, ...Array<boolean>(9).fill(false)],
    )
    assert.deepEqual(packets.map(durationOf), [160, 320, 480, 640, 800, 960, 1120, 1280, 1280, 1280])
    assert.deepEqual(packets.map(isEnd), [...Array<boolean>(7).fill(false), true, true, true])
    assert.deepEqual(
      packets.map((p) => p.atMs),
      Array.from({ length: 10 }, (_, i) => i * 20),
    )
    assert.ok(packets.every((p) => p.payload[0] === 9 && ((p.payload[1] ?? 0) & 0x3f) === 10))
  })

  it('sends three ends also where a tone fits into one packet', () => {
    const { packets } = send('5', { toneMs: 40, intervalMs: 60 })
    assert.deepEqual(packets.map(isEnd), [true, true, true])
    assert.deepEqual(packets.map(durationOf), [320, 320, 320])
  })

  it('keeps the gap from the end of a tone to the next one', () => {
    const starts = send('12', { toneMs: 160, gapMs: 100 }).packets.filter((p) => p.marker)
    assert.equal((starts[1]?.atMs ?? 0) - (starts[0]?.atMs ?? 0), 260)
  })

  it('pauses 500 ms for a comma', () => {
    const starts = send('1,2', { toneMs: 160, gapMs: 100 }).packets.filter((p) => p.marker)
    assert.equal((starts[1]?.atMs ?? 0) - (starts[0]?.atMs ?? 0), 760)
  })

  it('tells that it is done with the last end packet of the last digit, once', () => {
    const { packets, done } = send('12')
    assert.deepEqual(done, [packets.at(-1)?.atMs])
  })

  it('gives back what was not sent', () => {
    const sender = new DtmfSender(() => assert.fail('nothing was sent'))
    sender.add({ sendId: 'a', digits: '1', toneMs: 100, gapMs: 100 })
    sender.add({ sendId: 'b', digits: '2', toneMs: 100, gapMs: 100 })
    sender.next(0, 20)
    assert.deepEqual(sender.cancel(), ['a', 'b'])
    assert.ok(!sender.busy)
  })

  it('knows digits', () => {
    assert.ok(isDigitString('0123456789*#ABCDabcd,'))
    for (const bad of ['', 'E', '1 2', '1\n', '+49']) assert.ok(!isDigitString(bad), JSON.stringify(bad))
  })
})

describe('RFC 4733 receiver', () => {
  const all = '1234567890*#ABCD55'

  it('hears what was sent, once each, with its length', () => {
    const { heard, digits } = receive(send(all).packets)
    assert.equal(digits, all)
    assert.ok(heard.every(([, durationMs]) => durationMs === 160))
  })

  it('hears 400 of 400 digits with a fifth of the packets lost', () => {
    let seed = 11
    const random = () => {
      seed = (seed * 1103515245 + 12345) & 0x7fffffff
      return seed / 0x7fffffff
    }
    const digits = '1234567890*#ABCD5555'.repeat(20)
    assert.equal(receive(send(digits).packets.filter(() => random() >= 0.2)).digits, digits)
  })

  it('does without the marked packet, and without all ends', () => {
    const { packets } = send('77')
    assert.equal(receive(packets.filter((p) => !p.marker)).digits, '77')
    const { heard } = receive(packets.filter((p) => !isEnd(p)))
    assert.deepEqual(heard, [
      ['7', 140],
      ['7', 140],
    ])
  })

  it('hears a digit once although all of its packets come twice and out of order', () => {
    const { packets } = send('12')
    const mixed = packets.flatMap((p) => [p, p])
    const [third, tenth] = [mixed[5], mixed[19]]
    if (third && tenth) [mixed[5], mixed[19]] = [tenth, third]
    mixed.push(...packets.slice(8, 10)) // ends of the first digit after the second one
    assert.equal(receive(mixed).digits, '12')
  })

  it('tells a lost end 200 ms after the last packet, and not before', () => {
    const heard: string[] = []
    const receiver = new DtmfReceiver((digit) => heard.push(digit))
    receiver.receive(header(100), Uint8Array.from([3, 10, 0, 160]), 0, 4, 1000)
    receiver.poll(1199)
    assert.deepEqual(heard, [])
    receiver.poll(1200)
    assert.deepEqual(heard, ['3'])
  })

  it('a key held for 12 s in parts is one digit (RFC 4733 2.5.1.3)', () => {
    const packets: EventPacket[] = []
    for (let atMs = 0; atMs < 12_000; atMs += 20) {
      const total = (atMs + 20) * 8
      const part = Math.floor((total - 1) / 64_000)
      const payload = new Uint8Array(4)
      writeTelephoneEvent(payload, 0, 5, total === 96_000, total - part * 64_000)
      packets.push({ atMs, sequence: atMs / 20, timestamp: 1000 + part * 64_000, marker: atMs === 0, payload })
    }
    assert.deepEqual(receive(packets).heard, [['5', 12_000]])
  })

  it('hears a digit once whose timestamp goes on with its duration, and the next one as well', () => {
    const { packets } = send('1155')
    const moving = packets.map((packet) => ({ ...packet, timestamp: (packet.atMs * 8) >>> 0 }))
    assert.equal(receive(moving).digits, '1155')
    const lossy = moving.filter((_, i) => i % 5 !== 3)
    assert.deepEqual(
      receive(lossy).heard.map(([digit]) => digit),
      ['1', '1', '5', '5'],
    )
  })

  it('hears a digit once, with its length, whose packets each tell their own 20 ms', () => {
    const packets = Array.from({ length: 10 }, (_, i): EventPacket => {
      const payload = Uint8Array.of(7, i === 9 ? 0x8a : 10, 0, 160)
      return { atMs: i * 20, sequence: i, timestamp: i * 160, marker: i === 0, payload }
    })
    assert.deepEqual(receive(packets).heard, [['7', 200]])
  })

  it('hears all digits of one packet, each with its length (RFC 4733 2.5.1.5)', () => {
    const payload = Uint8Array.of(4, 0x8a, 1, 0x90, 4, 0x8a, 3, 0x20, 10, 0x8a, 1, 0x90)
    const packets = [0, 1, 2].map((i) => ({ atMs: i * 20, sequence: i, timestamp: 5, marker: i === 0, payload }))
    assert.deepEqual(receive(packets).heard, [
      ['4', 50],
      ['4', 100],
      ['*', 50],
    ])
  })

  it('a peer that starts its clock anew is understood', () => {
    const first = send('1').packets
    const later = send('2').packets.map((p) => ({
      ...p,
      atMs: p.atMs + 5000,
      timestamp: (p.timestamp - 4_000_000) >>> 0,
    }))
    assert.equal(receive([...first, ...later]).digits, '12')
  })

  it('other events and cut-off packets are nothing', () => {
    const heard: string[] = []
    const receiver = new DtmfReceiver((digit) => heard.push(digit))
    receiver.receive(header(100), Uint8Array.from([16, 0x80, 0, 160]), 0, 4, 0)
    receiver.receive(header(200, 2), Uint8Array.from([1, 0x80, 0]), 0, 3, 0)
    receiver.poll(10_000)
    assert.deepEqual(heard, [])
  })

  it('takes any bytes', () => {
    const header = fc.record({
      ssrc: fc.integer({ min: 0, max: 9 }),
      sequence: fc.integer({ min: 0, max: 0xffff }),
      timestamp: fc.integer({ min: 0, max: 0xffff_ffff }),
      marker: fc.boolean(),
    })
    const packet = fc.tuple(header, fc.uint8Array({ maxLength: 12 }))
    fc.assert(
      fc.property(fc.array(packet), (packets) => {
        const receiver = new DtmfReceiver((digit, ms) => assert.ok(/^[0-9*#A-D]$/.test(digit) && ms >= 0))
        packets.forEach(([header, bytes], i) => {
          receiver.receive(header, bytes, 0, bytes.length, i * 20)
          receiver.poll(i * 20)
        })
      }),
    )
  })
})
