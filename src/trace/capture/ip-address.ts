import { isIPv4, isIPv6 } from 'node:net'

/** Octets of an IP address; the unspecified IPv4 address for a text that is not one. */
export function addressOctets(text: string): Buffer {
  if (isIPv4(text)) return Buffer.from(text.split('.').map(Number))
  if (!isIPv6(text)) return Buffer.alloc(4)
  const [plain = ''] = text.split('%')
  // The last 32 bits may be written as IPv4 (RFC 4291 2.2).
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(plain)
  const hex = dotted ? `${dotted[1] + pairOf(dotted[2], dotted[3])}:${pairOf(dotted[4], dotted[5])}` : plain
  const [head = '', tail] = hex.split('::')
  const left = wordsOf(head)
  const right = tail === undefined ? [] : wordsOf(tail)
  const words = [...left, ...new Array<number>(Math.max(0, 8 - left.length - right.length)).fill(0), ...right]
  const octets = Buffer.alloc(16)
  for (const [i, word] of words.slice(0, 8).entries()) octets.writeUInt16BE(word, 2 * i)
  return octets
}

const wordsOf = (text: string): number[] =>
  text === '' ? [] : text.split(':').map((word) => Number.parseInt(word, 16))
const pairOf = (high: string | undefined, low: string | undefined): string =>
  (Number(high) * 256 + Number(low)).toString(16)

/** 4 or 16 octets as text; the longest run of zero words becomes `::` (RFC 5952 4.2). */
export function addressText(octets: Buffer): string {
  if (octets.length === 4) return octets.join('.')
  const words = Array.from({ length: 8 }, (_, i) => octets.readUInt16BE(2 * i).toString(16))
  let best = { start: -1, length: 1 }
  for (let start = 0; start < 8; start++) {
    let length = 0
    while (start + length < 8 && words[start + length] === '0') length++
    if (length > best.length) best = { start, length }
  }
  if (best.start < 0) return words.join(':')
  return `${words.slice(0, best.start).join(':')}::${words.slice(best.start + best.length).join(':')}`
}
