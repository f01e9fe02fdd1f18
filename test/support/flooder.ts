/** Many sources that send as fast as they are told, in a thread of their own; counts what goes and what comes back. */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'

export interface FloodInit {
  target: { host: string; port: number }
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
    `Via: SIP/2.0/UDP ${from.address}:${from.port};branch=z9hG4bK${id};rport`,
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

async function run(init: FloodInit): Promise<Flood> {
  const result: Flood = { sent: 0, sentOctets: 0, answers: {}, answeredOctets: 0 }
  const sockets: Socket[] = []
  for (let n = 0; n < init.sources; n++) {
    const socket = createSocket('udp4')
    socket.bind(0, `127.0.1.${n + 1}`)
    await once(socket, 'listening')
    socket.on('message', (bytes) => {
      const status = /^SIP\/2\.0 (\d{3})/.exec(bytes.toString('latin1', 0, 12))?.[1] ?? 'request'
      result.answers[status] = (result.answers[status] ?? 0) + 1
      result.answeredOctets += bytes.length
    })
    sockets.push(socket)
  }
  const startMs = performance.now()
  const total = (init.perSecond * init.forMs) / 1000
  await new Promise<void>((resolve) => {
    const tick = setInterval(() => {
      const due = Math.min(total, ((performance.now() - startMs) * init.perSecond) / 1000)
      while (result.sent < due) {
        const socket = sockets[result.sent % sockets.length] as Socket
        const text = requestOf(init, result.sent, socket.address())
        socket.send(text, init.target.port, init.target.host)
        result.sent++
        result.sentOctets += Buffer.byteLength(text)
      }
      if (result.sent < total) return
      clearInterval(tick)
      setTimeout(resolve, 1_500)
    }, 5)
  })
  for (const socket of sockets) socket.close()
  return result
}

if (!isMainThread && parentPort && (workerData as FloodInit | undefined)?.perSecond) {
  const port = parentPort
  void run(workerData as FloodInit).then((result) => port.postMessage(result))
}
