import { Concealment } from '../codec/concealment.js'
import { decode, energyOf, energyOfSamples, type G711, PCMA } from '../codec/g711.js'
import { JitterBuffer, type Pulled } from '../rtp/jitter-buffer.js'
import { LevelMeter } from './level-meter.js'

const CLOCK_RATE = 8000
/** Mean square of -50 dBFS: quieter sound may be shortened or stretched inaudibly. */
const QUIET_MEAN_SQUARE = 10_737
/** Mean square of -60 dBFS: quieter sound counts as silence. */
const AUDIBLE_MEAN_SQUARE = 1074

/** Makes a continuous sound of the received packets: jitter buffer, decoder, concealment, level. */
export class Playout {
  readonly jitterBuffer = new JitterBuffer({ clockRate: CLOCK_RATE })
  readonly level = new LevelMeter()
  concealedFrames = 0
  /** Sound above -60 dBFS was heard. */
  audible = false
  /** The last packet was comfort noise or a digit: the peer pauses on purpose. */
  pausedByPeer = false

  readonly #concealment = new Concealment()
  readonly #codecOf: (payloadType: number) => G711 | undefined
  /** The packet that is being played, with its remaining range and its codec. */
  #packet: Uint8Array = new Uint8Array(0)
  #at = 0
  #end = 0
  #codec: G711 = PCMA
  #quiet = true
  #pulled: Pulled = 'waiting'

  constructor(codecOf: (payloadType: number) => G711 | undefined) {
    this.#codecOf = codecOf
  }

  /** Another source follows. */
  restart(): void {
    this.jitterBuffer.reset()
    this.#concealment.forget()
  }

  /**
   * Fills `frame` with the next `samples` of the peer's sound; `listened` false: the sound is not used, and only the time advances.
   * Returns the energy of the sound.
   */
  pull(frame: Int16Array, samples: number, nowMs: number, listened: boolean): number {
    if (!listened) this.#concealment.forget()
    let energy = 0
    for (let have = 0; have < samples; ) {
      const left = samples - have
      if (this.#at === this.#end && !this.#next(left, nowMs)) {
        energy += this.#standIn(frame, have, left, listened)
        break
      }
      const n = Math.min(left, this.#end - this.#at)
      energy += this.#play(frame, have, n, listened)
      have += n
    }
    this.level.add(energy, samples)
    if (energy >= AUDIBLE_MEAN_SQUARE * samples) this.audible = true
    this.#quiet = energy < QUIET_MEAN_SQUARE * samples
    return energy
  }

  /** Takes the next packet; false if there is none. */
  #next(samples: number, nowMs: number): boolean {
    const buffer = this.jitterBuffer
    this.#pulled = buffer.pull(nowMs, samples, this.#quiet)
    if (this.#pulled !== 'packet') return false
    this.#packet = buffer.packet
    this.#at = buffer.payloadStart
    this.#end = buffer.payloadStart + buffer.payloadOctets
    this.#codec = this.#codecOf(buffer.payloadType) ?? PCMA
    return true
  }

  /** Decodes a part of the packet; returns its energy. */
  #play(frame: Int16Array, from: number, n: number, listened: boolean): number {
    const at = this.#at
    this.#at += n
    if (!listened) return energyOf(this.#codec, this.#packet, at, n)
    decode(this.#codec, this.#packet, at, frame, from, n)
    this.#concealment.heard(frame, from, n)
    return energyOfSamples(frame, from, n)
  }

  /** Fills a gap: with concealment, or with silence if the peer pauses on purpose. */
  #standIn(frame: Int16Array, from: number, n: number, listened: boolean): number {
    const missing = this.#pulled === 'lost' || (this.#pulled === 'empty' && !this.pausedByPeer)
    if (missing) this.concealedFrames++
    else if (this.#pulled === 'waiting' || this.pausedByPeer) this.#concealment.forget()
    if (!listened) return missing && !this.#quiet ? QUIET_MEAN_SQUARE * n : 0
    if (missing) this.#concealment.fill(frame, from, n)
    else frame.fill(0, from, from + n)
    return missing ? energyOfSamples(frame, from, n) : 0
  }
}
