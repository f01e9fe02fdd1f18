import type { MediaTrouble } from '../protocol.js'
import type { RtpReceiver } from './rtp-receiver.js'

const CHECK_MS = 1000
/** Packets within one check; fewer may be keep-alives of an unknown payload type (RFC 6263 4.6). With 200 ms per packet five come in a second. */
const MIN_UNDECODED = 4

/** Reports, once per reason, that packets come but nothing is heard. */
export class TroubleWatch {
  readonly #receiver: RtpReceiver
  readonly #onTrouble: (trouble: MediaTrouble) => void
  readonly #reported: MediaTrouble['reason'][] = []
  #nextMs = 0
  #undecodedBefore = 0

  constructor(receiver: RtpReceiver, onTrouble: (trouble: MediaTrouble) => void) {
    this.#receiver = receiver
    this.#onTrouble = onTrouble
  }

  /** Call it often; it checks once a second. */
  check(nowMs: number): void {
    if (nowMs < this.#nextMs) return
    this.#nextMs = nowMs + CHECK_MS
    const { guard, undecodedPackets, soundIsDue } = this.#receiver
    const undecoded = undecodedPackets - this.#undecodedBefore
    this.#undecodedBefore = undecodedPackets
    if (soundIsDue && undecoded >= MIN_UNDECODED) this.#report('undecodable', this.#undecodedText())
    const suspect = guard?.suspect
    if (!suspect) return
    const text = `sound comes from ${suspect.host}:${suspect.port}, which the peer did not name, and is not heard; the account's "audio from" decides`
    this.#report('other-source', text)
  }

  #report(reason: MediaTrouble['reason'], text: string): void {
    if (this.#reported.includes(reason)) return
    this.#reported.push(reason)
    const { undecoded, strangerSources } = this.#receiver
    this.#onTrouble({ reason, text, undecoded, strangerSources })
  }

  #undecodedText(): string {
    const { undecoded, format } = this.#receiver
    const [most] = undecoded
    const came = most ? `payload type ${most.payloadType}, ${most.octets} octets` : 'nothing known'
    return `the sound of the peer cannot be decoded: it sends ${came}; the call agreed on ${format.codec.name}, payload type ${format.payloadType}`
  }
}
