/** Reads the parts of a SIP message that a trace shows. Lenient: a trace must show broken messages too. */

export interface SipText {
  /** Of a response: from its CSeq. */
  method: string
  /** Undefined: a request. */
  status: number | undefined
  reason: string
  /** Request-URI; '' for a response. */
  uri: string
  callId: string
  /** `1 INVITE` */
  cseq: string
  branch: string
  fromUser: string
  toUser: string
  toTag: string
  body: string
}

const LONGEST_START = 1024
const REQUEST = /^([A-Za-z][\w.!%*+`'~-]{0,31}) (\S{1,1000}) SIP\/2\.0$/
const RESPONSE = /^SIP\/2\.0 ([1-6]\d\d) ?(.*)$/i
const COMPACT: Readonly<Record<string, string>> = {
  'call-id': 'i',
  from: 'f',
  to: 't',
  via: 'v',
  contact: 'm',
  'content-type': 'c',
  'content-length': 'l',
}

const lineEnd = (text: string): number => {
  const end = text.indexOf('\n')
  return end < 0 ? text.length : end
}

/** Whether a datagram or stream may begin with this message. */
export function looksLikeSip(text: string): boolean {
  const line = startLine(text)
  return REQUEST.test(line) || RESPONSE.test(line)
}

export const startLine = (text: string): string =>
  text.slice(0, Math.min(lineEnd(text), LONGEST_START)).replace(/\r$/, '')

/** Undefined if the text does not begin as a SIP message. */
export function readSip(text: string): SipText | undefined {
  const line = startLine(text)
  const response = RESPONSE.exec(line)
  const request = response ? null : REQUEST.exec(line)
  if (!request && !response) return undefined
  const cseq = (headerOf(text, 'cseq') ?? '').replace(/\s+/g, ' ')
  return {
    method: request?.[1] ?? cseq.split(' ')[1] ?? '',
    status: response ? Number(response[1]) : undefined,
    reason: response?.[2]?.trim() ?? '',
    uri: request?.[2] ?? '',
    callId: headerOf(text, 'call-id') ?? '',
    cseq,
    branch: /;\s*branch\s*=\s*([^;,\s]+)/i.exec(headerOf(text, 'via') ?? '')?.[1] ?? '',
    fromUser: userOf(headerOf(text, 'from')),
    toUser: userOf(headerOf(text, 'to')),
    toTag: /;\s*tag\s*=\s*([^;,\s]+)/i.exec(headerOf(text, 'to') ?? '')?.[1] ?? '',
    body: bodyOf(text),
  }
}

/** The first value of a header, unfolded; `name` in lower case. */
export function headerOf(text: string, name: string): string | undefined {
  return headersOf(text, name, 1)[0]
}

export function headersOf(text: string, name: string, most = 16): string[] {
  const compact = COMPACT[name]
  const values: string[] = []
  let at = lineEnd(text) + 1
  while (at < text.length && values.length < most) {
    const found = text.indexOf('\n', at)
    const end = found < 0 ? text.length : found
    const line = text.slice(at, end).replace(/\r$/, '')
    at = end + 1
    if (line === '') break
    const colon = line.indexOf(':')
    if (colon < 0 || colon > 64) continue
    const key = line.slice(0, colon).trim().toLowerCase()
    if (key !== name && key !== compact) continue
    let value = line.slice(colon + 1)
    // RFC 3261 7.3.1: a line that begins with white space continues the one before.
    while (text[at] === ' ' || text[at] === '\t') {
      const next = text.indexOf('\n', at)
      const nextEnd = next < 0 ? text.length : next
      value += ` ${text.slice(at, nextEnd).trim()}`
      at = nextEnd + 1
    }
    values.push(value.trim())
  }
  return values
}

export function bodyOf(text: string): string {
  const crlf = text.indexOf('\r\n\r\n')
  if (crlf >= 0) return text.slice(crlf + 4)
  const lf = text.indexOf('\n\n')
  return lf < 0 ? '' : text.slice(lf + 2)
}

/** The user of an address, or its host if it has no user. */
export function userOf(address: string | undefined): string {
  const [, user, host] = /(?:sips?|tel):(?:([^@>;]{1,256})@)?([^>;\s]{1,256})/i.exec(address ?? '') ?? []
  return user ?? host ?? ''
}

/** Host of the first URI in a header such as Contact. */
export function hostOf(address: string | undefined): string {
  const [, host] = /sips?:(?:[^@>]{1,256}@)?(\[[\da-f:.]+\]|[\w.-]+)/i.exec(address ?? '') ?? []
  return (host ?? '').replace(/^\[|\]$/g, '')
}
