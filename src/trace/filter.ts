import { hostOf, readSip } from './sip-text.js'
import type { TracedMessage } from './traced.js'

/** All conditions that are given must hold. A filter chooses calls: every message of a Call-ID is kept if one of its messages fits. */
export interface TraceFilter {
  /** `INVITE` */
  method?: string
  /** `404`, `4xx` */
  status?: string
  /** User of From, To or Request-URI. */
  user?: string
  callId?: string
  /** IP address of either side, or the host of the Request-URI. */
  host?: string
  port?: number
  /** Anywhere in the message; upper and lower case are the same. */
  text?: string
}

export function fits(message: TracedMessage, filter: TraceFilter): boolean {
  const { method, status, user, callId, host, port, text } = filter
  const sip = readSip(message.text)
  if (!sip) return false
  const { from, to } = message
  if (method !== undefined && sip.method.toUpperCase() !== method.toUpperCase()) return false
  if (status !== undefined && !fitsStatus(sip.status, status)) return false
  if (callId !== undefined && sip.callId !== callId) return false
  if (user !== undefined && ![sip.fromUser, sip.toUser, userOfUri(sip.uri)].includes(user)) return false
  if (host !== undefined && ![from.host, to.host, hostOf(sip.uri)].includes(host)) return false
  if (port !== undefined && from.port !== port && to.port !== port) return false
  return text === undefined || message.text.toLowerCase().includes(text.toLowerCase())
}

/** The messages of each Call-ID of which a message fits: the whole call or registration. */
export function chosen(messages: readonly TracedMessage[], filter: TraceFilter): TracedMessage[] {
  if (Object.values(filter).every((value) => value === undefined)) return [...messages]
  const callIds = new Set(messages.filter((message) => fits(message, filter)).map(callIdOf))
  return messages.filter((message) => callIds.has(callIdOf(message)))
}

export const callIdOf = ({ text }: TracedMessage): string => readSip(text)?.callId ?? ''

const fitsStatus = (status: number | undefined, wanted: string): boolean =>
  status !== undefined && (/^[1-6]xx$/i.test(wanted) ? String(status)[0] === wanted[0] : String(status) === wanted)

const userOfUri = (uri: string): string => /^(?:sips?|tel):([^@;>]+)/i.exec(uri)?.[1] ?? ''
