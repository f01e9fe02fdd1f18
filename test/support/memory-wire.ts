import assert from 'node:assert/strict'
import type {
  Authenticator,
  HeaderField,
  IncomingInvite,
  SipDialog,
  UserAgentHandlers,
  UserAgentInit,
} from '../../src/sip/types.js'
import { FakeClock } from './fake-clock.js'
import { MemoryEndpoint } from './memory-endpoint.js'
import { requestText, SDP, SOURCE } from './sip-messages.js'
import { ANSWER, OFFER } from './sip-parties.js'

/** Everything that is ready to run has run. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

type EndpointInit = Partial<Omit<ConstructorParameters<typeof MemoryEndpoint>[0], 'agent'>> & {
  /** Settings of the account. */
  account?: Partial<UserAgentInit>
}

/** One endpoint, and a peer that says exactly what the test wants: no sockets, no waiting. */
export class MemoryWire {
  readonly clock = new FakeClock()
  readonly invites: IncomingInvite[] = []
  readonly handlers: UserAgentHandlers = {
    admit: () => ({ admit: true }),
    invite: (invite) => void this.invites.push(invite),
  }
  /** Header fields that answer a challenge; none: the challenge is the final answer. */
  credentials: HeaderField[] | undefined
  /** Methods of the requests whose credentials were accepted. */
  readonly accepted: string[] = []
  readonly endpoint: MemoryEndpoint
  /** What the endpoint has sent. */
  readonly out: string[] = []
  #branches = 0
  #cseq = 100

  constructor({ account, ...init }: EndpointInit = {}) {
    const authenticator: Authenticator = {
      answer: () => this.credentials,
      accepted: ({ method }) => void this.accepted.push(method),
    }
    this.endpoint = new MemoryEndpoint({
      clock: this.clock,
      host: '192.0.2.2',
      send: (text) => void this.out.push(text),
      agent: { handlers: this.handlers, authenticator, ...account },
      ...init,
    })
  }

  /** Start lines of what has been sent since the last look. */
  sent(): string[] {
    return this.out.splice(0).map((text) => text.split('\r\n', 1)[0] ?? '')
  }

  receive(text: string): void {
    this.endpoint.receive(text, SOURCE)
  }

  /** A request of the peer; within the dialog if there is one. */
  request(
    method: string,
    init: { dialog?: SipDialog; body?: string; cseq?: number; branch?: string; headers?: string[] } = {},
  ): string {
    const { dialog, body = '', branch = `z9hG4bKwire${this.#branches++}`, headers = [] } = init
    const cseq = init.cseq ?? ++this.#cseq
    return requestText({
      method,
      uri: 'sip:user@192.0.2.2',
      via: `SIP/2.0/UDP 192.0.2.1:5060;branch=${branch};rport`,
      callId: dialog?.sipCallId ?? `wire${this.#branches}@test`,
      from: `<sip:alice@example.com>;tag=${dialog?.remoteTag || 'peer'}`,
      to: `<sip:user@192.0.2.2>${dialog ? `;tag=${dialog.localTag}` : ''}`,
      cseq: `${cseq} ${method}`,
      headers,
      body,
    })
  }

  /** The peer's answer to a request of the endpoint. */
  answer(request: string, status: number, init: { body?: string; headers?: readonly string[] } = {}): void {
    const { body = '', headers = [] } = init
    const lines = request.split('\r\n')
    const kept = ['Via', 'From', 'To', 'Call-ID', 'CSeq'].map((name) => {
      const line = lines.find((each) => each.startsWith(`${name}:`)) ?? ''
      return name === 'To' && status > 100 && !line.includes(';tag=') ? `${line};tag=peer` : line
    })
    const type = body === '' ? [] : ['Content-Type: application/sdp']
    const length = `Content-Length: ${Buffer.byteLength(body)}`
    this.receive(
      [
        `SIP/2.0 ${status} Test`,
        ...kept,
        'Contact: <sip:peer@192.0.2.1:5060>',
        ...headers,
        ...type,
        length,
        '',
        body,
      ].join('\r\n'),
    )
  }

  /** The last request of this method that the endpoint has sent and no test has looked at. */
  last(method: string): string {
    const text = this.out.findLast((each) => each.startsWith(`${method} `))
    assert.ok(text, `no ${method} among ${this.out.map((each) => each.split('\r\n', 1)[0]).join(', ')}`)
    return text
  }

  /** The peer has called and has its 200; without `ack` it has sent no ACK. */
  taken(init: { ack?: boolean } = {}): SipDialog {
    const cseq = ++this.#cseq
    this.receive(this.request('INVITE', { body: SDP, cseq }))
    const dialog = this.invites.pop()?.accept({ body: ANSWER })
    assert.ok(dialog)
    if (init.ack ?? true) this.receive(this.request('ACK', { dialog, cseq }))
    this.out.length = 0
    return dialog
  }

  /** The endpoint has called, and the peer has answered. */
  async placed(): Promise<SipDialog> {
    let dialog: SipDialog | undefined
    const answered = (made: SipDialog): void => {
      dialog = made
    }
    this.endpoint.agent.invite(
      { target: 'sip:peer@192.0.2.1:5060', body: OFFER, sipCallId: `placed${this.#branches++}@test` },
      { progress() {}, answered, failed: ({ status }) => assert.fail(`the call failed: ${status}`) },
    )
    this.answer(this.last('INVITE'), 200, { body: SDP })
    await turn()
    assert.ok(dialog)
    this.out.length = 0
    return dialog
  }

  /** Nothing is kept, no timer waits, and nothing more is sent. */
  async assertNothingLeft(): Promise<void> {
    await turn()
    assert.equal(this.endpoint.kept, 0, 'nothing is kept')
    assert.equal(this.clock.pending, 0, 'no timer waits')
    this.out.length = 0
    this.clock.advance(600_000)
    await turn()
    assert.deepEqual(this.sent(), [], 'nothing more is sent')
  }
}
