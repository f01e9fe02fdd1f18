import assert from 'node:assert/strict'
import type { SipDialog } from '../../src/sip/types.js'
import type { RawPeer } from './raw-peer.js'
import { requestText, SDP } from './sip-messages.js'
import { ANSWER, type Party } from './sip-parties.js'
import { called } from './wait.js'

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

  static of(peer: RawPeer, callee: Party): RawCaller {
    return new RawCaller(peer, { uri: callee.address, port: callee.endpoint.local.port })
  }

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

  /** Calls the party, which answers. The ACK is not sent. */
  async answeredBy(party: Party, parts: Parts = {}): Promise<SipDialog> {
    this.send('INVITE', { body: SDP, ...parts })
    const dialog = (await party.invites.next()).accept({ body: ANSWER })
    assert.equal((await this.final('INVITE')).status, 200)
    return dialog
  }

  /** Calls the party, which answers, and sends the ACK. */
  async establishedWith(party: Party, parts: Parts = {}): Promise<SipDialog> {
    const dialog = await this.answeredBy(party, parts)
    const acknowledged = called(dialog.handlers, 'acknowledged')
    this.send('ACK')
    await acknowledged
    return dialog
  }

  async final(method: string) {
    for (;;) {
      const { message } = await this.peer.responses.next()
      if (method === 'INVITE' && message.toTag) this.toTag = message.toTag
      if (message.method === method && message.status >= 200) return message
    }
  }
}
