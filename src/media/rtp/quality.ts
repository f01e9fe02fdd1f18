/** ITU-T G.107's E-model with its defaults, reduced to the figures that a call measures. */

/** ITU-T G.113 Appendix I: G.711 with packet loss concealment. */
const G711 = { equipmentImpairment: 0, lossRobustness: 25.1 }

export interface QualityInput {
  lossPercent: number
  /** Mouth to ear: half of the round trip, packetising and jitter buffer. */
  oneWayDelayMs: number
}

/** Transmission rating R: 93.2 at best. */
export function transmissionRating({ lossPercent, oneWayDelayMs }: QualityInput): number {
  const { equipmentImpairment: ie, lossRobustness } = G711
  // Losses are assumed to be independent: a burst ratio of 1.
  const loss = lossPercent / (lossPercent + lossRobustness)
  const effectiveImpairment = ie + (95 - ie) * loss
  const delayImpairment = 0.024 * oneWayDelayMs + 0.11 * Math.max(0, oneWayDelayMs - 177.3)
  return 93.2 - delayImpairment - effectiveImpairment
}

/** G.107 Annex B: mean opinion score of a rating, 1 to 4.5. */
export function meanOpinionScore(input: QualityInput): number {
  const r = transmissionRating(input)
  if (r <= 0) return 1
  if (r >= 100) return 4.5
  return Math.max(1, 1 + 0.035 * r + 7e-6 * r * (r - 60) * (100 - r))
}
