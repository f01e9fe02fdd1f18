/** The keys of real peers: what RFC 4733 allows, and what is sent in the field. 400 keys each, twice the same key in a row among them. */
import assert from 'node:assert/strict'
import { DtmfReceiver } from '../../../../src/media/dtmf/dtmf-receiver.js'
import { DIGITS, writeTelephoneEvent } from '../../../../src/media/dtmf/telephone-event.js'
import { seeded } from '../../../support/udp-relay.js'

interface Packet {
  atMs: number
  ssrc: number
  sequence: number
  timestamp: number
  marker: boolean
  code: number
  isEnd: boolean
  samples: number
  /** Further events of the same packet. */
  more?: { code: number; isEnd: boolean; samples: number }[]
}

interface Keypad {
  toneMs?: number
  gapMs?: number
  intervalMs?: number
  ends?: number
  firstSequence?: number
  firstTimestamp?: number
}

const KEYS = '1122334455*#00AABCD9'.repeat(20)

/** What an ordinary telephone sends, in order. Sound between the keys takes sequence numbers. */
function press(keys: string, init: Keypad = {}): Packet[] {
  const { toneMs = 100, gapMs = 80, intervalMs = 20, ends = 3 } = init
  const { firstSequence = 65_000, firstTimestamp = 0xffff_0000 } = init
  const packets: Packet[] = []
  let atMs = 0
  let sequence = firstSequence
  for (const key of keys) {
    const timestamp = firstTimestamp + atMs * 8
    const count = Math.ceil(toneMs / intervalMs)
    for (let i = 1; i < count + ends; i++) {
      const samples = Math.min(i * intervalMs, toneMs) * 8
      const code = DIGITS.indexOf(key)
      packets.push({
        atMs: atMs + (i - 1) * intervalMs,
        ssrc: 1,
        sequence: sequence++,
        timestamp,
        marker: i === 1,
        code,
        isEnd: i >= count,
        samples,
      })
    }
    const endedMs = atMs + (count + ends - 1) * intervalMs
    atMs = Math.max(endedMs + intervalMs, atMs + toneMs + gapMs)
    sequence += Math.round((atMs - endedMs) / intervalMs)
  }
  return packets
}

/** What is told of these packets, as they arrive. */
function hear(packets: readonly Packet[]): string {
  let heard = ''
  const receiver = new DtmfReceiver((digit) => {
    heard += digit
  })
  const arriving = packets.toSorted((a, b) => a.atMs - b.atMs)
  let polledMs = 0
  for (const { atMs, ssrc, sequence, timestamp, marker, more = [], ...first } of arriving) {
    for (; polledMs <= atMs; polledMs += 20) receiver.poll(polledMs)
    const events = [first, ...more]
    const payload = new Uint8Array(4 * events.length)
    events.forEach(({ code, isEnd, samples }, i) => {
      writeTelephoneEvent(payload, 4 * i, code, isEnd, samples)
    })
    const header = { ssrc: ssrc >>> 0, sequence: sequence & 0xffff, timestamp: timestamp >>> 0, marker }
    receiver.receive(header, payload, 0, payload.length, atMs)
  }
  receiver.poll(polledMs + 1000)
  return heard
}

const isFirstOf = (packet: Packet, i: number, all: readonly Packet[]) =>
  i === 0 || all[i - 1]?.timestamp !== packet.timestamp
/** Counts the keys: which press a packet belongs to. */
const presses = (packets: readonly Packet[]): number[] => {
  let n = -1
  return packets.map((packet, i) => (isFirstOf(packet, i, packets) ? ++n : n))
}

type Variant = [name: string, packets: (random: () => number) => Packet[]]

/** The same, with each packet changed; `key`: which press it belongs to, `n`: which packet of it. */
function changed(
  packets: Packet[],
  change: (packet: Packet, key: number, n: number, atMs: number) => Partial<Packet>,
): Packet[] {
  const keyOf = presses(packets)
  return packets.map((packet, i) => {
    const key = keyOf[i] ?? 0
    return { ...packet, ...change(packet, key, i - keyOf.indexOf(key), packet.atMs) }
  })
}

