import { createSocket, type Socket } from 'node:dgram'
import { octetsOf } from '../../src/base/octets.js'
import { type ParsedMessage, ParsedRequest, type ParsedResponse } from '../../src/sip/message/parsed-message.js'
import { parseMessage } from '../../src/sip/message/parser.js'
import { Inbox } from './sip-parties.js'

export interface Received<Message> {
  message: Message
  text: string
  from: { host: string; port: number }
}

/** A socket that says exactly what the test wants, right or wrong, and shows what comes back. */
export class RawPeer {
  readonly #socket: Socket
  readonly port: number
  readonly requests = new Inbox<Received<ParsedRequest>>('a request to the raw peer')
  readonly responses = new Inbox<Received<ParsedResponse>>('a response to the raw peer')
  readonly unreadable = new Inbox<string>('an unreadable message to the raw peer')
  /** Readable or not. */
  readonly everything = new Inbox<string>('any message to the raw peer')
  /** All that has come, in its order. */
  readonly texts: string[] = []

  static async open(host = '127.0.0.1'): Promise<RawPeer> {
    const socket = createSocket('udp4')
    await new Promise<void>((resolve) => socket.bind(0, host, resolve))
    return new RawPeer(socket, host)
  }

  readonly host: string

  private constructor(socket: Socket, host: string) {
    this.#socket = socket
    this.host = host
    this.port = socket.address().port
    socket.on('message', (bytes, from) => {
      const text = bytes.toString()
      this.texts.push(text)
      this.everything.put(text)
      const received = { text, from: { host: from.address, port: from.port } }
      const message = readable(bytes, received.from)
      if (message instanceof ParsedRequest) this.requests.put({ message, ...received })
      else if (message) this.responses.put({ message, ...received })
      else this.unreadable.put(text)
    })
  }

  get uri(): string {
    return `sip:raw@${this.host}:${this.port}`
  }

  /** Of a request that it sends. `branch` without the magic cookie (RFC 3261 8.1.1.7). */
  via(branch: string): string {
    return `SIP/2.0/UDP ${this.host}:${this.port};branch=z9hG4bK${branch};rport`
  }

  send(text: string | Buffer, port: number, host = '127.0.0.1'): void {
    this.#socket.send(typeof text === 'string' ? octetsOf(text) : text, port, host)
  }

  /** Sends a request and waits for its first answer. */
  async ask(text: string, port: number): Promise<ParsedResponse> {
    this.send(text, port)
    return (await this.responses.next()).message
  }

  /** Answers a request: its Via, From, Call-ID and CSeq, and what the test adds. */
  answer(
    request: Received<ParsedRequest>,
    status: number,
    init: { toTag?: string; contact?: string | false; headers?: readonly string[]; body?: string } = {},
  ): void {
    const { message, from } = request
    const to = message.getHeader('to') ?? ''
    const body = init.body ?? ''
    const lines = [
      `SIP/2.0 ${status} Test`,
      ...message.getHeaders('via').map((via) => `Via: ${via}`),
      `From: ${message.getHeader('from')}`,
      `To: ${to.includes('tag=') || init.toTag === '' ? to : `${to};tag=${init.toTag ?? 'raw'}`}`,
      `Call-ID: ${message.callId}`,
      `CSeq: ${message.cseq} ${message.method}`,
      ...(init.contact === false ? [] : [`Contact: <${init.contact ?? this.uri}>`]),
      ...(init.headers ?? []),
      ...(body === '' ? [] : ['Content-Type: application/sdp']),
      `Content-Length: ${Buffer.byteLength(body)}`,
      '',
      body,
    ]
    this.send(lines.join('\r\n'), from.port, from.host)
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#socket.close(resolve))
  }
}

function readable(bytes: Buffer, source: { host: string; port: number }): ParsedMessage | undefined {
  try {
    return parseMessage(bytes, { protocol: 'udp', ...source })
  } catch {
    return undefined
  }
}
