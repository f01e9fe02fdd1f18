import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { EventEmitter, once } from 'node:events'

export interface HeardRequest {
  method: string
  callId: string
  text: string
}

/** A registrar and telephone in one that answers 200 to all and remembers what it was asked: shows what really is on the wire. */
export class ObligingPeer {
  readonly heard: HeardRequest[] = []
  readonly #socket: Socket
  readonly #news = new EventEmitter()

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('message', (octets, from) => this.#take(octets.toString(), from))
  }

  static async listen(): Promise<ObligingPeer> {
    const socket = createSocket('udp4').bind(0, '127.0.0.1')
    await once(socket, 'listening')
    return new ObligingPeer(socket)
  }

  get port(): number {
    return this.#socket.address().port
  }

  /** The first request that matches, come already or yet to come. */
  async request(method: string, matches: (request: HeardRequest) => boolean = () => true): Promise<HeardRequest> {
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
    if (method !== 'ACK') this.#socket.send(this.#ok(method, text), from.port, from.address)
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

const headers = (text: string, name: string): string[] =>
  [...text.matchAll(new RegExp(`^${name}: *(.*?)\\r$`, 'gim'))].map(([, value]) => value ?? '')

const header = (text: string, name: string): string => headers(text, name)[0] ?? ''
