import assert from 'node:assert/strict'
import { decode, encode, type G711, PCMA, PCMU } from '../../../../src/media/codec/g711.js'
import { ToneDetector } from '../../../../src/media/dtmf/tone-detector.js'
import { readWav } from '../../../support/audio.js'
import { repoPath } from '../../../support/repo.js'

const ROWS = [697, 770, 852, 941]
const COLUMNS = [1209, 1336, 1477, 1633]
const KEYS = '123A456B789C*0#D'

interface Key {
  onMs?: number
  offMs?: number
  rowDb?: number
  columnDb?: number
  /** Both frequencies are that much off. */
  offPercent?: number
}

/** Levels in dBFS of each tone. */
function pressed(keys: string, init: Key = {}): Int16Array {
  const { onMs = 100, offMs = 100, rowDb = -13, columnDb = -13, offPercent = 0 } = init
  const [on, off] = [onMs * 8, offMs * 8]
  const samples = new Int16Array(37 + keys.length * (on + off)) // the tones begin anywhere in a block
  const amplitude = (db: number) => 32_768 * 10 ** (db / 20)
  for (const [n, key] of [...keys].entries()) {
    const at = KEYS.indexOf(key)
    const w = [ROWS[at >> 2], COLUMNS[at & 3]].map((hz = 0) => (2 * Math.PI * hz * (1 + offPercent / 100)) / 8000)
    for (let i = 0; i < on; i++) {
      const [low = 0, high = 0] = w.map((step) => Math.sin(step * i))
      samples[37 + n * (on + off) + i] = Math.round(amplitude(rowDb) * low + amplitude(columnDb) * high)
    }
  }
  return samples
}

function heard(samples: Int16Array, frame = 160): { digits: string; lengths: number[] } {
  let digits = ''
  const lengths: number[] = []
  const detector = new ToneDetector((digit, durationMs) => {
    digits += digit
    lengths.push(durationMs)
  })
  for (let at = 0; at < samples.length; at += frame) {
    const piece = samples.subarray(at, at + frame)
    detector.hear(piece, piece.length)
  }
  detector.hear(new Int16Array(800), 800)
  return { digits, lengths }
}

function throughLaw(samples: Int16Array, codec: G711): Int16Array {
  const octets = new Uint8Array(samples.length)
  encode(codec, samples, octets)
  const back = new Int16Array(samples.length)
  decode(codec, octets, 0, back, 0, samples.length)
  return back
}

/** A minute of vowels: a larynx of 80 to 300 Hz through three formants that wander, as loud as speech, with pauses. */
function babble(): Int16Array {
  const samples = new Int16Array(60 * 8000)
  let seed = 7
  const random = (min: number, max: number) => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0
    return min + (seed / 2 ** 32) * (max - min)
  }
  const state = [0, 0, 0].map(() => [0, 0])
  let phase = 0
  for (let at = 0; at < samples.length; ) {
    const length = Math.round(random(400, 2400)) // 50 to 300 ms
    const pitch = [random(80, 300), random(80, 300)] as const
    const formants = [
      [random(250, 900), random(250, 900)],
      [random(700, 2300), random(700, 2300)],
      [random(1800, 3200), random(1800, 3200)],
    ] as const
    const loud = random(0, 1) < 0.15 ? 0 : random(2_000, 12_000)
    for (let i = 0; i < length && at < samples.length; i++, at++) {
      const share = i / length
      const between = ([from, to]: readonly [number, number] | readonly number[]) =>
        (from ?? 0) + ((to ?? 0) - (from ?? 0)) * share
      phase += between(pitch) / 8000
      let x = phase >= 1 ? loud : 0
      phase %= 1
      for (const [n, formant] of formants.entries()) {
        const s = state[n] ?? [0, 0]
        const r = Math.exp((-Math.PI * 80) / 8000)
        const y = x + 2 * r * Math.cos((2 * Math.PI * between(formant)) / 8000) * (s[0] ?? 0) - r * r * (s[1] ?? 0)
        state[n] = [y, s[0] ?? 0]
        x = y * 0.5
      }
      samples[at] = Math.max(-32_768, Math.min(32_767, Math.round(x)))
    }
  }
  return samples
}

