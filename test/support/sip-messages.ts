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
  parts: { to?: string; cseq?: string; headers?: readonly string[]; reason?: string } = {},
): string {
  return [
    `SIP/2.0 ${status} ${parts.reason ?? 'Whatever "they" say'}`,
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

/** Messages as telephones, gateways and registrars write them: all are valid. */
export const EXAMPLES: Readonly<Record<string, string>> = {
  'INVITE of a telephone': requestText({
    uri: 'sip:1002@192.0.2.7:5060;transport=udp',
    via: 'SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-524287-1---a1;rport',
    from: '"1001" <sip:1001@192.0.2.7>;tag=8f21',
    headers: ['User-Agent: Telephone 1.2', 'Allow: INVITE, ACK, BYE, CANCEL', 'Supported: replaces, timer'],
    body: SDP,
  }),
  'INVITE through two proxies': requestText({
    via: 'SIP/2.0/UDP p2.example.com:5060;branch=z9hG4bK2.1',
    headers: [
      'Via: SIP/2.0/TCP p1.example.com;branch=z9hG4bK1.1;received=198.51.100.4',
      'v: SIP/2.0/UDP 192.0.2.1:5062;branch=z9hG4bK0;rport;received=203.0.113.9',
      'Record-Route: <sip:p2.example.com;lr>',
      'Record-Route: <sip:p1.example.com;transport=tcp;lr>',
      'P-Asserted-Identity: "Alice" <sip:+4930123@example.com>',
    ],
    body: SDP,
  }),
  'ACK to a 200': requestText({ method: 'ACK', uri: 'sip:bob@192.0.2.7', to: '<sip:bob@example.org>;tag=b1' }),
  'BYE with a reason': requestText({
    method: 'BYE',
    to: 'Bob <sip:bob@example.org>;tag=b1',
    headers: ['Reason: Q.850;cause=16;text="Normal call clearing"', 'Route: <sip:p1;lr>'],
  }),
  'CANCEL in compact form': requestText({ method: 'CANCEL' })
    .replace('Via:', 'v:')
    .replace('From:', 'f:')
    .replace('To:', 't:')
    .replace('Call-ID:', 'i:')
    .replace('Content-Length:', 'l:'),
  'REGISTER over IPv6': requestText({
    method: 'REGISTER',
    uri: 'sip:[2001:db8::1]:5060',
    via: 'SIP/2.0/TCP [2001:db8::2]:49152;branch=z9hG4bKreg;rport',
    from: '<sip:1001@[2001:db8::1]>;tag=r',
    to: '<sip:1001@[2001:db8::1]>',
    headers: ['Expires: 300', 'Contact: <sip:1001@[2001:db8::2]:49152;transport=tcp>;q=0.5;expires=60'],
  }),
  'OPTIONS without brackets': requestText({
    method: 'OPTIONS',
    from: 'sip:alice@example.com;tag=o',
    to: 'sip:bob@example.org',
  }),
  'NOTIFY with a folded line': requestText({
    method: 'NOTIFY',
    from: '"Voice mail" <sip:vm@example.com>;tag=vm',
    headers: ['Event: message-summary', 'Subscription-State: active;\r\n\texpires=60'],
  }),
  '180 with a tag': responseText(180, { reason: 'Ringing', headers: ['Contact: <sip:bob@192.0.2.9:5060>'] }),
  '200 with routes and two contacts': responseText(200, {
    reason: 'OK',
    headers: [
      'Record-Route: <sip:p2.example.com;lr>, <sip:p1.example.com;lr>',
      'Contact: "B, ob" <sip:bob@192.0.2.9:5060;transport=udp>;expires=60, <sip:bob@192.0.2.8>;q=0.2',
    ],
  }),
  '401 with a challenge': responseText(401, {
    reason: 'Unauthorized',
    cseq: '2 REGISTER',
    headers: ['WWW-Authenticate: Digest realm="example.com", nonce="a1b2", algorithm=MD5, qop="auth"'],
  }),
}
