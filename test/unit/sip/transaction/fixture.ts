import type { Logger } from '../../../../src/base/logger.js'
import { silentLogger } from '../../../../src/base/logger.js'
import { OutgoingRequest } from '../../../../src/sip/message/outgoing-request.js'
import type { ParsedRequest, ParsedResponse } from '../../../../src/sip/message/parsed-message.js'
import { parseMessage } from '../../../../src/sip/message/parser.js'
import type { InviteUser, ServerUser } from '../../../../src/sip/transaction/transaction.js'
import { Transactions } from '../../../../src/sip/transaction/transactions.js'
import type { Way } from '../../../../src/sip/transport/flow.js'
import type { LocalFinalResponse, SipAddress } from '../../../../src/sip/types.js'
import { parseNameAddress } from '../../../../src/sip/uri/name-address.js'
import { parseUri } from '../../../../src/sip/uri/sip-uri.js'
import { FakeClock } from '../../../support/fake-clock.js'
import { requestText, SOURCE } from '../../../support/sip-messages.js'

/** A flow that keeps what is sent. Each send stays open until the test makes it fail. */
export class FakeFlow implements Way {
  readonly remote: SipAddress
  readonly sentBy = '192.0.2.9:5060'
  readonly isReliable: boolean
  readonly sent: string[] = []
  /** Arguments of `suspect`. */
  readonly suspected: number[] = []
  /** Called with each message, before `send` returns. */
  passing: (text: string) => void = () => {}
  /** Called when the flow is suspected. */
  suspecting: () => void = () => {}
  readonly #failures: ((error: Error) => void)[] = []
  readonly #settled: (() => void)[] = []

  constructor(protocol: 'udp' | 'tcp' = 'udp') {
    this.remote = { ...SOURCE, protocol }
    this.isReliable = protocol === 'tcp'
  }

  send(text: string): Promise<void> {
    this.sent.push(text)
    const sending = new Promise<void>((resolve, reject) => {
      this.#failures.push(reject)
      this.#settled.push(resolve)
    })
    this.passing(text)
    return sending
  }

  /** The message with this number could not be sent. */
  async fail(index: number): Promise<void> {
    this.#failures.at(index)?.(new Error('no way'))
    await turn()
  }

  /** All messages so far have left. */
  settle(): void {
    for (const settled of this.#settled.splice(0)) settled()
    this.#failures.length = 0
  }

  suspect(silentMs: number): void {
    this.suspected.push(silentMs)
    this.suspecting()
  }
}

/** Lets promises that have settled call what waits for them. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

export class Bench {
  readonly clock = new FakeClock()
  readonly flow: FakeFlow
  readonly layer: Transactions
  readonly told: string[] = []
  readonly errors: unknown[] = []

  constructor(protocol: 'udp' | 'tcp' = 'udp') {
    this.flow = new FakeFlow(protocol)
    const log: Logger = { ...silentLogger, error: ({ err }) => void this.errors.push(err) }
    this.layer = new Transactions({ clock: this.clock, log })
  }

  /** Keeps all that a user of a client transaction is told. */
  readonly clientUser: InviteUser = {
    provisional: (response) => void this.told.push(`provisional ${response.status}`),
    success: (response) => void this.told.push(`success ${response.status}`),
    final: (response) => void this.told.push(`final ${response.status}`),
    failed: (failure) => void this.told.push(failedText(failure)),
  }

  readonly serverUser: ServerUser = {
    over: () => void this.told.push('over'),
    cancelled: (cancel) => void this.told.push(`cancelled by ${cancel.method}`),
    unsent: (error) => void this.told.push(`unsent: ${error.message}`),
  }
}

const failedText = ({ status, unsent }: LocalFinalResponse): string => `failed ${status}${unsent ? ' unsent' : ''}`

const address = (text: string) => {
  const parsed = parseNameAddress(text)
  if (!parsed) throw new Error(`${text} is not an address`)
  return parsed
}

export function outgoing(method: string): OutgoingRequest {
  const target = parseUri('sip:bob@192.0.2.1')
  if (!target) throw new Error('not a URI')
  return new OutgoingRequest({
    method,
    target,
    routeSet: [address('<sip:p1.example.com;lr>'), address('"Second" <sip:p2.example.com;lr;x=1>')],
    from: '<sip:alice@example.com>',
    fromTag: 'ours',
    to: '<sip:bob@example.org>',
    callId: 'call@example.com',
    cseq: 7,
    lines: ['Contact: <sip:alice@192.0.2.9>', 'Authorization: Digest username="alice"'],
    ...(method === 'INVITE' ? { body: { contentType: 'application/sdp', content: 'v=0\r\n' } } : {}),
  })
}

const viaIn = (text: string): string => /^Via: (.*)\r$/m.exec(text)?.[1] ?? ''

/** A response to a request that was sent as `request`. */
export function responseTo(request: string, status: number, toTag = 'theirs'): ParsedResponse {
  const method = request.slice(0, request.indexOf(' '))
  const text = [
    `SIP/2.0 ${status} Whatever`,
    `Via: ${viaIn(request)};received=192.0.2.9`,
    'From: <sip:alice@example.com>;tag=ours',
    `To: "Bob" <sip:bob@example.org>;tag=${toTag};x=y`,
    'Call-ID: call@example.com',
    `CSeq: 7 ${method}`,
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n')
  return parseMessage(Buffer.from(text), SOURCE) as ParsedResponse
}

/** A request that has come. `cseq` is that of the INVITE for ACK and CANCEL. */
export const incoming = (method: string, parts: Parameters<typeof requestText>[0] = {}): ParsedRequest =>
  parseMessage(Buffer.from(requestText({ method, ...parts })), SOURCE) as ParsedRequest

/** What a test sends in place of a whole response. */
export const responseOf = (status: number): string => `SIP/2.0 ${status} Ours\r\n\r\n`
