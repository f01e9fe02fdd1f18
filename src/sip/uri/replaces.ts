/** RFC 3891: names the dialog whose place a new call takes. */
import { parseParams } from './params.js'

export interface Replaces {
  callId: string
  /** The local tag at the side that gets the INVITE (RFC 3891 3), and its peer's tag. */
  toTag: string
  fromTag: string
  /** Only an early dialog may be replaced (RFC 3891 6.1). */
  earlyOnly: boolean
}

const MAX_LENGTH = 512
const CALL_ID = /^[!-+\--:<-~]+$/
const TAG = /^[\w.!%*+`'~-]+$/

/** The value of a Replaces header. Undefined if it is malformed (RFC 3891 6.1: one Call-ID, each tag once). */
export function parseReplaces(value: string): Replaces | undefined {
  if (value.length > MAX_LENGTH) return undefined
  const semicolon = value.indexOf(';')
  const params = semicolon < 0 ? undefined : parseParams(value.trimEnd(), semicolon)
  if (!params) return undefined
  const callId = value.slice(0, semicolon).trim()
  const names = [...params].map(([name]) => name)
  const once = (name: string): boolean => names.indexOf(name) === names.lastIndexOf(name)
  const toTag = params.get('to-tag') ?? ''
  const fromTag = params.get('from-tag') ?? ''
  const isValid = CALL_ID.test(callId) && TAG.test(toTag) && TAG.test(fromTag) && once('to-tag') && once('from-tag')
  return isValid ? { callId, toTag, fromTag, earlyOnly: params.has('early-only') } : undefined
}

export const replacesText = ({ callId, toTag, fromTag, earlyOnly }: Replaces): string =>
  `${callId};to-tag=${toTag};from-tag=${fromTag}${earlyOnly ? ';early-only' : ''}`
