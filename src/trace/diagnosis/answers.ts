import type { LadderStep } from '../ladder.js'
import { readSdp } from '../sdp-text.js'
import type { Evidence, Finding } from './finding.js'

const GONE = new Set([408, 500, 502, 503, 504])
const UNKNOWN = new Set([404, 410, 484, 485, 604])
const NO_CODEC = new Set([415, 488, 606])
/** So many copies of a 2xx mean that the ACK does not arrive: one may be lost. */
const COPIES = 3

/** Requests without an answer, and answers that refuse. */
export function answerFindings(evidence: Evidence): Finding[] {
  return [
    ...silence(evidence),
    ...refusals(evidence),
    ...codecs(evidence),
    ...lostAck(evidence),
    ...certificate(evidence),
  ]
}

function silence({ steps }: Evidence): Finding[] {
  const requests = steps.filter(({ sip }) => sip.status === undefined && !['ACK', 'CANCEL'].includes(sip.method))
  const unanswered = requests.filter(
    (request) =>
      !request.isRetransmission &&
      !steps.some(
        ({ sip }) => sip.status !== undefined && sip.branch === request.sip.branch && sip.cseq === request.sip.cseq,
      ),
  )
  const [first] = unanswered
  // Later requests of the call have been answered by the same peer: only one was lost.
  if (!first || steps.some(({ sip, from }) => sip.status !== undefined && from === first.to)) return []
  const copies = requests.filter(({ sip }) => sip.branch === first.sip.branch).length
  const times = copies > 1 ? `, sent ${copies} times` : ''
  const isRegister = first.sip.method === 'REGISTER'
  return [
    {
      code: isRegister ? 'registrar-gone' : 'no-response',
      text: `${first.to} did not answer ${first.sip.method}${times}`,
      advice: isRegister
        ? 'Check that the registrar runs, its host and port, and that no firewall blocks SIP.'
        : 'Check host and port, that a SIP server or telephone listens there, and that no firewall blocks SIP.',
    },
  ]
}

function refusals({ steps }: Evidence): Finding[] {
  const final = finalOf(steps)
  if (!final) return []
  const { status = 0, reason, method } = final.sip
  const said = `${status} ${reason}`.trim()
  if (method === 'REGISTER' && GONE.has(status)) {
    return [
      {
        code: 'registrar-gone',
        text: `the registrar ${final.from} answered ${said}`,
        advice: 'The registrar is overloaded, or something behind it is down. Ringflow tries again by itself.',
      },
    ]
  }
  if (method !== 'INVITE' || !(GONE.has(status) || UNKNOWN.has(status))) return []
  const advice = UNKNOWN.has(status)
    ? 'Check the number: servers often want another form, with or without 0 or +49. Check the domain of the address.'
    : 'The server could not reach the called side. Check that it is registered there, and the server’s route to it.'
  return [{ code: 'no-route', text: `${final.from} found no way to the called side: ${said}`, advice }]
}

function codecs({ steps }: Evidence): Finding[] {
  const final = finalOf(steps)
  const offer = steps.find(({ message, sip }) => sip.method === 'INVITE' && readSdp(message.text))
  const offered = offer ? readSdp(offer.message.text)?.codecs.join(', ') : undefined
  const advice = 'Let both sides offer a common codec: PCMA or PCMU.'
  if (final && final.sip.method === 'INVITE' && NO_CODEC.has(final.sip.status ?? 0)) {
    const text = `${final.from} accepted no codec of the offer${offered ? ` (${offered})` : ''}: ${final.sip.status} ${final.sip.reason}`
    return [{ code: 'codec-mismatch', text, advice }]
  }
  const answer = steps.find(
    ({ sip, message }) => sip.status === 200 && sip.method === 'INVITE' && readSdp(message.text),
  )
  const answered = answer && readSdp(answer.message.text)
  if (!answer || !offered || !answered) return []
  const common = answered.codecs.filter((codec) => offered.split(', ').includes(codec) && codec !== 'telephone-event')
  if (answered.audio.port !== 0 && common.length > 0) return []
  return [{ code: 'codec-mismatch', text: `${answer.from} answered without a codec of the offer (${offered})`, advice }]
}

function lostAck({ steps }: Evidence): Finding[] {
  const answers = steps.filter(
    ({ sip }) => sip.method === 'INVITE' && sip.status !== undefined && sip.status >= 200 && sip.status < 300,
  )
  const [first] = answers
  if (!first) return []
  const copies = answers.filter(
    ({ sip, from }) => sip.cseq === first.sip.cseq && sip.toTag === first.sip.toTag && from === first.from,
  )
  if (copies.length < COPIES) return []
  return [
    {
      code: 'ack-lost',
      text: `${first.from} sent its answer ${copies.length} times: the ACK did not reach it`,
      advice:
        'Check the Contact and Record-Route of the answer: the ACK goes there. A NAT or a proxy in between may drop it.',
    },
  ]
}

function certificate({ reason = '' }: Evidence): Finding[] {
  if (!/certificate|self.signed|\bTLS\b.*handshake|ERR_TLS/i.test(reason)) return []
  const advice =
    'Check the certificate’s dates and names, and give the authority that issued it (--tls-ca, or in the transport).'
  return [{ code: 'certificate', text: reason, advice }]
}

/** The last final response to an INVITE or REGISTER that is not a challenge. */
function finalOf(steps: readonly LadderStep[]): LadderStep | undefined {
  return steps
    .filter(({ sip }) => (sip.status ?? 0) >= 200 && (sip.method === 'INVITE' || sip.method === 'REGISTER'))
    .at(-1)
}
