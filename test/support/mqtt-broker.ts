/** Just enough of an MQTT 3.1.1 broker for one flow and one test: QoS 0 and 1, exact topics, nothing kept. */
import { createServer, type Server, type Socket } from 'node:net'

const CONNECT = 1
const CONNACK = 2
const PUBLISH = 3
const PUBACK = 4
const SUBSCRIBE = 8
const SUBACK = 9
const PINGREQ = 12
const PINGRESP = 13

interface Published {
  topic: string
  text: string
}

export class MqttBroker {
  readonly port: number
  readonly #server: Server
  readonly #clients = new Map<Socket, Set<string>>()
  readonly #published: Published[] = []
  #waiting: (() => void)[] = []

  static async listen(): Promise<MqttBroker> {
    const server = createServer()
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    return new MqttBroker(server)
  }

  private constructor(server: Server) {
    this.#server = server
    const address = server.address()
    this.port = typeof address === 'object' && address ? address.port : 0
    server.on('connection', (socket) => this.#accept(socket))
  }

  /** The next message that a client publishes to the topic. */
  async published(topic: string): Promise<string> {
    for (;;) {
      const at = this.#published.findIndex((message) => message.topic === topic)
      if (at >= 0) return this.#published.splice(at, 1)[0]?.text ?? ''
      await this.#news()
    }
  }

  /** Publishes as some client would, once somebody listens. */
  async publish(topic: string, text: string): Promise<void> {
    for (;;) {
      const listeners = [...this.#clients].filter(([, topics]) => topics.has(topic))
      for (const [socket] of listeners) socket.write(packet(PUBLISH << 4, string(topic), Buffer.from(text)))
      if (listeners.length > 0) return
      await this.#news()
    }
  }

  async close(): Promise<void> {
    for (const socket of this.#clients.keys()) socket.destroy()
    await new Promise((done) => this.#server.close(done))
  }

  #news(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  #accept(socket: Socket): void {
    let left = Buffer.alloc(0)
    this.#clients.set(socket, new Set())
    socket.on('error', () => undefined)
    socket.on('close', () => this.#clients.delete(socket))
    socket.on('data', (data) => {
      left = Buffer.concat([left, data])
      for (let whole = first(left); whole; whole = first(left)) {
        left = left.subarray(whole.size)
        this.#take(socket, whole.head, whole.body)
        for (const look of this.#waiting.splice(0)) look()
      }
    })
  }

  /** MQTT 3.1.1, 3: control packets. */
  #take(socket: Socket, head: number, body: Buffer): void {
    const type = head >> 4
    if (type === CONNECT) socket.write(packet(CONNACK << 4, Buffer.from([0, 0])))
    if (type === PINGREQ) socket.write(packet(PINGRESP << 4))
    if (type === SUBSCRIBE) {
      const topic = body.toString('utf8', 4, 4 + body.readUInt16BE(2))
      this.#clients.get(socket)?.add(topic)
      socket.write(packet(SUBACK << 4, body.subarray(0, 2), Buffer.from([0])))
    }
    if (type === PUBLISH) {
      const end = 2 + body.readUInt16BE(0)
      const isAcknowledged = (head & 0x06) > 0
      if (isAcknowledged) socket.write(packet(PUBACK << 4, body.subarray(end, end + 2)))
      const text = body.toString('utf8', isAcknowledged ? end + 2 : end)
      this.#published.push({ topic: body.toString('utf8', 2, end), text })
    }
  }
}

/** The first packet, if it is there as a whole. 2.2.3: its length, seven bits per octet. */
function first(data: Buffer): { head: number; body: Buffer; size: number } | null {
  let length = 0
  for (let at = 1; at < Math.min(data.length, 5); at++) {
    const octet = data[at] ?? 0
    length += (octet & 0x7f) << (7 * (at - 1))
    if (octet & 0x80) continue
    const size = at + 1 + length
    return data.length < size ? null : { head: data[0] ?? 0, body: data.subarray(at + 1, size), size }
  }
  return null
}

function packet(head: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  const length: number[] = []
  for (let left = body.length; length.length === 0 || left > 0; left >>= 7) {
    length.push((left & 0x7f) | (left > 0x7f ? 0x80 : 0))
  }
  return Buffer.concat([Buffer.from([head, ...length]), body])
}

function string(text: string): Buffer {
  const bytes = Buffer.from(text)
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes])
}
