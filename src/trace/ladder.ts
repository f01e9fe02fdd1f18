import { readSdp } from './sdp-text.js'
import { readSip, type SipText } from './sip-text.js'
import { placeText, type TracedMessage } from './traced.js'

/** One message of a ladder. */
export interface LadderStep {
  message: TracedMessage
  sip: SipText
  from: string
  to: string
  /** Since the first step of the ladder, and since the step before. */
  sinceStartMs: number
  deltaMs: number
  /** The same message, octet for octet, has gone this way before. */
  isRetransmission: boolean
  /** Of the first final response and the first provisional one: time since the request. */
  roundTripMs: number | undefined
  /** `INVITE sip:bob@192.0.2.1`, `200 OK (INVITE)`, with the codecs of its SDP. */
  label: string
}

export interface Ladder {
  /** `host:port` in the order of their first message. */
  parties: string[]
  steps: LadderStep[]
}

export function buildLadder(messages: readonly TracedMessage[]): Ladder {
  const builder = new LadderBuilder()
  for (const message of [...messages].sort((a, b) => a.at - b.at)) builder.add(message)
  return builder
}

/** Builds a ladder message by message, in the order of their times. */
export class LadderBuilder implements Ladder {
  readonly parties: string[] = []
  readonly steps: LadderStep[] = []
  readonly #seen = new Set<string>()
  readonly #asked = new Map<string, number>()

  /** Undefined if the message does not begin as SIP. */
  add(message: TracedMessage): LadderStep | undefined {
    const sip = readSip(message.text)
    if (!sip) return undefined
    const from = placeText(message.from)
    const to = placeText(message.to)
    for (const party of [from, to]) if (!this.parties.includes(party)) this.parties.push(party)
    const same = `${from}\n${to}\n${message.text}`
    const isRetransmission = this.#seen.has(same)
    this.#seen.add(same)
    const step = {
      message,
      sip,
      from,
      to,
      sinceStartMs: message.at - (this.steps[0]?.message.at ?? message.at),
      deltaMs: message.at - (this.steps.at(-1)?.message.at ?? message.at),
      isRetransmission,
      roundTripMs: isRetransmission ? undefined : roundTrip(this.#asked, sip, from, to, message.at),
      label: labelOf(sip, message.text),
    }
    this.steps.push(step)
    return step
  }
}

/** Notes the time of a request; gives the time that its response took. A response has the branch and CSeq of its request (RFC 3261 17.1.3). */
function roundTrip(asked: Map<string, number>, sip: SipText, from: string, to: string, at: number): number | undefined {
  const { status, branch, cseq } = sip
  if (status === undefined) {
    const key = `${from}\n${to}\n${branch}\n${cseq}`
    if (!asked.has(key)) asked.set(key, at)
    return undefined
  }
  const sent = asked.get(`${to}\n${from}\n${branch}\n${cseq}`)
  return sent === undefined ? undefined : at - sent
}

function labelOf({ status, reason, method, uri }: SipText, text: string): string {
  const sdp = readSdp(text)
  const media = sdp ? ` (SDP ${sdp.codecs.join(' ')}${sdp.direction === 'sendrecv' ? '' : `, ${sdp.direction}`})` : ''
  const line = status === undefined ? `${method} ${uri}` : `${status} ${reason} (${method})`
  return printable(line) + media
}

/** Nothing in a message may move the cursor or end the line of a terminal. */
export const printable = (text: string): string => text.toWellFormed().replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?')
