import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface BaresipEvent {
  type: string
  param?: string
  peeruri?: string
  id?: string
  direction?: string
}

interface Reply {
  ok: boolean
  data: string
  token: string
}

/** baresip's ctrl_tcp: JSON in netstrings (`12:{"event":…},`), commands answered by token, events in between. */
export class BaresipControl {
  readonly events: BaresipEvent[] = []
  readonly #socket: Socket
  readonly #replies = new Map<string, (reply: Reply) => void>()
  readonly #waiting = new Set<(event: BaresipEvent) => void>()
  #received: Buffer = Buffer.alloc(0)
  #lastToken = 0

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (octets) => this.#receive(octets))
    socket.on('error', () => {})
  }

  static async connect(port: number): Promise<BaresipControl> {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    return new BaresipControl(socket)
  }

  /** Answers with what baresip would print. */
  async command(command: string, params?: string): Promise<string> {
    const token = String(++this.#lastToken)
    const text = JSON.stringify({ command, token, ...(params === undefined ? {} : { params }) })
    const reply = new Promise<Reply>((resolve) => this.#replies.set(token, resolve))
    this.#socket.write(`${Buffer.byteLength(text)}:${text},`)
    const { ok, data } = await reply
    if (!ok) throw new Error(`baresip ${command} ${params ?? ''}: ${data}`)
    return data
  }

  /** The first event of this type, past ones from index `since` on included. */
  event(
    type: string,
    { timeoutMs = 8000, since = 0, param }: { timeoutMs?: number; since?: number; param?: string } = {},
  ): Promise<BaresipEvent> {
    const fits = (event: BaresipEvent) => event.type === type && (param === undefined || event.param === param)
    const past = this.events.slice(since).find(fits)
    if (past) return Promise.resolve(past)
    return new Promise((resolve, reject) => {
      const listener = (event: BaresipEvent) => {
        if (!fits(event)) return
        clearTimeout(timer)
        this.#waiting.delete(listener)
        resolve(event)
      }
      const timer = setTimeout(() => {
        this.#waiting.delete(listener)
        const had = this.events.map((e) => e.type).join(' ')
        reject(new Error(`baresip: no ${type} ${param ?? ''} within ${timeoutMs} ms, only: ${had}`))
      }, timeoutMs)
      this.#waiting.add(listener)
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  #receive(octets: Buffer): void {
    this.#received = Buffer.concat([this.#received, octets])
    for (;;) {
      const colon = this.#received.indexOf(':')
      if (colon < 0) return
      const end = colon + 1 + Number(this.#received.subarray(0, colon))
      if (this.#received.length < end + 1) return
      const message = JSON.parse(this.#received.subarray(colon + 1, end).toString()) as
        | Reply
        | (BaresipEvent & { event: true })
      this.#received = this.#received.subarray(end + 1)
      if ('event' in message) this.#onEvent(message)
      else this.#replies.get(message.token)?.(message)
    }
  }

  #onEvent(event: BaresipEvent): void {
    this.events.push(event)
    for (const listener of [...this.#waiting]) listener(event)
  }
}