const OFFSET = 0x1234_5678
const repeats = (packet: Packet, packets: readonly Packet[], i: number) => packet.isEnd && packets[i - 1]?.isEnd

const HELD: Keypad = { toneMs: 200 }

const PEERS: Variant[] = [
  ['as RFC 4733 shows it', () => press(KEYS)],
  ['packets of 10 ms', () => press(KEYS, { intervalMs: 10 })],
  ['packets of 30 ms', () => press(KEYS, { intervalMs: 30, toneMs: 120 })],
  ['packets of 50 ms', () => press(KEYS, { intervalMs: 50, toneMs: 200, gapMs: 150 })],
  ['40 ms of tone, 40 of pause (ITU-T Q.24)', () => press(KEYS, { toneMs: 40, gapMs: 40, ends: 2 })],
  ['held for 500 ms each', () => press(KEYS, { toneMs: 500 })],
  ['one end packet', () => press(KEYS, { ends: 1 })],
  ['six end packets', () => press(KEYS, { ends: 6, gapMs: 150 })],
  ['no marker', () => changed(press(KEYS), () => ({ marker: false }))],
  ['a marker on each packet', () => changed(press(KEYS), () => ({ marker: true }))],
  ['the first two packets lost', () => lose(press(KEYS), (n) => n < 2)],
  ['all but the ends lost', () => press(KEYS).filter(({ isEnd }) => isEnd)],
  ['the ends lost', () => press(KEYS).filter(({ isEnd }) => !isEnd)],
  ['the first and the last packets lost', () => lose(press(KEYS), (n) => n < 1).filter(({ isEnd }) => !isEnd)],
  [
    'only the first packet and one end come',
    () => press(KEYS).filter(({ marker, isEnd }, i, all) => marker || (isEnd && !all[i - 1]?.isEnd)),
  ],
  ['each packet twice', () => press(KEYS).flatMap((p) => [p, { ...p }])],
  ['each packet again 30 ms later', () => press(KEYS).flatMap((p) => [p, { ...p, atMs: p.atMs + 30 }])],
  [
    'pairs of packets exchanged',
    () => changed(press(KEYS), (p, _key, n) => ({ atMs: p.atMs + (n % 2 === 0 ? 25 : 0) })),
  ],
  ['a duration that does not grow', () => changed(press(KEYS), () => ({ samples: 800 }))],
  ['a duration of 0 until the end', () => changed(press(KEYS), (p) => ({ samples: p.isEnd ? 800 : 0 }))],
  [
    'a duration that grows in the repeated ends',
    () => changed(press(KEYS), (_p, _key, n) => ({ samples: (n + 1) * 160 })),
  ],
  [
    'an end that is shorter than its event',
    () => changed(press(KEYS), (p) => ({ samples: p.isEnd ? 400 : p.samples })),
  ],
  ['all keys under one timestamp', () => changed(press(KEYS), () => ({ timestamp: 7000 }))],
  [
    'all keys under one timestamp, without markers',
    () => changed(press(KEYS), () => ({ timestamp: 7000, marker: false })),
  ],
  [
    'all keys under one timestamp, the ends lost',
    () => changed(press(KEYS), () => ({ timestamp: 7000 })).filter(({ isEnd }) => !isEnd),
  ],
  [
    'all keys under one timestamp, each packet again 30 ms later',
    () => changed(press(KEYS), () => ({ timestamp: 7000 })).flatMap((p) => [p, { ...p, atMs: p.atMs + 30 }]),
  ],
  [
    'all keys under one timestamp, one source for each key',
    () => changed(press(KEYS), (_p, key) => ({ timestamp: 7000, ssrc: 100 + key })),
  ],
  ['timestamps that move with each packet', () => changed(press(KEYS), (p) => ({ timestamp: OFFSET + p.atMs * 8 }))],
  [
    'timestamps that move, 30 ms apart',
    () => changed(press(KEYS, { intervalMs: 30, toneMs: 120 }), (p) => ({ timestamp: OFFSET + p.atMs * 8 })),
  ],
  [
    'timestamps that move, 50 ms apart',
    () =>
      changed(press(KEYS, { intervalMs: 50, toneMs: 200, gapMs: 200 }), (p) => ({ timestamp: OFFSET + p.atMs * 8 })),
  ],
  ['timestamps that move, each packet 20 ms long', () => changed(press(KEYS, HELD), equalSegments)],
  [
    'timestamps that move, each packet 20 ms long, the ends under the last timestamp',
    () =>
      changed(press(KEYS, HELD), (p, _key, n, atMs) => ({
        ...equalSegments(p, 0, 0, atMs - (p.isEnd ? (n - 8) * 20 : 0)),
      })),
  ],
  [
    'timestamps that move, each packet 20 ms long, held for 3 s',
    () => changed(press(KEYS, { toneMs: 3000 }), equalSegments),
  ],
  [
    'timestamps that move, each packet 20 ms long, the ends lost',
    () => changed(press(KEYS, HELD), equalSegments).filter(({ isEnd }) => !isEnd),
  ],
  [
    'timestamps that move, a duration that does not grow',
    () => changed(press(KEYS, HELD), (p, key, n, atMs) => ({ ...equalSegments(p, key, n, atMs), samples: 800 })),
  ],
  ['four keys in each packet, three times (RFC 4733 2.5.1.5)', () => packed(KEYS, 4, 3)],
  ['twenty keys in each packet, once', () => packed(KEYS, 20, 1)],
  ['two keys in each packet, without pauses between the packets', () => packed(KEYS, 2, 3, 0)],
  ['each packet repeats the last keys before its own', () => cumulative(KEYS)],
  ['packets padded with zeros', () => changed(press(KEYS), () => ({ more: [{ code: 0, isEnd: false, samples: 0 }] }))],
  [
    'a state of the key, with a duration of 0, before each press (RFC 4733 2.3.5)',
    () =>
      press(KEYS, { gapMs: 200 }).flatMap((p) =>
        p.marker
          ? [
              {
                ...p,
                atMs: p.atMs - 1,
                sequence: p.sequence - 1,
                timestamp: p.timestamp - 640,
                isEnd: true,
                samples: 0,
              },
              p,
            ]
          : [p],
      ),
  ],
  ['repeated ends under new timestamps', () => moveEnds(press(KEYS), 1)],
  ['all ends under new timestamps', () => moveEnds(press(KEYS), 0)],
  [
    'repeated ends under any timestamps',
    (random) =>
      press(KEYS).map((p, i, all) => (repeats(p, all, i) ? { ...p, timestamp: Math.floor(random() * 2 ** 32) } : p)),
  ],
  ['a source for each key', () => changed(press(KEYS), (_p, key) => ({ ssrc: 100 + key, timestamp: key * 77_777 }))],
  [
    'a source for each key, the numbers go on from 1',
    () => changed(press(KEYS), (_p, key, n) => ({ ssrc: 100 + key, sequence: n + 1 })),
  ],
  [
    'two sources in turn, key by key',
    () => changed(press(KEYS), (p, key) => ({ ssrc: 1 + (key % 2), timestamp: p.timestamp + (key % 2) * OFFSET })),
  ],
  [
    'two sources in turn, key by key, one timestamp',
    () => changed(press(KEYS), (_p, key) => ({ ssrc: 1 + (key % 2), timestamp: 7000 })),
  ],
  ['two sources in turn, packet by packet', () => changed(press(KEYS), (_p, _key, n) => ({ ssrc: 1 + (n % 2) }))],
  [
    'two sources in turn, packet by packet, each with its own clock',
    () => changed(press(KEYS), (p, _key, n) => ({ ssrc: 1 + (n % 2), timestamp: p.timestamp + (n % 2) * OFFSET })),
  ],
  ['two sources tell each key', () => twice(press(KEYS), 0)],
  ['two sources tell each key, one 40 ms later', () => twice(press(KEYS, { gapMs: 120 }), 40)],
  ['a thread that stands still: all packets of a second come at once', () => stalled(press(KEYS))],
  ['the same, all but the ends lost', () => stalled(press(KEYS).filter(({ isEnd }) => isEnd))],
  ['the same, all keys under one timestamp', () => stalled(changed(press(KEYS), () => ({ timestamp: 7000 })))],
  ['the same, timestamps that move', () => stalled(changed(press(KEYS), (p) => ({ timestamp: OFFSET + p.atMs * 8 })))],
  [
    'numbers that begin anew with each key',
    () => changed(press(KEYS, { gapMs: 600 }), (_p, _key, n) => ({ sequence: n })),
  ],
  ['numbers that jump with each key', () => changed(press(KEYS), (p, key) => ({ sequence: p.sequence + key * 5000 }))],
  [
    'a clock that jumps with each key',
    (random) => {
      const at = Array.from(KEYS, () => Math.floor(random() * 2 ** 32))
      return changed(press(KEYS), (_p, key) => ({ timestamp: at[key] ?? 0 }))
    },
  ],
  ['a clock that runs backwards', () => changed(press(KEYS), (_p, key) => ({ timestamp: OFFSET - key * 1440 }))],
]

