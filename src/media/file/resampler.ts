/** Zero crossings of the windowed sinc on each side, at the lower of the two rates. */
const ZERO_CROSSINGS = 24
/** Kaiser window: 9 gives about 90 dB of rejection. */
const KAISER_BETA = 9
/** Cut-off as a share of half the lower rate: higher frequencies would become aliases. */
const ROLL_OFF = 0.93

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b)
}

/** Modified Bessel function of the first kind, order 0. */
function bessel0(x: number): number {
  let sum = 1
  let term = 1
  for (let k = 1; term > 1e-12 * sum; k++) {
    term *= (x / (2 * k)) ** 2
    sum += term
  }
  return sum
}

/** The taps of each phase, in the order of the input. */
function designPhases(up: number, down: number, tapsPerPhase: number): Float32Array[] {
  const taps = tapsPerPhase * up
  const middle = (taps - 1) / 2
  const cutoff = ROLL_OFF / (2 * Math.max(up, down))
  const prototype = Float64Array.from({ length: taps }, (_, i) => {
    const x = i - middle
    const sinc = x === 0 ? 2 * cutoff : Math.sin(2 * Math.PI * cutoff * x) / (Math.PI * x)
    const window = bessel0(KAISER_BETA * Math.sqrt(Math.max(0, 1 - (x / (middle + 0.5)) ** 2))) / bessel0(KAISER_BETA)
    return sinc * window * up
  })
  return Array.from({ length: up }, (_, phase) =>
    Float32Array.from({ length: tapsPerPhase }, (_, k) => prototype[(tapsPerPhase - 1 - k) * up + phase] ?? 0),
  )
}

/** Changes the rate of a stream by up/down with a polyphase low-pass; the delay of the filter is removed at the start. */
export class Resampler {
  readonly #up: number
  readonly #down: number
  readonly #taps: number
  readonly #phases: Float32Array[]
  /** Earlier input that the filter still needs, then the input of this call. */
  #buffer: Float32Array
  #phase: number
  #at = 0

  constructor(inRate: number, outRate: number) {
    const divisor = gcd(inRate, outRate)
    this.#up = outRate / divisor
    this.#down = inRate / divisor
    this.#taps = 2 * Math.ceil(ZERO_CROSSINGS * Math.max(1, this.#down / this.#up))
    this.#phases = designPhases(this.#up, this.#down, this.#taps)
    this.#phase = Math.floor(((this.#taps * this.#up - 1) / 2) % this.#up)
    // Half a filter of silence before the first sample removes the delay.
    this.#buffer = new Float32Array(this.#taps - 1 - Math.floor((this.#taps * this.#up - 1) / 2 / this.#up))
  }

  process(input: Float32Array): Float32Array {
    const buffer = new Float32Array(this.#buffer.length + input.length)
    buffer.set(this.#buffer)
    buffer.set(input, this.#buffer.length)
    const output = new Float32Array(Math.ceil(((buffer.length + 1) * this.#up) / this.#down) + 1)
    let n = 0
    while (this.#at + this.#taps <= buffer.length) {
      output[n++] = this.#convolve(buffer)
      this.#phase += this.#down
      this.#at += Math.floor(this.#phase / this.#up)
      this.#phase %= this.#up
    }
    const used = Math.min(this.#at, buffer.length)
    this.#buffer = buffer.slice(used)
    this.#at -= used
    return output.subarray(0, n)
  }

  #convolve(buffer: Float32Array): number {
    const taps = this.#phases[this.#phase] as Float32Array
    let sum = 0
    for (let k = 0; k < taps.length; k++) sum += (taps[k] as number) * (buffer[this.#at + k] as number)
    return sum
  }

  /** Returns the rest of the stream from the filter. */
  flush(): Float32Array {
    return this.process(new Float32Array(Math.floor(this.#taps / 2)))
  }
}
