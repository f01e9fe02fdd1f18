import type { RawPeer } from './raw-peer.js'
import { requestText } from './sip-messages.js'

interface Parts {
  cseq?: number
  /** Default: ours, once it is known; '' leaves it out. */
  toTag?: string
  fromTag?: string
  branch?: string
  contact?: string
  headers?: readonly string[]
  body?: string
}

let branches = 0

/** The caller's side of one dialog, as text: each part is right unless the test makes it wrong. */
export class RawCaller {
  readonly callId = `raw-call-${++branches}@test`
  readonly peer: RawPeer
  readonly #uri: string
  readonly #port: number
  /** The tag of the called party. */
  toTag = ''
  cseq = 0

  constructor(peer: RawPeer, callee: { uri: string; port: number }) {
    this.peer = peer
    this.#uri = callee.uri
    this.#port = callee.port
  }

  text(method: string, parts: Parts = {}): string {
    const isNew = method !== 'ACK' && method !== 'CANCEL' && parts.cseq === undefined
    if (isNew) this.cseq++
    const toTag = parts.toTag ?? this.toTag
    const fromTag = parts.fromTag ?? 'caller'
    return requestText({
      method,
      uri: this.#uri,
      via: this.peer.via(parts.branch ?? `raw${++branches}`),
      callId: this.callId,
      from: `<sip:caller@example.com>${fromTag === '' ? '' : `;tag=${fromTag}`}`,
      to: `<${this.#uri}>${toTag === '' ? '' : `;tag=${toTag}`}`,
      cseq: `${parts.cseq ?? this.cseq} ${method}`,
      headers: parts.headers ?? [],
      body: parts.body ?? '',
    }).replace('sip:alice@192.0.2.1:5060', parts.contact ?? this.peer.uri)
  }

  send(method: string, parts: Parts = {}): void {
    this.peer.send(this.text(method, parts), this.#port)
  }

  /** Sends a request and gives its final answer; the To tag of an answer to INVITE is kept. */
  async ask(method: string, parts: Parts = {}) {
    this.send(method, parts)
    return this.final(method)
  }

  async final(method: string) {
    for (;;) {
      const { message } = await this.peer.responses.next()
      if (method === 'INVITE' && message.toTag) this.toTag = message.toTag
      if (message.method === method && message.statusCode >= 200) return message
    }
  }
}
