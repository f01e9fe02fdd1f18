import type { SipAddress } from '../../src/sip/types.js'

export const SOURCE: SipAddress = { protocol: 'udp', host: '192.0.2.1', port: 5060 }

export const SDP = [
  'v=0',
  'o=- 1 1 IN IP4 192.0.2.1',
  's=-',
  'c=IN IP4 192.0.2.1',
  't=0 0',
  'm=audio 4000 RTP/AVP 8',
  '',
].join('\r\n')

interface RequestParts {
  method?: string
  uri?: string
  version?: string
  via?: string
  from?: string
  to?: string
  callId?: string
  cseq?: string
  headers?: readonly string[]
  body?: string
  contentLength?: string
}

/** A request that is right in everything but what the test makes wrong. An empty string leaves a header out. */
export function requestText(parts: RequestParts = {}): string {
  const method = parts.method ?? 'INVITE'
  const body = parts.body ?? ''
  const headers = [
    ['Via', parts.via ?? 'SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK776asdhds;rport'],
    ['From', parts.from ?? '"Alice" <sip:alice@example.com>;tag=1928301774'],
    ['To', parts.to ?? '<sip:bob@example.org>'],
    ['Call-ID', parts.callId ?? 'a84b4c76e66710@pc33.example.com'],
    ['CSeq', parts.cseq ?? `314159 ${method}`],
    ['Max-Forwards', '70'],
    ['Contact', '<sip:alice@192.0.2.1:5060>'],
  ].flatMap(([name, value]) => (value === '' ? [] : [`${name}: ${value}`]))
  return [
    `${method} ${parts.uri ?? 'sip:bob@example.org'} SIP/${parts.version ?? '2.0'}`,
    ...headers,
    ...(parts.headers ?? []),
    ...(body === '' ? [] : ['Content-Type: application/sdp']),
    `Content-Length: ${parts.contentLength ?? Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n')
}

export function responseText(
  status = 200,
  parts: { to?: string; cseq?: string; headers?: readonly string[] } = {},
): string {
  return [
    `SIP/2.0 ${status} Whatever "they" say`,
    'Via: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKabc',
    'From: <sip:alice@example.com>;tag=1',
    `To: ${parts.to ?? '<sip:bob@example.org>;tag=2'}`,
    'Call-ID: x@y',
    `CSeq: ${parts.cseq ?? '1 INVITE'}`,
    ...(parts.headers ?? []),
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n')
}