const equalSegments: Parameters<typeof changed>[1] = (_p, _key, _n, atMs) => ({
  timestamp: OFFSET + atMs * 8,
  samples: 160,
})

const KEY_SAMPLES = 400
const ended = (key: string) => ({ code: DIGITS.indexOf(key), isEnd: true, samples: KEY_SAMPLES })

/** Several keys in one packet; each packet is sent `times` times. */
function packed(keys: string, keysPerPacket: number, times: number, gapMs = 80): Packet[] {
  const packets: Packet[] = []
  let timestamp = 0xffff_0000
  for (let from = 0; from < keys.length; from += keysPerPacket) {
    const [first, ...more] = Array.from(keys.slice(from, from + keysPerPacket), ended)
    for (let i = 0; first && i < times; i++) {
      const sequence = packets.length
      packets.push({ ...first, more, atMs: sequence * 100, ssrc: 1, sequence, timestamp, marker: i === 0 })
    }
    timestamp += keysPerPacket * KEY_SAMPLES + gapMs * 8
  }
  return packets
}

/** A key goes on for several packets, each with the three keys before it. */
function cumulative(keys: string): Packet[] {
  return Array.from(keys, (_, at) => {
    const from = Math.max(0, at - 3)
    return [80, 240, KEY_SAMPLES].map((samples, i): Packet => {
      const events = Array.from(keys.slice(from, at + 1), ended)
      const last = { ...ended(keys[at] ?? ''), samples, isEnd: samples === KEY_SAMPLES }
      const [first = last, ...more] = [...events.slice(0, -1), last]
      const sequence = 3 * at + i
      const timestamp = 0xffff_0000 + from * KEY_SAMPLES
      return { ...first, more, atMs: sequence * 20, ssrc: 1, sequence, timestamp, marker: i === 0 }
    })
  }).flat()
}

