import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { type Framed, StreamFramer } from '../../src/sip/message/stream-framer.js'
import { authority } from './certificates.js'
import { Inbox } from './sip-parties.js'

/** One TCP connection that says exactly what the test wants, in whatever pieces, and shows what comes back. */
export class StreamPeer {
  readonly socket: Socket
  readonly messages = new Inbox<string>('a message on the connection')
  /** All that has come, pings and pongs too. */
  readonly framed: Framed[] = []
  readonly closed: Promise<void>
  readonly #framer = new StreamFramer()

  /** `from`: the address that it comes from. */
  static async connect(port: number, host = '127.0.0.1', from = host): Promise<StreamPeer> {
    const socket = connect({ port, host, localAddress: from, noDelay: true })
    await once(socket, 'connect')
    return new StreamPeer(socket)
  }

  /** By TLS; `options`: the certificate that it shows, for instance. */
  static async connectTls(port: number, host = '127.0.0.1', options: ConnectionOptions = {}): Promise<StreamPeer> {
    const socket = connectTls({ port, host, ca: readFileSync(authority.caFile), ...options })
    socket.setNoDelay(true)
    await once(socket, 'secureConnect')
    return new StreamPeer(socket)
  }

  constructor(socket: Socket) {
    this.socket = socket
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()))
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      for (const item of this.#framer.push(chunk)) {
        this.framed.push(item)
        if (item.kind === 'message') this.messages.put(item.bytes.toString())
      }
    })
  }

  get port(): number {
    return this.socket.localPort ?? 0
  }

  send(text: string | Buffer): void {
    this.socket.write(text)
  }

  /** Each piece in a segment of its own. */
  async sendInPieces(pieces: readonly Buffer[]): Promise<void> {
    for (const piece of pieces) {
      await new Promise((resolve) => this.socket.write(piece, resolve))
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  close(): Promise<void> {
    this.socket.destroy()
    return this.closed
  }
}

/** Takes connections. */
export class StreamListener {
  readonly connections = new Inbox<StreamPeer>('a connection')
  readonly #server: Server
  readonly #open = new Set<StreamPeer>()

  static async open(port = 0, host = '127.0.0.1'): Promise<StreamListener> {
    const server = createServer()
    server.listen(port, host)
    await once(server, 'listening')
    return new StreamListener(server)
  }

  private constructor(server: Server) {
    this.#server = server
    server.on('connection', (socket) => {
      const peer = new StreamPeer(socket)
      this.#open.add(peer)
      this.connections.put(peer)
    })
  }

  get port(): number {
    const address = this.#server.address()
    return address && typeof address === 'object' ? address.port : 0
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    await Promise.all([...this.#open].map((peer) => peer.close()))
    await closed
  }
}
