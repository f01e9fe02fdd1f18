const NUL = 0x00
const TAB = 0x09
const LF = 0x0a
const CR = 0x0d
const SPACE = 0x20

/**
 * How many octets stand here before a message can begin. RFC 3261 7.5 allows line breaks there, RFC 5626 3.5.1 makes keep-alives of them;
 * some peers send a NUL, a blank or half a line break as well.
 */
export function idleOctets(bytes: Buffer, end = bytes.length): number {
  let at = 0
  while (at < end && isIdle(bytes[at])) at++
  return at
}

const isIdle = (octet: number | undefined): boolean =>
  octet === CR || octet === LF || octet === NUL || octet === SPACE || octet === TAB