const stalled = (packets: Packet[]): Packet[] =>
  packets.map((packet) => ({ ...packet, atMs: Math.ceil(packet.atMs / 1000) * 1000 }))

function lose(packets: Packet[], lost: (n: number) => boolean): Packet[] {
  const keyOf = presses(packets)
  return packets.filter((_, i) => !lost(i - keyOf.indexOf(keyOf[i] ?? 0)))
}

/** Ends from the `from`th on carry the time at which they are sent. */
function moveEnds(packets: Packet[], from: number): Packet[] {
  let end = 0
  return packets.map((packet) => {
    end = packet.isEnd ? end + 1 : 0
    return end > from ? { ...packet, timestamp: 0xffff_0000 + packet.atMs * 8 } : packet
  })
}

function twice(packets: Packet[], laterMs: number): Packet[] {
  const copies = packets.map((p) => ({
    ...p,
    ssrc: 2,
    sequence: p.sequence + 9000,
    timestamp: p.timestamp + OFFSET,
    atMs: p.atMs + laterMs,
  }))
  return [...packets, ...copies]
}

/** A network that loses a fifth, doubles a twentieth and delivers a tenth up to 50 ms late. */
function badNetwork(packets: Packet[], random: () => number): Packet[] {
  return packets.flatMap((p) => {
    if (random() < 0.2) return []
    const late = { ...p, atMs: p.atMs + (random() < 0.1 ? random() * 50 : 0) }
    return random() < 0.05 ? [late, { ...late }] : [late]
  })
}

