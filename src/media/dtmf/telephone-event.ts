import { addTimestamp } from '../rtp/sequence.js'

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

export interface TelephoneEvent {
  code: number
  isEnd: boolean
  samples: number
  timestamp: number
}

/**
 * The keys of a packet, in order. RFC 4733 2.5.1.5: the timestamp of the packet is the start of the first event, and each further event starts where
 * the one before it ended. Further events without a duration are padding.
 */
export function readTelephoneEvents(
  packet: Uint8Array,
  start: number,
  end: number,
  timestamp: number,
): TelephoneEvent[] {
  const events: TelephoneEvent[] = []
  for (let at = start; at + EVENT_OCTETS <= end; at += EVENT_OCTETS) {
    const code = packet[at] ?? 0
    const isEnd = ((packet[at + 1] ?? 0) & 0x80) !== 0
    const samples = ((packet[at + 2] ?? 0) << 8) | (packet[at + 3] ?? 0)
    if (code < DIGITS.length && (at === start || samples > 0)) events.push({ code, isEnd, samples, timestamp })
    timestamp = addTimestamp(timestamp, samples)
  }
  return events
}
