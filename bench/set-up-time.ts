/** INVITE to 200, one call at a time, in fractions of a millisecond, which SIPp does not measure. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { EngineProcess } from './engine-process.js'
import { percentile } from './percentile.js'

export interface SetUpFigures {
  calls: number
  hosted: boolean
  p50Ms: number
  p99Ms: number
}

const WARM_UP = 200
const GIVE_UP_MS = 5000
const SDP = ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0', 'm=audio 9 RTP/AVP 8 0', '']

/** `hosted`: the engine in a worker, as in Node-RED. */
export async function measureSetUp(calls: number, hosted: boolean): Promise<SetUpFigures> {
  const engine = await EngineProcess.start({ plays: false, hosted })
  const caller = createSocket('udp4').bind(0, '127.0.0.1')
  await once(caller, 'listening')
  const ms: number[] = []
  for (let i = 0; i < WARM_UP + calls; i++) {
    const took = await call(caller, engine.address, i)
    if (i >= WARM_UP) ms.push(took)
  }
  caller.close()
  await engine.close()
  ms.sort((a, b) => a - b)
  return { calls, hosted, p50Ms: percentile(ms, 0.5), p99Ms: percentile(ms, 0.99) }
}

type Socket = ReturnType<typeof createSocket>

async function call(socket: Socket, target: string, number: number): Promise<number> {
  const [host = '', port = ''] = target.split(':')
  const send = (text: string) => socket.send(text, Number(port), host)
  const message = (method: string, to: string, body = '') => {
    const own = `127.0.0.1:${socket.address().port}`
    const lines = [
      `${method} sip:ringflow@${target} SIP/2.0`,
      `Via: SIP/2.0/UDP ${own};branch=z9hG4bK-${number}-${method}`,
      `From: <sip:bench@${own}>;tag=${number}`,
      `To: ${to}`,
      `Call-ID: set-up-${number}`,
      `CSeq: ${method === 'BYE' ? 2 : 1} ${method}`,
      `Contact: <sip:bench@${own}>`,
      'Max-Forwards: 70',
      ...(body ? ['Content-Type: application/sdp'] : []),
      `Content-Length: ${body.length}`,
    ]
    return `${lines.join('\r\n')}\r\n\r\n${body}`
  }
  const answered = answerTo(socket, `set-up-${number}`, 'INVITE')
  const sentMs = performance.now()
  send(message('INVITE', `<sip:ringflow@${target}>`, SDP.join('\r\n')))
  const { text, atMs } = await answered
  const to = /^To: (.*)$/m.exec(text)?.[1]?.trim() ?? ''
  const ended = answerTo(socket, `set-up-${number}`, 'BYE')
  send(message('ACK', to))
  send(message('BYE', to))
  await ended
  return atMs - sentMs
}

function answerTo(socket: Socket, callId: string, method: string): Promise<{ text: string; atMs: number }> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void) => {
      clearTimeout(timer)
      socket.off('message', hear)
      settle()
    }
    const hear = (octets: Buffer) => {
      const atMs = performance.now()
      const text = octets.toString()
      if (!text.startsWith('SIP/2.0 200') || !text.includes(callId) || !text.includes(` ${method}\r\n`)) return
      end(() => resolve({ text, atMs }))
    }
    const timer = setTimeout(() => end(() => reject(new Error(`no 200 to ${method} of ${callId}`))), GIVE_UP_MS)
    socket.on('message', hear)
  })
}