/** The same noise each time. */
function noise(samples: Int16Array, dbfs: number): Int16Array {
  let seed = 1
  const random = () => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0
    return seed / 2 ** 32 - 0.5
  }
  const amplitude = 32_768 * 10 ** (dbfs / 20) * Math.sqrt(12)
  return samples.map((sample) => Math.max(-32_768, Math.min(32_767, Math.round(sample + amplitude * random()))))
}

describe('digits as tones', () => {
  it('all sixteen are heard, once each, with their length, in frames of any size', () => {
    for (const frame of [80, 160, 240, 480, 33]) {
      const { digits, lengths } = heard(pressed(KEYS), frame)
      assert.equal(digits, KEYS)
      assert.ok(
        lengths.every((ms) => ms >= 75 && ms <= 115),
        lengths.join(' '),
      )
    }
  })

  it('from 40 ms on, and the same one twice is two (Q.24)', () => {
    assert.equal(heard(pressed(KEYS + KEYS, { onMs: 40, offMs: 40 })).digits, KEYS + KEYS)
    assert.equal(heard(pressed('1111', { onMs: 50, offMs: 50 })).digits, '1111')
    assert.equal(heard(pressed(KEYS, { onMs: 10, offMs: 60 })).digits, '')
  })

  for (const codec of [PCMA, PCMU]) {
    it(`through ${codec.name}, soft ones too`, () => {
      for (const db of [-3 - 6, -20, -33]) {
        const samples = pressed(KEYS, { onMs: 60, offMs: 60, rowDb: db, columnDb: db })
        assert.equal(heard(throughLaw(samples, codec)).digits, KEYS, `${db} dBFS`)
      }
    })
  }

  it('with tones of unlike level, 1.5 % off, and noise 15 dB below', () => {
    assert.equal(heard(pressed(KEYS, { rowDb: -18, columnDb: -12 })).digits, KEYS)
    assert.equal(heard(pressed(KEYS, { rowDb: -12, columnDb: -15 })).digits, KEYS)
    for (const offPercent of [-1, 1]) assert.equal(heard(pressed(KEYS, { offPercent })).digits, KEYS)
    const onTelephones = '1234567890*#'
    for (const offPercent of [-1.5, 1.5])
      assert.equal(heard(pressed(onTelephones, { offPercent })).digits, onTelephones)
    assert.equal(heard(noise(pressed(KEYS), -28)).digits, KEYS)
  })

  it('not in silence, noise, single tones, signals of exchanges, nor in speech', () => {
    const sine = (...hz: number[]) =>
      Int16Array.from({ length: 16_000 }, (_, i) =>
        Math.round(hz.reduce((sum, f) => sum + 8_000 * Math.sin((2 * Math.PI * f * i) / 8000), 0)),
      )
    assert.equal(heard(noise(new Int16Array(80_000), -15)).digits, '')
    for (const hz of [[697], [1209], [425], [1000], [350, 440], [440, 480], [480, 620], [697, 770], [1209, 1336]]) {
      assert.equal(heard(sine(...hz)).digits, '', hz.join('+'))
    }
    assert.equal(heard(pressed(KEYS, { rowDb: -30, columnDb: -10 })).digits, '', 'one far louder than the other')
    const voices = babble()
    const rms = Math.sqrt(voices.reduce((sum, x) => sum + x * x, 0) / voices.length)
    assert.ok(rms > 500 && rms < 15_000, `a voice of ${rms}`)
    assert.equal(heard(voices).digits, '', 'a minute of vowels')
    for (const name of ['message.wav', 'thanks.wav']) {
      const speech = readWav(repoPath('examples', 'media', name)).channels[0] ?? new Int16Array()
      for (const gain of [0.3, 1, 3]) {
        const louder = speech.map((sample) => Math.max(-32_768, Math.min(32_767, sample * gain)))
        assert.equal(heard(louder).digits, '', `${name} x ${gain}`)
      }
    }
  })

  it('costs little', () => {
    const samples = pressed(KEYS.repeat(20))
    const frames = samples.length / 160
    const startMs = performance.now()
    heard(samples)
    const us = ((performance.now() - startMs) * 1000) / frames
    console.log(`      20 ms of sound: ${us.toFixed(1)} µs`)
    assert.ok(us < 200, `${us} µs`)
  })
})
