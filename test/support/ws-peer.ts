import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type ClientOptions, WebSocket } from 'ws'
import { Inbox } from './sip-parties.js'
import { within } from './wait.js'

/** One WebSocket that sends exactly what the test wants, and shows what comes back. */
export class WsPeer {
  readonly socket: WebSocket
  readonly messages = new Inbox<string>('a message on the WebSocket')
  /** All messages that have come, with keep-alives; whether they were binary. */
  readonly received: { text: string; isBinary: boolean }[] = []
  /** Resolves with the code of the close frame; 1006: the connection ended without one. */
  readonly closed: Promise<number>
  readonly #connection: Promise<Socket>

  static async connect(port: number, options: ClientOptions & { protocols?: string } = {}): Promise<WsPeer> {
    const { protocols = 'sip', ...others } = options
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, protocols, others)
    const peer = new WsPeer(socket)
    await within(once(socket, 'open'), 'the WebSocket to open')
    return peer
  }

  constructor(socket: WebSocket) {
    this.socket = socket
    this.closed = new Promise((resolve) => socket.once('close', resolve))
    this.#connection = new Promise((resolve) => socket.once('upgrade', ({ socket }) => resolve(socket)))
    socket.on('error', () => undefined)
    socket.on('message', (data: Buffer, isBinary) => {
      const text = data.toString()
      this.received.push({ text, isBinary })
      if (text.trim() !== '') this.messages.put(text)
    })
  }

  get isClosed(): boolean {
    return this.socket.readyState === WebSocket.CLOSED
  }

  /** The connection below a WebSocket that we have opened. */
  connection(): Promise<Socket> {
    return this.#connection
  }

  send(data: string | Buffer): void {
    this.socket.send(data)
  }

  /** Octets below the frames. */
  async sendRaw(octets: Buffer): Promise<void> {
    ;(await this.#connection).write(octets)
  }

  async close(): Promise<void> {
    this.socket.terminate()
    await this.closed
  }
}

/** One HTTP request as text, and all that the server says until it closes the connection. */
export async function rawHttp(port: number, request: string): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1' })
  let answer = ''
  socket.on('data', (chunk) => {
    answer += chunk.toString()
  })
  socket.on('error', () => undefined)
  socket.write(request)
  await within(once(socket, 'close'), 'the server to close the connection')
  return answer
}

/** The request of RFC 6455 1.3 for the subprotocol sip; a header of the value undefined is left out. */
export function upgradeRequest(changes: Record<string, string | undefined> = {}): string {
  const headers: Record<string, string | undefined> = {
    Host: '127.0.0.1',
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Protocol': 'sip',
    ...changes,
  }
  const lines = Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : `${name}: ${value}`))
  return `GET / HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`
}
