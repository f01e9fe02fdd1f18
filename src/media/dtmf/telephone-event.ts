/*
 * RFC 4733 2.3
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |     event     |E|R| volume    |          duration             |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */

export const EVENT_OCTETS = 4
/** RFC 4733 3.2: events 0 to 15. */
export const DIGITS = '0123456789*#ABCD'
/** dBm0 below zero. */
const VOLUME = 10

export function writeTelephoneEvent(
  bytes: Uint8Array,
  at: number,
  event: number,
  end: boolean,
  durationSamples: number,
): void {
  bytes[at] = event
  bytes[at + 1] = (end ? 0x80 : 0) | VOLUME
  bytes[at + 2] = durationSamples >> 8
  bytes[at + 3] = durationSamples
}
