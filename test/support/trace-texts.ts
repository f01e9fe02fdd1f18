/** Messages of a call as a trace holds them. */
import type { TracedMessage, TracedPacket, TracePlace, TraceProtocol } from '../../src/trace/traced.js'

export const ALICE: TracePlace = { host: '192.0.2.1', port: 5062 }
export const BOB: TracePlace = { host: '198.51.100.2', port: 5080 }
export const START = Date.UTC(2026, 0, 2, 3, 4, 5)

export interface TextInit {
  callId?: string
  cseq?: number
  method?: string
  branch?: string
  headers?: string[]
  body?: string
  toTag?: string
}

export function request(method: string, init: TextInit = {}): string {
  return message(`${method} sip:bob@198.51.100.2:5080 SIP/2.0`, method, init)
}

export function response(status: number, reason: string, init: TextInit = {}): string {
  return message(`SIP/2.0 ${status} ${reason}`, init.method ?? 'INVITE', init)
}

function message(start: string, method: string, init: TextInit): string {
  const {
    callId = 'call-1@192.0.2.1',
    cseq = 1,
    branch = `z9hG4bK${cseq}${method}`,
    headers = [],
    body = '',
    toTag,
  } = init
  const lines = [
    start,
    `Via: SIP/2.0/UDP 192.0.2.1:5062;branch=${branch}`,
    'From: "Alice" <sip:alice@192.0.2.1>;tag=a1',
    `To: <sip:bob@198.51.100.2>${toTag === undefined ? '' : `;tag=${toTag}`}`,
    `Call-ID: ${callId}`,
    `CSeq: ${cseq} ${method}`,
    'Max-Forwards: 70',
    ...headers,
    ...(body === '' ? [] : ['Content-Type: application/sdp']),
    `Content-Length: ${Buffer.byteLength(body)}`,
  ]
  return `${lines.join('\r\n')}\r\n\r\n${body}`
}

export const sdp = ({ host, port }: TracePlace, codecs = '8 0'): string =>
  [
    'v=0',
    `o=- 1 1 IN IP4 ${host}`,
    's=-',
    `c=IN IP4 ${host}`,
    't=0 0',
    `m=audio ${port} RTP/AVP ${codecs}`,
    ...codecs
      .split(' ')
      .flatMap(
        (type) => ({ 0: 'a=rtpmap:0 PCMU/8000', 8: 'a=rtpmap:8 PCMA/8000', 9: 'a=rtpmap:9 G722/8000' })[type] ?? [],
      ),
    '',
  ].join('\r\n')

/** Messages that follow each other by 20 ms. `>`: from Alice to Bob. */
export function traced(steps: ['>' | '<', string, number?][], protocol: TraceProtocol = 'udp'): TracedMessage[] {
  let at = START
  return steps.map(([way, text, afterMs = 20]) => {
    at += afterMs
    const [from, to] = way === '>' ? [ALICE, BOB] : [BOB, ALICE]
    return { at, protocol, from, to, text }
  })
}

export const ALICE_RTP: TracePlace = { host: ALICE.host, port: 20_000 }
export const BOB_RTP: TracePlace = { host: BOB.host, port: 30_000 }

/** A call that Bob answers, talks in for two seconds, and ends. */
export const usualCall = (protocol: TraceProtocol = 'udp'): TracedMessage[] => {
  const call = traced(
    [
      ['>', request('INVITE', { body: sdp(ALICE_RTP) })],
      ['<', response(180, 'Ringing', { toTag: 'b1' })],
      ['<', response(200, 'OK', { toTag: 'b1', body: sdp(BOB_RTP, '8') })],
      ['>', request('ACK', { toTag: 'b1' })],
      ['<', request('BYE', { cseq: 7, toTag: 'b1' }), 2000],
      ['>', response(200, 'OK', { method: 'BYE', cseq: 7, toTag: 'b1' })],
    ],
    protocol,
  )
  return protocol === 'udp'
    ? call
    : call.map((one) => ({ ...one, text: one.text.replace('/UDP', `/${protocol.toUpperCase()}`) }))
}

/** `count` packets of 20 ms, without those whose index is in `lost`. */
export function rtp(from: TracePlace, to: TracePlace, count: number, lost: number[] = []): TracedPacket[] {
  const packets: TracedPacket[] = []
  for (let i = 0; i < count; i++) {
    if (lost.includes(i)) continue
    const octets = Buffer.alloc(172, 0xd5)
    octets[0] = 0x80
    octets[1] = 8
    octets.writeUInt16BE((65_500 + i) & 0xffff, 2)
    octets.writeUInt32BE(160 * i, 4)
    octets.writeUInt32BE(from.port, 8)
    // The packets of a real network come a little early or late.
    packets.push({ at: START + 100 + i * 20 + (i % 3) * 2, kind: 'rtp', from, to, octets })
  }
  return packets
}
