import type { Ladder, LadderStep } from './ladder.js'

const COLUMN = 36
const LEFT = 22
/** More parties make lines too wide: their messages are written as text. */
const MAX_COLUMNS = 6

/** The ladder for a terminal: a column for each party, an arrow for each message. */
export function ladderAsText({ parties, steps }: Ladder): string {
  const [first] = steps
  if (!first) return 'no SIP messages\n'
  const columns = parties.slice(0, MAX_COLUMNS)
  const start = new Date(first.message.at).toISOString()
  const head = ' '.repeat(LEFT) + columns.map((name) => name.padEnd(COLUMN)).join('')
  const lines = [`${steps.length} SIP messages from ${start}`, '', head.trimEnd()]
  return `${[...lines, ...steps.map((step) => stepLine(step, columns))].join('\n')}\n`
}

/** One line; also used to follow a call live. */
export function stepLine(step: LadderStep, columns: readonly string[]): string {
  const times = `${seconds(step.sinceStartMs).padStart(9)} ${`+${seconds(step.deltaMs)}`.padStart(10)}  `
  return (times + arrowOf(step, columns)).trimEnd()
}

function arrowOf(step: LadderStep, columns: readonly string[]): string {
  const from = columns.indexOf(step.from)
  const to = columns.indexOf(step.to)
  const label = labelOf(step)
  if (from < 0 || to < 0 || from === to) return `${step.from} → ${step.to}: ${label}`
  const row = columns.map((_, i) => '|'.padEnd(i < columns.length - 1 ? COLUMN : 1)).join('')
  const left = Math.min(from, to) * COLUMN
  const right = Math.max(from, to) * COLUMN
  const room = right - left - 1
  const short = label.length > room - 6 ? `${label.slice(0, room - 7)}…` : label
  const filled = ` ${short} `.padStart(Math.ceil((room - short.length) / 2) + short.length, '-').padEnd(room, '-')
  const body = from < to ? `${filled.slice(0, -1)}>` : `<${filled.slice(1)}`
  return row.slice(0, left + 1) + body + row.slice(right) + (short === label ? '' : `   ${label}`)
}

function labelOf({ label, isRetransmission, roundTripMs }: LadderStep): string {
  if (isRetransmission) return `${label} [again]`
  return roundTripMs === undefined ? label : `${label} ${Math.round(roundTripMs)} ms`
}

const seconds = (ms: number): string => (ms / 1000).toFixed(3)
