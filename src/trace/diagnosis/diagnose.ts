/** Says in plain words why a call or registration failed, from its messages and what is known about its sound. */
import { type Ladder, printable } from '../ladder.js'
import type { RtpStream } from '../rtp-streams.js'
import { answerFindings } from './answers.js'
import { credentialFindings } from './credentials.js'
import type { Evidence, Finding } from './finding.js'
import { mediaFindings } from './media.js'

export type { Evidence, Finding, FindingCode, MediaFacts } from './finding.js'

const MAX_TEXT = 300
const MAX_FINDINGS = 8

/** The findings of one Call-ID; the first one is the most likely cause. */
export function diagnose(evidence: Evidence): Finding[] {
  const findings = [...credentialFindings(evidence), ...answerFindings(evidence), ...mediaFindings(evidence)]
  return findings.slice(0, MAX_FINDINGS).map(({ code, text, advice }) => ({
    code,
    text: printable(text).slice(0, MAX_TEXT),
    advice: printable(advice).slice(0, MAX_TEXT),
  }))
}

/** All Call-IDs of a ladder; findings with the same text are given once. */
export function diagnoseLadder({ steps }: Ladder, streams?: readonly RtpStream[]): Finding[] {
  const byCall = new Map<string, Ladder['steps']>()
  for (const step of steps) {
    const known = byCall.get(step.sip.callId)
    if (known) known.push(step)
    else byCall.set(step.sip.callId, [step])
  }
  const found = new Map<string, Finding>()
  for (const ofCall of byCall.values()) {
    for (const finding of diagnose({ steps: ofCall, ...(streams && { streams }) })) found.set(finding.text, finding)
  }
  return [...found.values()]
}
