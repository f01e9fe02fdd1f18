import { type G711, g711, transcodingTable } from '../codec/g711.js'
import type { MediaPlay } from '../protocol.js'

const SAMPLES_PER_MS = 8

/** One prompt that is being played, with its position and repetitions. */
export class Playback {
  readonly playId: string
  readonly #octets: Uint8Array
  readonly #from: G711
  readonly #repeat: number
  #table: Uint8Array | undefined
  #tableFor: G711 | undefined
  #at = 0
  #rounds = 0
  #played = 0

  constructor({ playId, prompt, repeat }: Pick<MediaPlay, 'playId' | 'prompt' | 'repeat'>) {
    this.playId = playId
    this.#octets = new Uint8Array(prompt.data)
    this.#from = g711(prompt.codec)
    this.#repeat = repeat
  }

  get playedMs(): number {
    return Math.round(this.#played / SAMPLES_PER_MS)
  }

  get endless(): boolean {
    return this.#repeat === 0
  }

  get finished(): boolean {
    return this.#octets.length === 0 || (this.#repeat > 0 && this.#rounds >= this.#repeat)
  }

  /** Writes the next `n` octets in the call's codec; silence after the end. */
  fill(packet: Uint8Array, at: number, n: number, codec: G711): void {
    this.#chooseTable(codec)
    const end = at + n
    for (let to = at; to < end; ) {
      if (this.finished) {
        packet.fill(codec.silence, to, end)
        return
      }
      const part = Math.min(end - to, this.#octets.length - this.#at)
      this.#copy(packet, to, part)
      to += part
    }
  }

  #copy(packet: Uint8Array, to: number, n: number): void {
    const octets = this.#octets
    const table = this.#table
    const from = this.#at
    if (table) for (let i = 0; i < n; i++) packet[to + i] = table[octets[from + i] ?? 0] ?? 0
    else for (let i = 0; i < n; i++) packet[to + i] = octets[from + i] ?? 0
    this.#played += n
    this.#at += n
    if (this.#at < octets.length) return
    this.#at = 0
    this.#rounds++
  }

  /** A renegotiation may change the codec during the prompt. */
  #chooseTable(codec: G711): void {
    if (codec === this.#tableFor) return
    this.#tableFor = codec
    this.#table = codec === this.#from ? undefined : transcodingTable(this.#from, codec)
  }
}
