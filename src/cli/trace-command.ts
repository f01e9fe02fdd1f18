import { createReadStream } from 'node:fs'
import { TelephonyError } from '../base/errors.js'
import { systemReason } from '../base/system-error.js'
import { CaptureContents } from '../trace/capture/read-capture.js'
import { diagnoseLadder } from '../trace/diagnosis/diagnose.js'
import { chosen, type TraceFilter } from '../trace/filter.js'
import { buildLadder, LadderBuilder, type LadderStep } from '../trace/ladder.js'
import { ladderAsMermaid } from '../trace/ladder-mermaid.js'
import { ladderAsText, stepLine } from '../trace/ladder-text.js'
import type { RtpStream } from '../trace/rtp-streams.js'
import type { TracedMessage } from '../trace/traced.js'
import { type CommandContext, EXIT } from './context.js'
import { type Options, UsageError } from './options.js'
import type { Report } from './report.js'

/** A growing file is looked at so often. */
const LOOK_MS = 200
const MAX_PORT = 65_535

/** Reads a capture; shows its ladder, its RTP streams and the diagnosis. */
export async function runTrace(context: CommandContext): Promise<number> {
  const { options, report } = context
  const [file, ...more] = options.positionals
  if (file === undefined || more.length > 0)
    throw new UsageError('give one capture file: ringflow trace call.pcap, or - for stdin')
  const filter = filterFrom(options)
  const format = options.oneOf('format', ['text', 'mermaid'] as const) ?? 'text'
  const contents = new CaptureContents()
  const follower = options.flag('follow') ? new Follower(filter, report) : undefined
  await readAll(file, context, (chunk) => {
    const messages = contents.push(chunk)
    follower?.show(messages)
  })
  // A file that is followed may not have begun yet.
  if (!follower) contents.end()
  const ladder = buildLadder(chosen(contents.messages, filter))
  if (!follower && format === 'mermaid')
    report.say('ladder', { text: ladderAsMermaid(ladder) }, ladderAsMermaid(ladder).trimEnd())
  else if (!follower) {
    for (const step of ladder.steps) report.say('message', fieldsOf(step), '')
    report.say('ladder', { parties: ladder.parties }, ladderAsText(ladder).trimEnd())
  }
  // RTP that a filter hides would be reported as missing.
  const streams = contents.rtp.streams
  const findings = diagnoseLadder(ladder, streams)
  const summary = { ok: true, messages: ladder.steps.length, frames: contents.frames, streams, diagnosis: findings }
  report.say('summary', summary, format === 'mermaid' && !follower ? '' : summaryText(contents, streams))
  report.findings(findings)
  return EXIT.ok
}

async function readAll(
  file: string,
  { options, signal, clock }: CommandContext,
  take: (chunk: Buffer) => void,
): Promise<void> {
  const follows = options.flag('follow') && file !== '-'
  let start = 0
  do {
    const stream = file === '-' ? process.stdin : createReadStream(file, { start })
    const stop = () => stream.destroy()
    signal.addEventListener('abort', stop)
    try {
      for await (const chunk of stream) {
        start += (chunk as Buffer).length
        take(chunk as Buffer)
      }
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof TelephonyError) throw error
      throw new UsageError(`${file}: the file cannot be read: ${systemReason(error)}`)
    } finally {
      signal.removeEventListener('abort', stop)
    }
    if (follows) await new Promise<void>((resolve) => clock.setTimeout(resolve, LOOK_MS))
  } while (follows && !signal.aborted)
}

/** Shows messages as they come: those that fit, and later ones of their calls. */
class Follower {
  readonly #ladder = new LadderBuilder()
  readonly #filter: TraceFilter
  readonly #report: Report
  readonly #chosen = new Set<string>()

  constructor(filter: TraceFilter, report: Report) {
    this.#filter = filter
    this.#report = report
  }

  show(messages: readonly TracedMessage[]): void {
    for (const message of messages) {
      const step = this.#ladder.add(message)
      if (!step) continue
      const { callId } = step.sip
      if (!this.#chosen.has(callId) && chosen([message], this.#filter).length === 0) continue
      this.#chosen.add(callId)
      this.#report.say('message', fieldsOf(step), `${new Date(message.at).toISOString()} ${stepLine(step, [])}`)
    }
  }
}

function filterFrom(options: Options): TraceFilter {
  const filter: TraceFilter = {}
  const { method, status, party, host, text } = Object.fromEntries(
    ['method', 'status', 'party', 'host', 'text'].map((name) => [name, options.text(name)]),
  )
  if (status !== undefined && !/^[1-6](?:\d\d|xx)$/i.test(status))
    throw new UsageError(`--status ${status} is not valid. Use a number such as 404, or 4xx`)
  const callId = options.text('call-id')
  const port = options.integer('port', 1, MAX_PORT)
  if (method !== undefined) filter.method = method
  if (status !== undefined) filter.status = status
  if (party !== undefined) filter.user = party
  if (callId !== undefined) filter.callId = callId
  if (host !== undefined) filter.host = host
  if (port !== undefined) filter.port = port
  if (text !== undefined) filter.text = text
  return filter
}

const fieldsOf = ({ message, sip, from, to, label, isRetransmission, roundTripMs }: LadderStep) => ({
  at: new Date(message.at).toISOString(),
  from,
  to,
  label,
  method: sip.method,
  status: sip.status ?? null,
  callId: sip.callId,
  isRetransmission,
  roundTripMs: roundTripMs ?? null,
})

function summaryText({ isTruncated, frames }: CaptureContents, streams: readonly RtpStream[]): string {
  const lines = streams
    .filter(({ isAnnounced }) => isAnnounced)
    .map(
      ({ from, to, packets, lost, jitterMs, payloadType }) =>
        `RTP ${from} → ${to}: ${packets} packets, ${lost} lost, jitter ${jitterMs.toFixed(1)} ms, payload type ${payloadType}`,
    )
  if (isTruncated) lines.push('the file has more messages than are shown: use a smaller capture')
  return [`${frames} packets in the file`, ...lines].join('\n')
}
