import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { EventEmitter, once } from 'node:events'
import { within } from './wait.js'

export interface HeardRequest {
  method: string
  callId: string
  text: string
}

export type ChallengeRule = (request: HeardRequest) => 0 | 401 | 407

/** A registrar and telephone in one that answers 200 to all and remembers what it was asked: shows what really is on the wire. */
export class ObligingPeer {
  readonly heard: HeardRequest[] = []
  readonly #socket: Socket
  readonly #news = new EventEmitter()
  readonly #challenge: ChallengeRule

  private constructor(socket: Socket, challenge: ChallengeRule) {
    this.#socket = socket
    this.#challenge = challenge
    socket.on('message', (octets, from) => this.#take(octets.toString(), from))
  }

  /** `challenge`: which status asks for credentials before this request is answered; 0 for none. */
  static async listen(challenge: ChallengeRule = () => 0, host = '127.0.0.1'): Promise<ObligingPeer> {
    const socket = createSocket('udp4').bind(0, host)
    await once(socket, 'listening')
    return new ObligingPeer(socket, challenge)
  }

  get port(): number {
    return this.#socket.address().port
  }

  /** The first request that matches, come already or yet to come. */
  request(
    method: string,
    matches: (request: HeardRequest) => boolean = () => true,
    timeoutMs = 15_000,
  ): Promise<HeardRequest> {
    return within(this.#request(method, matches), `a ${method} to the obliging peer`, timeoutMs)
  }

  async #request(method: string, matches: (request: HeardRequest) => boolean): Promise<HeardRequest> {
    for (;;) {
      const found = this.heard.find((request) => request.method === method && matches(request))
      if (found) return found
      await once(this.#news, 'request')
    }
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#socket.close(() => resolve()))
  }

  #take(text: string, from: RemoteInfo): void {
    const method = /^([A-Z]+) /.exec(text)?.[1]
    if (!method) return
    this.heard.push({ method, callId: header(text, 'Call-ID'), text })
    this.#news.emit('request')
    if (method === 'ACK') return
    const status = this.#challenge({ method, callId: header(text, 'Call-ID'), text })
    const answer = status === 0 ? this.#ok(method, text) : challengeText(status, text)
    this.#socket.send(answer, from.port, from.address)
  }

  #ok(method: string, text: string): string {
    const body = method === 'INVITE' ? this.#answer() : ''
    const contact = method === 'REGISTER' ? header(text, 'Contact') : `<sip:peer@127.0.0.1:${this.port}>`
    const lines = [
      'SIP/2.0 200 OK',
      ...headers(text, 'Via').map((value) => `Via: ${value}`),
      `From: ${header(text, 'From')}`,
      `To: ${header(text, 'To').replace(/(>)$/, '$1;tag=peer')}`,
      `Call-ID: ${header(text, 'Call-ID')}`,
      `CSeq: ${header(text, 'CSeq')}`,
      ...(contact === '' ? [] : [`Contact: ${contact}`]),
      ...(body === '' ? [] : ['Content-Type: application/sdp']),
      `Content-Length: ${body.length}`,
    ]
    return `${lines.join('\r\n')}\r\n\r\n${body}`
  }

  #answer(): string {
    const lines = ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0', 'm=audio 9 RTP/AVP 8']
    return `${lines.join('\r\n')}\r\n`
  }
}

function challengeText(status: 401 | 407, text: string): string {
  const ask = status === 401 ? 'WWW-Authenticate' : 'Proxy-Authenticate'
  return [
    `SIP/2.0 ${status} Who are you`,
    ...headers(text, 'Via').map((value) => `Via: ${value}`),
    `From: ${header(text, 'From')}`,
    `To: ${header(text, 'To')};tag=peer`,
    `Call-ID: ${header(text, 'Call-ID')}`,
    `CSeq: ${header(text, 'CSeq')}`,
    `${ask}: Digest realm="peer", nonce="${status}-nonce", qop="auth", algorithm=MD5`,
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n')
}

const headers = (text: string, name: string): string[] =>
  [...text.matchAll(new RegExp(`^${name}: *(.*?)\\r$`, 'gim'))].map(([, value]) => value ?? '')

const header = (text: string, name: string): string => headers(text, name)[0] ?? ''
