import type { EngineEvents } from '../engine/protocol.js'
import type { Ended, Outcome } from './outcome.js'
import { seconds, summaryOf, summaryText, troubleText } from './summary.js'

type CallEvent = EngineEvents['call']

export interface Streams {
  out: (line: string) => void
  err: (line: string) => void
}

/** Texts for people or, with --json, one object per line for programs; the last line is a summary. */
export class Report {
  readonly #streams: Streams
  readonly #json: boolean
  #lastType = ''
  #problem = ''

  constructor(streams: Streams, json: boolean) {
    this.#streams = streams
    this.#json = json
  }

  /** `type` names it for programs, `text` is for people; '' where only programs want it. */
  say(type: string, fields: Record<string, unknown>, text: string): void {
    this.#lastType = type
    if (this.#json) this.#streams.out(JSON.stringify({ type, ...fields }))
    else if (text !== '') this.#streams.out(text)
  }

  fail(text: string, advice = ''): void {
    this.#problem = text
    this.#streams.err(advice ? `${text}\n  ${advice}` : text)
  }

  callEvent(event: CallEvent): void {
    const { type, ...fields } = event
    this.say(type, fields, describe(event))
  }

  /** What a call came to, and on stderr why it did not go well. */
  summary(ended: Ended, outcome: Outcome): void {
    this.say('summary', summaryOf(ended, outcome), summaryText(ended))
    if (!outcome.ok) this.fail(outcome.problem, outcome.advice)
  }

  /** Programs rely on the last line: a run without a call to sum up has a summary too. */
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
      return 'put on hold'
    case 'call.resumed':
      return 'resumed'
    case 'call.idle':
      return `nothing happens in the call: it ends in ${event.leftSec} s`
    case 'call.play-ended':
      return `played ${seconds(event.playedMs)} (${event.ended})`
    case 'call.record-ended':
      return `recorded ${seconds(event.durationMs)} to ${event.path}${event.truncated ? ', a part is missing: the disk failed' : ''}`
    case 'call.ended':
      return `ended: ${event.end.cause}${event.end.sipCode ? ` (${event.end.sipCode} ${event.end.reason})` : ''}`
  }
}