describe('the keys of peers as they are', () => {
  for (const [name, packets] of PEERS) {
    it(`400 of 400: ${name}`, () => assert.equal(hear(packets(seeded(7))), KEYS))
  }

  for (const [name, init, change] of LOSSY()) {
    it(`400 of 400 through a bad network: ${name}`, () => {
      const random = seeded(11)
      assert.equal(hear(badNetwork(changed(press(KEYS, init), change), random)), KEYS)
    })
  }

  for (const [name, segmentSamples, own, lost] of [
    ['each with its own timestamp', 0xffff, true, 0],
    ['of 8 s', 64_000, true, 0],
    ['of 4 s', 0x8000, true, 0],
    ['each with its own timestamp, the last five packets of each lost', 0xffff, true, 5],
    ['under one timestamp', 0xffff, false, 0],
  ] as const) {
    it(`a key held for 20 s is one key, its segments ${name} (RFC 4733 2.5.1.3)`, () => {
      assert.equal(hear(longPress(20_000, segmentSamples, own, lost)), '5')
    })
  }

  it('a state of a key, with a duration of 0, is not a key (RFC 4733 2.3.5)', () => {
    assert.equal(hear(changed(press('1234'), () => ({ samples: 0 }))), '')
  })

  it('the same key twice within 500 ms is two keys, however it is held', () => {
    for (const toneMs of [40, 60, 100, 160, 200]) {
      for (const gapMs of [40, 60, 100, 200])
        assert.equal(hear(press('77', { toneMs, gapMs })), '77', `${toneMs} + ${gapMs}`)
    }
  })
})

function longPress(heldMs: number, segmentSamples: number, own: boolean, lost: number): Packet[] {
  const packets: Packet[] = []
  for (let atMs = 0, n = 0; atMs < heldMs; atMs += 20, n++) {
    const total = (atMs + 20) * 8
    const segment = Math.floor((total - 1) / segmentSamples)
    const samples = total - segment * segmentSamples
    const isEnd = atMs + 20 >= heldMs
    if (!isEnd && samples > segmentSamples - lost * 160) continue
    packets.push({
      atMs,
      ssrc: 1,
      sequence: n,
      timestamp: 1000 + (own ? segment * segmentSamples : 0),
      marker: n === 0,
      code: 5,
      isEnd,
      samples,
    })
  }
  return packets
}

function LOSSY(): [string, Keypad, (packet: Packet, key: number, n: number, atMs: number) => Partial<Packet>][] {
  const usual = { toneMs: 160, gapMs: 120 }
  return [
    ['as RFC 4733 shows it', usual, () => ({})],
    ['100 ms of tone', { toneMs: 100, gapMs: 100 }, () => ({})],
    ['no marker', usual, () => ({ marker: false })],
    ['all keys under one timestamp', usual, () => ({ timestamp: 7000 })],
    ['timestamps that move with each packet', usual, (p) => ({ timestamp: OFFSET + p.atMs * 8 })],
    ['two sources in turn, key by key', usual, (_p, key) => ({ ssrc: 1 + (key % 2) })],
    ['a source for each key', usual, (_p, key) => ({ ssrc: 100 + key })],
    ['two sources in turn, packet by packet', usual, (_p, _key, n) => ({ ssrc: 1 + (n % 2) })],
  ]
}
