/**
 * The same text in memory of its own. V8 makes a part of a longer text (13 characters and more) by reference: a tag of 20 characters that
 * stays keeps its whole message. For map keys and everything else that outlives its message.
 */
export function flat(text: string): string {
  // A sum is copied to one piece before it is cut, and the part refers to that piece only.
  return ` ${text}`.slice(1)
}
