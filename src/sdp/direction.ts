/** The directions of a stream (RFC 3264 5.1, 6.1, 8.4). */
import type { Direction } from '../base/audio.js'

/** The same direction from the other side. */
export const OPPOSITE = {
  sendrecv: 'sendrecv',
  sendonly: 'recvonly',
  recvonly: 'sendonly',
  inactive: 'inactive',
} as const satisfies Record<Direction, Direction>

export const sends = (direction: Direction): boolean => direction === 'sendrecv' || direction === 'sendonly'
export const receives = (direction: Direction): boolean => direction === 'sendrecv' || direction === 'recvonly'

/** The part of a direction that the other one allows too. */
export function meet(a: Direction, b: Direction): Direction {
  const isSending = sends(a) && sends(b)
  if (receives(a) && receives(b)) return isSending ? 'sendrecv' : 'recvonly'
  return isSending ? 'sendonly' : 'inactive'
}
