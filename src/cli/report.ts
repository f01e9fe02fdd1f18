import type { EngineEvents, Finding } from '../engine/protocol.js'
import { type Ended, isGoodEnd, type Outcome } from './outcome.js'
import { seconds, summaryOf, summaryText, troubleText } from './summary.js'

type CallEvent = EngineEvents['call']

export interface Streams {
  out: (line: string) => void
  err: (line: string) => void
}

/** Writes texts for people or, with --json, one object per line for programs; the last line is a summary. */
export class Report {
  readonly #streams: Streams
  readonly #json: boolean
  #lastType = ''
  #problem = ''

  constructor(streams: Streams, json: boolean) {
    this.#streams = streams
    this.#json = json
  }

  /** `type` and `fields` are for programs, `text` is for people; '' for lines that only programs need. */
  say(type: string, fields: Record<string, unknown>, text: string): void {
    this.#lastType = type
    if (this.#json) this.#streams.out(JSON.stringify({ type, ...fields }))
    else if (text !== '') this.#streams.out(text)
  }

  /** For people only, and not a failure. */
  warn(text: string): void {
    this.#streams.err(text)
  }

  fail(text: string, advice = ''): void {
    this.#problem = text
    this.#streams.err(advice ? `${text}\n  ${advice}` : text)
  }

  callEvent(event: CallEvent): void {
    const { type, ...fields } = event
    this.say(type, fields, describe(event))
  }

  /** Writes the result of a call, and the reason of a failure to stderr. */
  summary(ended: Ended, outcome: Outcome): void {
    this.say('summary', summaryOf(ended, outcome), summaryText(ended))
    if (!outcome.ok) this.fail(outcome.problem, outcome.advice)
    this.findings(ended.call.diagnosis ?? [])
  }

  /** Likely causes of trouble, in the words of the diagnosis. */
  findings(findings: readonly Finding[]): void {
    for (const { text, advice } of findings) this.#streams.err(`  diagnosis: ${text}\n    ${advice}`)
  }

  /** Programs rely on the last line, so a run without a call has a summary too. */
  end(ok: boolean): void {
    if (this.#json && this.#lastType !== 'summary') this.say('summary', { ok, problem: this.#problem }, '')
  }
}

function describe(event: CallEvent): string {
  switch (event.type) {
    case 'call.incoming':
      return `call from ${event.call.from.displayName || event.call.from.user || event.call.from.uri}`
    case 'call.trying':
      return `calling ${event.call.to.uri}`
    case 'call.ringing':
      return 'ringing'
    case 'call.early':
      return 'sound before the answer'
    case 'call.answered':
      return `answered, ${event.call.codec ?? ''}`
    case 'call.media':
      return 'first sound packet received'
    case 'call.media-trouble':
      return troubleText(event.trouble)
    case 'call.digit':
      return `digit ${event.digit}`
    case 'call.held':
      return event.by === 'local' ? 'we hold the call' : 'the other side holds the call'
    case 'call.resumed':
      return event.by === 'local' ? 'we resumed the call' : 'the other side resumed the call'
    case 'call.codec-changed':
      return `the codec is now ${event.codec}`
    case 'call.transfer-progress':
      return `transfer: the peer reports ${event.status} ${event.reason}`
    case 'call.transfer-request':
      return `the peer asks to transfer the call to ${event.to.uri}`
    case 'call.transferred':
      return `transferred by the peer to ${event.to.uri}`
    case 'call.transfer-failed':
      return `the peer's transfer to ${event.to.uri} failed: ${event.status} ${event.reason}`
    case 'call.replaced':
      return `the peer was replaced by ${event.from.uri}`
    case 'call.idle':
      return `no activity in the call: it ends in ${event.leftSec} s`
    case 'call.play-ended':
      return `played ${seconds(event.playedMs)} (${event.ended})`
    case 'call.record-ended':
      return `recorded ${seconds(event.durationMs)} to ${event.path}${event.truncated ? ', a part is missing: the disk failed' : ''}`
    case 'call.ended':
      // The summary tells why a call failed.
      return isGoodEnd(event) ? `ended: ${event.end.cause}` : ''
  }
}
