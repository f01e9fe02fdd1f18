/** Single requests outside of calls: MESSAGE and OPTIONS. */
import type { Clock } from '../base/clock.js'
import { TelephonyError } from '../base/errors.js'
import { newSipCallId } from '../base/ids.js'
import { octetLength } from '../base/octets.js'
import { isLocal, type RequestResult, type SipResponse, type UserAgent } from '../sip/types.js'
import type { SipUri } from '../sip/uri/sip-uri.js'
import type { MessageResult, PingResult } from './protocol.js'

type Agent = Pick<UserAgent, 'request'>
type Sent = Omit<Parameters<UserAgent['request']>[0], 'sipCallId' | 'cseq'>

/** By UDP a message of more than 1300 octets needs a peer with TCP as well (RFC 3261 18.1.1); this is the limit of one datagram. */
const MAX_OCTETS = 60_000
const DEFAULT_TIMEOUT_MS = 5_000
/** The answers of proxies that do not reach the peer. */
const UNREACHABLE = new Set([408, 502, 503, 504])

/** A request with a Call-ID of its own. */
export const single = (agent: Agent, host: string, init: Sent): Promise<RequestResult> =>
  agent.request({ ...init, sipCallId: newSipCallId(host), cseq: 1 })

/** Throws BAD_ARGUMENT for a content that is too large or no text. */
export function checkContent(content: unknown): string {
  if (typeof content !== 'string') throw new TelephonyError('BAD_ARGUMENT', 'the content is not text. Pass a string')
  const octets = octetLength(content)
  if (octets <= MAX_OCTETS) return content
  throw new TelephonyError(
    'BAD_ARGUMENT',
    `the content of ${octets} octets is too large: at most ${MAX_OCTETS} are possible`,
  )
}

/** RFC 3428 7: 200 says that the recipient has it, 202 that a server keeps it for the recipient. */
export function messageResult({ response }: RequestResult): MessageResult {
  const { status, reason } = response
  const failed = isLocal(response) || status === 408 ? 'no-answer' : 'refused'
  const result = status >= 300 ? failed : status === 202 ? 'accepted' : 'delivered'
  return { result, status, reason }
}

/** RFC 3261 11: OPTIONS. */
export async function ping(
  clock: Clock,
  agent: Agent,
  { host, target, timeoutMs = DEFAULT_TIMEOUT_MS }: { host: string; target: SipUri; timeoutMs?: number },
): Promise<PingResult> {
  const limit = new AbortController()
  const timer = clock.setTimeout(() => limit.abort('no answer in time'), timeoutMs)
  const beganMs = clock.now()
  const { response } = await single(agent, host, {
    method: 'OPTIONS',
    target,
    contactParams: '',
    headers: [['Accept', 'application/sdp']],
    signal: limit.signal,
  })
  timer.cancel()
  const none = { up: false, status: 0, latencyMs: null, source: null, agent: '' }
  return isLocal(response)
    ? { ...none, reason: response.reason }
    : answered(response, Math.round((clock.now() - beganMs) * 10) / 10)
}

const answered = (response: SipResponse, latencyMs: number): PingResult => ({
  up: !UNREACHABLE.has(response.status),
  status: response.status,
  reason: response.reason,
  latencyMs,
  source: response.source,
  agent: (response.header('User-Agent') ?? response.header('Server') ?? '').slice(0, 128),
})
