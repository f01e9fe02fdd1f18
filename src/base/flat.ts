/**
 * The same text in memory of its own, for texts that stay long. A text that is joined from parts of a datagram refers to the parts, and a
 * part to the whole datagram. V8 copies the characters into one piece before it reads them as a number; the price is below 0.5 µs.
 */
export function flat(text: string): string {
  Number(text)
  return text
}
