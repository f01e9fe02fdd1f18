const SECOND_MS = 1000
let lastSecond = Number.NaN
let lastText = ''

/** ISO 8601 with milliseconds. The date is formatted once per second, because a busy engine needs thousands of texts in one. */
export function isoTime(wallMs: number): string {
  const whole = Math.floor(wallMs)
  const second = Math.floor(whole / SECOND_MS)
  if (second !== lastSecond) {
    lastSecond = second
    // `2026-11-27T21:49:21.`
    lastText = new Date(second * SECOND_MS).toISOString().slice(0, -4)
  }
  return `${lastText}${String(whole - second * SECOND_MS).padStart(3, '0')}Z`
}
