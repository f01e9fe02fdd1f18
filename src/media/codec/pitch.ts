/** ITU-T G.711 Appendix I, I.2.2: finds the pitch period by normalised cross-correlation, in a coarse and then a fine search. */

/** 200 Hz to 66 Hz. For a higher tone the search finds a multiple of its period, which serves as well. */
const MIN_PERIOD = 40
export const MAX_PERIOD = 120
/** The last 20 ms are compared with the sound before them. */
const COMPARED = 160
/** A floor for the energy, so that near silence does not decide the result. */
const MIN_MEAN_SQUARE = 250
/** Every second sample and every second period at first: a quarter of the work. */
const COARSE = 2

/** Returns the period in samples at the end of `history`, which holds at least 280 samples. */
export function findPeriod(history: Int16Array): number {
  let best = MIN_PERIOD
  let bestMatch = Number.NEGATIVE_INFINITY
  const consider = (period: number, stride: number): void => {
    const found = match(history, period, stride)
    if (found <= bestMatch) return
    best = period
    bestMatch = found
  }
  for (let period = MIN_PERIOD; period <= MAX_PERIOD; period += COARSE) consider(period, COARSE)
  const coarse = best
  bestMatch = Number.NEGATIVE_INFINITY
  for (let period = coarse - 1; period <= coarse + 1; period++) {
    if (period >= MIN_PERIOD && period <= MAX_PERIOD) consider(period, 1)
  }
  return best
}

function match(history: Int16Array, period: number, stride: number): number {
  const end = history.length
  let product = 0
  let energy = 0
  for (let i = end - COMPARED; i < end; i += stride) {
    const before = history[i - period] ?? 0
    product += before * (history[i] ?? 0)
    energy += before * before
  }
  return product / Math.sqrt(Math.max(energy, (MIN_MEAN_SQUARE * COMPARED) / stride))
}
