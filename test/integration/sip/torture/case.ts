/** One message of an RFC's torture tests, in our own words, and what has to become of it. */
export interface TortureCase {
  name: string
  section: string
  /** What is odd about it. */
  about: string
  /** `UDP`, `PORT` and `UNIQUE` stand for the transport, the sender's port and what tells two sendings apart. */
  text: string
  /**
   * The final answer's status. 486: taken, and refused by the account itself. `dropped`: a response that belongs to
   * nobody or cannot be read. `accepted`: a response that can.
   */
  outcome: number | 'dropped' | 'accepted'
  /** Where a stream has to make something else of it; `waits`: for octets that never come. */
  overStream?: number | 'waits' | readonly number[]
  /** What else the answer says. */
  says?: RegExp
  /** Decoded user part of the Request-URI, where that is the point. */
  user?: string
}

interface Parts {
  /** Header lines that take the place of those with the same name; '' leaves one out. */
  [name: string]: string
}

export const SDP_TEXT = [
  'v=0',
  'o=mhandley 29739 7272939 IN IP4 192.0.2.3',
  's=-',
  'c=IN IP4 192.0.2.4',
  't=0 0',
  'm=audio 49217 RTP/AVP 0 12',
  'm=video 3227 RTP/AVP 31',
  'a=rtpmap:31 LPC',
  '',
].join('\r\n')

/** A request that is right in everything but what is put in its place. Several lines for one name are one string. */
export function request(
  startLine: string,
  parts: Parts = {},
  body = '',
  method = startLine.split(' ')[0] ?? '',
): string {
  const lines: Parts = {
    Via: 'Via: SIP/2.0/UDP host.example.com:PORT;branch=z9hG4bKUNIQUE',
    'Max-Forwards': 'Max-Forwards: 70',
    From: 'From: <sip:caller@example.net>;tag=UNIQUE',
    To: 'To: <sip:user@example.com>',
    'Call-ID': 'Call-ID: UNIQUE@torture',
    CSeq: `CSeq: 8 ${method}`,
    Contact: 'Contact: <sip:caller@host5.example.net>',
    ...(body === '' ? {} : { 'Content-Type': 'Content-Type: application/sdp' }),
    'Content-Length': `Content-Length: ${Buffer.byteLength(body, 'latin1')}`,
    ...parts,
  }
  const head = Object.values(lines).filter((line) => line !== '')
  return `${[startLine, ...head].join('\r\n')}\r\n\r\n${body}`
}

export function response(startLine: string, parts: Parts = {}): string {
  return request(startLine, { 'Max-Forwards': '', To: 'To: <sip:user@example.com>;tag=1', ...parts }, '', 'OPTIONS')
}
