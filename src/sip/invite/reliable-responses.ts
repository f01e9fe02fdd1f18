import { flat } from '../../base/flat.js'
import { hasTag } from '../message/option-tags.js'
import type { ParsedResponse } from '../message/parsed-message.js'

/** RFC 3262 7.1 */
const MAX_RSEQ = 2 ** 32 - 1

/** The peers' reliable provisional responses to our INVITE: each early dialog counts its own (RFC 3262 4). */
export class ReliableResponses {
  /** The latest RSeq by To tag. */
  readonly #latest = new Map<string, number>()

  /** The RSeq of a response that needs a PRACK; undefined: it is unreliable. `discard`: a repeat, or one that has overtaken another. */
  take(response: ParsedResponse): number | 'discard' | undefined {
    if (!hasTag(response, 'require', '100rel')) return undefined
    const rseq = Number(/^\d{1,10}$/.exec(response.header('rseq')?.trim() ?? '')?.[0])
    if (!(rseq >= 1 && rseq <= MAX_RSEQ) || response.toTag === '') return undefined
    const latest = this.#latest.get(response.toTag)
    if (latest !== undefined && rseq !== latest + 1) return 'discard'
    this.#latest.set(latest === undefined ? flat(response.toTag) : response.toTag, rseq)
    return rseq
  }
}
