import type { ParsedRequest } from '../../src/sip/message/parsed-message.js'
import type { RawPeer, Received } from './raw-peer.js'
import { requestText } from './sip-messages.js'

interface Parts {
  /** Default: one more than the last. */
  cseq?: number
  body?: string
  contact?: string
  headers?: readonly string[]
  fromTag?: string
  toTag?: string
  callId?: string
  branch?: string
}

let branches = 0

/** One of the called parties that an INVITE has reached: the callee's side of one dialog, as text. */
export class RawFork {
  readonly tag: string
  readonly contact: string
  readonly recordRoute: readonly string[]
  readonly #peer: RawPeer
  readonly #invite: Received<ParsedRequest>
  cseq = 0

  constructor(
    peer: RawPeer,
    invite: Received<ParsedRequest>,
    init: { tag: string; contact?: string; recordRoute?: readonly string[] },
  ) {
    this.#peer = peer
    this.#invite = invite
    this.tag = init.tag
    this.contact = init.contact ?? `sip:${init.tag}@${peer.host}:${peer.port}`
    this.recordRoute = init.recordRoute ?? []
  }

  /** Answers the INVITE. `tag` and `contact` of the fork stand in it, and its Record-Route. */
  answer(status: number, init: { body?: string; headers?: readonly string[]; contact?: string } = {}): void {
    const routes = this.recordRoute.length === 0 ? [] : [`Record-Route: ${this.recordRoute.join(', ')}`]
    this.#peer.answer(this.#invite, status, {
      toTag: this.tag,
      contact: this.contact,
      ...init,
      headers: [...routes, ...(init.headers ?? [])],
    })
  }

  text(method: string, parts: Parts = {}): string {
    if (parts.cseq === undefined && method !== 'ACK' && method !== 'CANCEL') this.cseq++
    const { message } = this.#invite
    return requestText({
      method,
      uri: message.header('contact')?.replace(/[<>]/g, '') ?? '',
      via: `SIP/2.0/UDP ${this.#peer.host}:${this.#peer.port};branch=z9hG4bK${parts.branch ?? `fork${++branches}`};rport`,
      from: `${message.header('to')};tag=${parts.fromTag ?? this.tag}`,
      to: `${message.header('from')?.replace(/;tag=.*/, '')};tag=${parts.toTag ?? message.fromTag}`,
      callId: parts.callId ?? message.callId,
      cseq: `${parts.cseq ?? this.cseq} ${method}`,
      headers: parts.headers ?? [],
      body: parts.body ?? '',
    }).replace('sip:alice@192.0.2.1:5060', parts.contact ?? this.contact)
  }

  send(method: string, parts: Parts = {}): void {
    this.#peer.send(this.text(method, parts), this.#invite.from.port, this.#invite.from.host)
  }

  /** Sends a request within the dialog and gives its final answer. */
  async ask(method: string, parts: Parts = {}) {
    const text = this.text(method, parts)
    const branch = /branch=([^;]*)/.exec(text)?.[1]
    this.#peer.send(text, this.#invite.from.port, this.#invite.from.host)
    for (;;) {
      const { message } = await this.#peer.responses.next()
      if (message.via.branch === branch && message.status >= 200) return message
    }
  }
}
