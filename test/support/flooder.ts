/** Many sources that send as fast as they are told, in a thread of their own; counts what goes and what comes back. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { WebSocket } from 'ws'

export type FloodProtocol = 'udp' | 'tls' | 'ws'

export interface FloodInit {
  target: { host: string; port: number }
  /** `tls`, `ws`: each source has one connection. Absent: UDP. */
  protocol?: FloodProtocol
  /** 127.0.1.1 and on. */
  sources: number
  perSecond: number
  forMs: number
  methods: readonly string[]
  /** Request-URIs have one of these. */
  users: readonly string[]
}

export interface Flood {
  sent: number
  sentOctets: number
  answers: Record<string, number>
  answeredOctets: number
}

/** Resolves a while after the last one, so that late answers count. */
export async function flood(init: FloodInit): Promise<Flood> {
  const worker = new Worker(new URL(import.meta.url), { workerData: init })
  const [result] = (await once(worker, 'message')) as [Flood]
  return result
}

const SDP = 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 8\r\n'

function requestOf(init: FloodInit, n: number, from: { address: string; port: number }): string {
  const method = init.methods[n % init.methods.length] ?? 'OPTIONS'
  const user = init.users[n % init.users.length]
  const body = method === 'INVITE' ? SDP : ''
  const uri = `sip:${user}@${init.target.host}:${init.target.port}`
  const id = `flood-${from.port}-${n}`
  return [
    `${method} ${uri} SIP/2.0`,
    `Via: SIP/2.0/${(init.protocol ?? 'udp').toUpperCase()} ${from.address}:${from.port};branch=z9hG4bK${id};rport`,
    'Max-Forwards: 70',
    `From: "sipvicious" <sip:100@1.1.1.1>;tag=${id}`,
    `To: <${uri}>`,
    `Call-ID: ${id}@${from.address}`,
    `CSeq: ${n + 1} ${method}`,
    `Contact: <sip:100@${from.address}:${from.port}>`,
    'User-Agent: friendly-scanner',
    ...(body === '' ? [] : ['Content-Type: application/sdp']),
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n')
}

interface Source {
  address: { address: string; port: number }
  send(text: string): void
  close(): void
}

type Heard = (bytes: Buffer) => void

const SOURCES: Record<FloodProtocol, (init: FloodInit, from: string, heard: Heard) => Promise<Source>> = {
  udp: async ({ target }, from, heard) => {
    const socket = createSocket('udp4')
    socket.bind(0, from)
    await once(socket, 'listening')
    socket.on('message', heard)
    const send = (text: string): void => socket.send(text, target.port, target.host)
    return { address: socket.address(), send, close: () => socket.close() }
  },
  tls: async ({ target }, from, heard) => {
    // A stranger looks at no certificate.
    const connection = connect({ ...target, localAddress: from })
    const socket = connectTls({ socket: connection, rejectUnauthorized: false })
    socket.on('error', () => undefined)
    await once(socket, 'secureConnect')
    socket.on('data', heard)
    const address = { address: from, port: connection.localPort ?? 0 }
    return { address, send: (text) => void (socket.writable && socket.write(text)), close: () => socket.destroy() }
  },
  ws: async ({ target }, from, heard) => {
    const socket = new WebSocket(`ws://${target.host}:${target.port}/`, 'sip', { localAddress: from })
    socket.on('error', () => undefined)
    await once(socket, 'open')
    socket.on('message', heard)
    const send = (text: string): void => {
      if (socket.readyState === socket.OPEN) socket.send(text)
    }
    return { address: { address: from, port: 5060 }, send, close: () => socket.terminate() }
  },
}

async function run(init: FloodInit): Promise<Flood> {
  const result: Flood = { sent: 0, sentOctets: 0, answers: {}, answeredOctets: 0 }
  const heard = (bytes: Buffer): void => {
    result.answeredOctets += bytes.length
    // Several answers may come in one piece of a stream; the first ones of later pieces may be cut.
    for (const [, status] of bytes.toString('latin1').matchAll(/(?:^|\n)SIP\/2\.0 (\d{3})/g)) {
      result.answers[status ?? ''] = (result.answers[status ?? ''] ?? 0) + 1
    }
  }
  const open = SOURCES[init.protocol ?? 'udp']
  const sources: Source[] = []
  for (let n = 0; n < init.sources; n++) sources.push(await open(init, `127.0.1.${n + 1}`, heard))
  const startMs = performance.now()
  const total = (init.perSecond * init.forMs) / 1000
  await new Promise<void>((resolve) => {
    const tick = setInterval(() => {
      const due = Math.min(total, ((performance.now() - startMs) * init.perSecond) / 1000)
      while (result.sent < due) {
        const source = sources[result.sent % sources.length] as Source
        const text = requestOf(init, result.sent, source.address)
        source.send(text)
        result.sent++
        result.sentOctets += Buffer.byteLength(text)
      }
      if (result.sent < total) return
      clearInterval(tick)
      setTimeout(resolve, 1_500)
    }, 5)
  })
  for (const source of sources) source.close()
  return result
}

if (!isMainThread && parentPort && (workerData as FloodInit | undefined)?.perSecond) {
  const port = parentPort
  void run(workerData as FloodInit).then((result) => port.postMessage(result))
}
