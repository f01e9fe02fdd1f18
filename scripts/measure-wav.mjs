// Measures a recording: the strongest tone of a WAV file and its level. Independent of the engine's own code,
// so that the demo call is not judged by the code that it tests.
import { readFileSync } from 'node:fs'

const WINDOW_SEC = 0.5
const STEP_SEC = 0.05
const LOWEST_HZ = 100
const HIGHEST_HZ = 3600

/**
 * Dominant frequency and level of the loudest half second; null if the file is shorter.
 * Level: RMS relative to full scale, so a sine of full amplitude has -3.0 dBFS.
 */
export function measureWav(path) {
  const { samples, rate } = readWav(path)
  const length = Math.round(WINDOW_SEC * rate)
  if (samples.length < length) return null
  const window = loudest(samples, length, Math.round(STEP_SEC * rate))
  return { hz: dominantHz(window, rate), dbfs: round(dbfs(window), 1) }
}

/** 16 bit PCM of any rate; only the first channel is measured. Samples are -1 … 1. */
export function readWav(path) {
  const bytes = readFileSync(path)
  const format = chunk(bytes, 'fmt ')
  const data = chunk(bytes, 'data')
  const [kind, channels, rate, bits] = [
    format.readUInt16LE(0),
    format.readUInt16LE(2),
    format.readUInt32LE(4),
    format.readUInt16LE(14),
  ]
  if (kind !== 1 || bits !== 16) throw new Error(`${path}: format ${kind} with ${bits} bits is not 16 bit PCM`)
  const samples = new Float64Array(Math.floor(data.length / 2 / channels))
  for (let i = 0; i < samples.length; i++) samples[i] = data.readInt16LE(i * 2 * channels) / 32_768
  return { samples, rate }
}

function chunk(bytes, id) {
  for (let at = 12; at + 8 <= bytes.length; ) {
    const size = bytes.readUInt32LE(at + 4)
    if (bytes.toString('latin1', at, at + 4) === id) return bytes.subarray(at + 8, at + 8 + size)
    at += 8 + size + (size & 1)
  }
  throw new Error(`no chunk "${id}" in the WAV file`)
}

function loudest(samples, length, step) {
  let best = samples.subarray(0, length)
  let most = -1
  for (let at = 0; at + length <= samples.length; at += step) {
    const window = samples.subarray(at, at + length)
    const power = window.reduce((sum, x) => sum + x * x, 0)
    if (power <= most) continue
    most = power
    best = window
  }
  return best
}

/** A coarse scan, then a fine scan around the best frequency. */
function dominantHz(window, rate) {
  const faded = window.map((x, i) => x * (0.5 - 0.5 * Math.cos((2 * Math.PI * i) / window.length)))
  const coarse = strongest(faded, rate, LOWEST_HZ, Math.min(HIGHEST_HZ, rate / 2), 1 / WINDOW_SEC)
  return round(strongest(faded, rate, coarse - 2, coarse + 2, 0.1), 1)
}

function strongest(samples, rate, fromHz, toHz, stepHz) {
  let best = fromHz
  let most = -1
  for (let hz = fromHz; hz <= toHz; hz += stepHz) {
    const power = goertzel(samples, rate, hz)
    if (power <= most) continue
    most = power
    best = hz
  }
  return best
}

/** Power at one frequency (Goertzel's recurrence). */
function goertzel(samples, rate, hz) {
  const coefficient = 2 * Math.cos((2 * Math.PI * hz) / rate)
  let last = 0
  let beforeLast = 0
  for (const x of samples) {
    const next = x + coefficient * last - beforeLast
    beforeLast = last
    last = next
  }
  return last * last + beforeLast * beforeLast - coefficient * last * beforeLast
}

function dbfs(samples) {
  const power = samples.reduce((sum, x) => sum + x * x, 0) / samples.length
  return 10 * Math.log10(Math.max(power, 1e-12))
}

function round(value, digits) {
  return Number(value.toFixed(digits))
}
