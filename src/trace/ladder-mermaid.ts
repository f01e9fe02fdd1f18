import type { Ladder } from './ladder.js'

/** A Mermaid sequence diagram: Markdown pages and issue trackers draw it. */
export function ladderAsMermaid({ parties, steps }: Ladder): string {
  const names = new Map(parties.map((party, i) => [party, `p${i}`]))
  const lines = steps.map(({ from, to, sip, label, sinceStartMs, isRetransmission }) => {
    const arrow = sip.status === undefined ? '->>' : '-->>'
    const time = `${(sinceStartMs / 1000).toFixed(3)} s`
    const again = isRetransmission ? ' (again)' : ''
    return `    ${names.get(from)}${arrow}${names.get(to)}: ${time} ${escaped(label)}${again}`
  })
  const participants = parties.map((party, i) => `    participant p${i} as ${escaped(party)}`)
  return `${['sequenceDiagram', ...participants, ...lines].join('\n')}\n`
}

/** Mermaid's own way: `#` and the code of a character. */
const escaped = (text: string): string => text.replace(/[#;<>"&%{}\\`]/g, (c) => `#${c.charCodeAt(0)};`)
