/** What happens to a message is drawn from what it is and not from when it comes: the same in every run, however slow the machine is. */
export class Fates {
  readonly #seed: number
  readonly #calls = new Map<string, { index: number; copies: Map<string, number> }>()

  constructor(seed: number) {
    this.#seed = seed
  }

  /** Numbers from 0 to 1 for this datagram: number of the call, sending side, kind of message, number of the copy. */
  of(bytes: Buffer, from: number): () => number {
    const text = bytes.toString('latin1')
    const call = this.#call(header(text, 'Call-ID'))
    const startLine = text.slice(0, text.indexOf('\r\n'))
    const kind = startLine.startsWith('SIP/2.0 ') ? startLine.slice(8, 11) : startLine.split(' ', 1)[0]
    const message = `${from} ${kind} ${header(text, 'CSeq')}`
    const copy = (call.copies.get(message) ?? 0) + 1
    call.copies.set(message, copy)
    return randomFrom(this.#seed ^ hash(`${call.index} ${message} ${copy}`))
  }

  #call(callId: string): { index: number; copies: Map<string, number> } {
    const known = this.#calls.get(callId)
    if (known) return known
    const call = { index: this.#calls.size, copies: new Map<string, number>() }
    this.#calls.set(callId, call)
    return call
  }
}

const header = (text: string, name: string): string => new RegExp(`^${name}: *([^\\r]*)`, 'im').exec(text)?.[1] ?? ''

/** FNV-1a. */
function hash(text: string): number {
  let sum = 0x811c9dc5
  for (let i = 0; i < text.length; i++) sum = Math.imul(sum ^ text.charCodeAt(i), 0x01000193)
  return sum
}

/** mulberry32 */
export function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}
