/** A small DNS server on loopback, UDP and TCP at one port, whose records a test sets. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { type Answer, AUTHORITATIVE_ANSWER, decode, encode, type Packet, TRUNCATED_RESPONSE } from 'dns-packet'

const LENGTH_OCTETS = 2
const NAME_ERROR = 3
const ATTEMPTS = 20

export class DnsServer {
  /** Answers to all names; a name that has no record does not exist. */
  readonly records: Answer[] = []
  /** Questions in the order in which they came: `udp SRV _sip._udp.example.com`. */
  readonly asked: string[] = []
  /** Whether questions stay without an answer. */
  isSilent = false
  /** Each answer waits so long. */
  delayMs = 0
  /** Answers by UDP hold no records and say that there are more. */
  isTruncating = false
  /** The code of each answer, e.g. 2 for SERVFAIL; undefined: as the records say. */
  code: number | undefined
  /** A server of old: a question with EDNS is a format error. */
  knowsEdns = true
  /** RFC 2308: how long the absence of a record is valid. */
  negativeTtlSec = 1
  /** Changes each answer by UDP before it is sent: a forger, or a broken server. */
  forge: ((reply: Packet) => Packet) | undefined
  readonly #udp: UdpSocket
  readonly #tcp: Server
  readonly #connections = new Set<Socket>()

  private constructor(udp: UdpSocket, tcp: Server) {
    this.#udp = udp
    this.#tcp = tcp
    udp.on('message', (bytes, from) => {
      this.#reply('udp', decode(bytes), (reply) => udp.send(reply, from.port, from.address, () => undefined))
    })
    tcp.on('connection', (socket) => this.#serve(socket))
  }

  static async start(): Promise<DnsServer> {
    for (let attempt = 1; ; attempt++) {
      const udp = createSocket('udp4')
      udp.bind(0, '127.0.0.1')
      await once(udp, 'listening')
      const tcp = createServer()
      try {
        tcp.listen(udp.address().port, '127.0.0.1')
        await once(tcp, 'listening')
        return new DnsServer(udp, tcp)
      } catch (error) {
        udp.close()
        if (attempt === ATTEMPTS) throw error
      }
    }
  }

  get port(): number {
    return (this.#tcp.address() as AddressInfo).port
  }

  /** `127.0.0.1:port` */
  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  a(name: string, address: string, ttl = 60): this {
    this.records.push({ type: address.includes(':') ? 'AAAA' : 'A', name, ttl, data: address })
    return this
  }

  srv(
    name: string,
    target: string,
    port: number,
    init: { priority?: number; weight?: number; ttl?: number } = {},
  ): this {
    const { priority = 0, weight = 0, ttl = 60 } = init
    this.records.push({ type: 'SRV', name, ttl, data: { priority, weight, target, port } })
    return this
  }

  naptr(name: string, services: string, replacement: string, order = 0): this {
    const data = { order, preference: 0, flags: 's', services, regexp: '', replacement }
    this.records.push({ type: 'NAPTR', name, ttl: 60, data })
    return this
  }

  alias(name: string, target: string, ttl = 60): this {
    this.records.push({ type: 'CNAME', name, ttl, data: target })
    return this
  }

  remove(name: string): void {
    const kept = this.records.filter((record) => record.name !== name)
    this.records.splice(0, Number.POSITIVE_INFINITY, ...kept)
  }

  async close(): Promise<void> {
    for (const connection of this.#connections) connection.destroy()
    this.#udp.close()
    this.#tcp.close()
    await Promise.all([once(this.#udp, 'close'), once(this.#tcp, 'close')])
  }

  #serve(socket: Socket): void {
    this.#connections.add(socket)
    socket.once('close', () => this.#connections.delete(socket))
    socket.on('error', () => undefined)
    let received = Buffer.alloc(0)
    socket.on('data', (bytes) => {
      received = Buffer.concat([received, bytes])
      const end = received.length < LENGTH_OCTETS ? Number.POSITIVE_INFINITY : LENGTH_OCTETS + received.readUInt16BE()
      if (received.length < end) return
      this.#reply('tcp', decode(received.subarray(LENGTH_OCTETS, end)), (reply) => {
        const length = Buffer.alloc(LENGTH_OCTETS)
        length.writeUInt16BE(reply.length)
        // In two pieces, as the network may deliver it.
        socket.write(Buffer.concat([length, reply.subarray(0, 1)]), () => socket.write(reply.subarray(1)))
      })
    })
  }

  #reply(how: 'udp' | 'tcp', question: Packet, send: (reply: Buffer) => void): void {
    const [asked] = question.questions ?? []
    if (!asked) return
    this.asked.push(`${how} ${asked.type} ${asked.name}`)
    if (this.isSilent) return
    const hasEdns = question.additionals?.some(({ type }) => type === 'OPT') ?? false
    const answers = this.#find(asked.name, asked.type)
    const exists = this.records.some(({ name }) => name.toLowerCase() === asked.name.toLowerCase())
    const isShort = how === 'udp' && this.isTruncating
    const code = hasEdns && !this.knowsEdns ? 1 : (this.code ?? (exists ? 0 : NAME_ERROR))
    const reply: Packet = {
      type: 'response',
      ...(question.id === undefined ? {} : { id: question.id }),
      // dns-packet takes the code from the lowest bits of the flags.
      flags: AUTHORITATIVE_ANSWER | (isShort ? TRUNCATED_RESPONSE : 0) | code,
      questions: [asked],
      answers: isShort || code !== 0 ? [] : answers,
      authorities: answers.length > 0 ? [] : [this.#soa()],
    }
    const bytes = encode(how === 'udp' && this.forge ? this.forge(reply) : reply)
    if (this.delayMs > 0) setTimeout(() => send(bytes), this.delayMs)
    else send(bytes)
  }

  #find(name: string, type: string): Answer[] {
    const own = this.records.filter((record) => record.name.toLowerCase() === name.toLowerCase())
    const found = own.filter((record) => record.type === type)
    const alias = own.find((record) => record.type === 'CNAME')
    return found.length > 0 || alias?.type !== 'CNAME' ? found : [alias, ...this.#find(alias.data, type)]
  }

  #soa(): Answer {
    const minimum = this.negativeTtlSec
    return { type: 'SOA', name: 'example.com', ttl: minimum, data: { mname: 'ns', rname: 'admin', minimum } }
  }
}
