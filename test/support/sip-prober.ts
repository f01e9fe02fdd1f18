/** Asks an engine from outside, message by message, and measures how soon it is answered. Knows nothing of `src`: it is the ruler. */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'

export interface Probe {
  /** Milliseconds to the first answer; Infinity where none came. */
  ms: number
  status: number
  text: string
}

const NOBODY: Probe = { ms: Number.POSITIVE_INFINITY, status: 0, text: '' }

export class SipProber {
  readonly #socket: Socket
  readonly #target: { host: string; port: number }
  readonly #waiting = new Map<string, (probe: Probe) => void>()
  #next = 0

  static async open(target: { host: string; port: number }, host = '127.0.0.1'): Promise<SipProber> {
    const socket = createSocket('udp4')
    socket.bind(0, host)
    await once(socket, 'listening')
    return new SipProber(socket, target)
  }

  private constructor(socket: Socket, target: { host: string; port: number }) {
    this.#socket = socket
    this.#target = target
    socket.on('message', (bytes) => {
      const text = bytes.toString('latin1')
      const status = Number(/^SIP\/2\.0 (\d{3})/.exec(text)?.[1] ?? 0)
      const branch = /branch=([^;\r]+)/.exec(text)?.[1] ?? ''
      for (const key of [`${branch} ${status < 200 ? 'provisional' : 'final'}`, `${branch} any`]) {
        this.#waiting.get(key)?.({ ms: performance.now(), status, text })
      }
    })
  }

  get address(): { host: string; port: number } {
    const { address, port } = this.#socket.address()
    return { host: address, port }
  }

  async options(user = 'ringflow', timeoutMs = 2_000): Promise<Probe> {
    const branch = this.#branch()
    return this.#ask(this.#message('OPTIONS', { branch, callId: branch, cseq: 1, user }), branch, 'any', timeoutMs)
  }

  /** A whole call: how soon the INVITE got its first answer, and the BYE its. */
  async call(user: string, holdMs = 50, timeoutMs = 5_000): Promise<{ invite: Probe; bye: Probe; status: number }> {
    const { invite, status, bye } = await this.establish(user, { timeoutMs })
    if (status < 200 || status >= 300) return { invite, bye: NOBODY, status }
    await delay(holdMs)
    return { invite, bye: await bye(), status }
  }

  /** INVITE to ACK. `answer`: the final response; `bye` ends the call. */
  async establish(
    user: string,
    { offer = OFFER, timeoutMs = 5_000 } = {},
  ): Promise<{ invite: Probe; status: number; answer: string; bye: () => Promise<Probe> }> {
    const branch = this.#branch()
    const invite = this.#message('INVITE', { branch, callId: branch, cseq: 1, user, body: offer })
    const final = this.#ask('', branch, 'final', timeoutMs)
    const first = await this.#ask(invite, branch, 'any', timeoutMs)
    const { status, text: answer } = await final
    const to = /^To: ([^\r]*)/im.exec(answer)?.[1] ?? ''
    const uri = /^Contact: *<([^>]*)>/im.exec(answer)?.[1] ?? `sip:${user}@${this.#target.host}`
    const inDialog = { callId: branch, to, uri }
    if (status !== 0) {
      this.send(this.#message('ACK', { ...inDialog, cseq: 1, branch: status < 300 ? this.#branch() : branch }))
    }
    const bye = () => {
      const byeBranch = this.#branch()
      const text = this.#message('BYE', { ...inDialog, cseq: 2, branch: byeBranch })
      return this.#ask(text, byeBranch, 'final', timeoutMs)
    }
    return { invite: first, status, answer, bye }
  }

  send(text: string | Buffer): void {
    this.#socket.send(text, this.#target.port, this.#target.host)
  }

  async close(): Promise<void> {
    this.#socket.close()
    await once(this.#socket, 'close')
  }

  #branch(): string {
    return `z9hG4bKprobe-${this.address.port}-${this.#next++}`
  }

  #ask(text: string, branch: string, kind: 'any' | 'final', timeoutMs: number): Promise<Probe> {
    const startMs = performance.now()
    if (text !== '') this.send(text)
    return new Promise((resolve) => {
      const key = `${branch} ${kind}`
      const end = (probe: Probe) => {
        clearTimeout(timer)
        this.#waiting.delete(key)
        resolve(probe)
      }
      const timer = setTimeout(() => end(NOBODY), timeoutMs)
      this.#waiting.set(key, (probe) => end({ ...probe, ms: probe.ms - startMs }))
    })
  }

  #message(
    method: string,
    init: { branch: string; callId: string; cseq: number; user?: string; to?: string; uri?: string; body?: string },
  ): string {
    const { host, port } = this.address
    const uri = init.uri ?? `sip:${init.user ? `${init.user}@` : ''}${this.#target.host}:${this.#target.port}`
    const body = init.body?.replaceAll('ADDRESS', host) ?? ''
    return [
      `${method} ${uri} SIP/2.0`,
      `Via: SIP/2.0/UDP ${host}:${port};branch=${init.branch};rport`,
      'Max-Forwards: 70',
      `From: <sip:prober@${host}>;tag=${init.callId}`,
      `To: ${init.to ?? `<${uri}>`}`,
      `Call-ID: ${init.callId}`,
      `CSeq: ${init.cseq} ${method}`,
      `Contact: <sip:prober@${host}:${port}>`,
      ...(body === '' ? [] : ['Content-Type: application/sdp']),
      `Content-Length: ${body.length}`,
      '',
      body,
    ].join('\r\n')
  }
}

/** Inactive: nobody has to send anything. */
const OFFER = [
  'v=0',
  'o=- 1 1 IN IP4 ADDRESS',
  's=-',
  'c=IN IP4 ADDRESS',
  't=0 0',
  'm=audio 9 RTP/AVP 8',
  'a=inactive',
  '',
].join('\r\n')
