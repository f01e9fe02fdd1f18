import { type Clock, systemClock } from '../../src/base/clock.js'
import { hostPort } from '../../src/base/host-port.js'
import { newSipCallId } from '../../src/base/ids.js'
import { type Logger, silentLogger } from '../../src/base/logger.js'
import { readable } from '../../src/base/octets.js'
import type { Names } from '../../src/sip/dns/records.js'
import { openSipEndpoint, type SipEndpointDeps } from '../../src/sip/endpoint.js'

import type {
  Admission,
  FinalResponse,
  HeaderField,
  IncomingInvite,
  IncomingRequest,
  OutgoingInvite,
  SipBody,
  SipDialog,
  SipEndpoint,
  SipProtocol,
  SipRequest,
  SipResponse,
  SipTraceLine,
  TlsSettings,
  UserAgent,
  UserAgentInit,
} from '../../src/sip/types.js'
import { authority } from './certificates.js'
import { namesBy } from './names-by.js'
import { SDP } from './sip-messages.js'
import { called, WAIT_MS, within } from './wait.js'

export const OFFER: SipBody = { contentType: 'application/sdp', content: SDP }
export const ANSWER: SipBody = { contentType: 'application/sdp', content: SDP.replace('m=audio 4000', 'm=audio 5000') }

/** Listeners of these protocols, `udp+tcp`, at one port. */
export const listenersAt = (port: number, protocols = 'udp') =>
  protocols.split('+').map((protocol) => ({ protocol: protocol as SipProtocol, port }))

/** A certificate of the test authority, which is trusted. */
export const testTls = (): TlsSettings => ({ pair: authority.make().pair, ca: { file: authority.caFile } })

/** A queue that tests await: what was put in comes out in its order. */
export class Inbox<Item> {
  /** The name that an unsuccessful wait reports. */
  readonly #what: string
  readonly #items: Item[] = []
  readonly #waiting: ((item: Item) => void)[] = []

  constructor(what: string) {
    this.#what = what
  }

  put(item: Item): void {
    const waiting = this.#waiting.shift()
    if (waiting) waiting(item)
    else this.#items.push(item)
  }

  next(timeoutMs = WAIT_MS): Promise<Item> {
    const item = this.#items.shift()
    if (item !== undefined) return Promise.resolve(item)
    const next = new Promise<Item>((resolve) => this.#waiting.push(resolve))
    return within(next, this.#what, timeoutMs)
  }

  get waiting(): readonly Item[] {
    return this.#items
  }

  /** Takes the items out that match. */
  drop(matches: (item: Item) => boolean): void {
    const kept = this.#items.filter((item) => !matches(item))
    this.#items.splice(0, this.#items.length, ...kept)
  }
}

/** Answers with this status. */
export function answerBy(incoming: IncomingRequest, status: number): void {
  if (status < 300) incoming.accept({ status })
  else incoming.reject(status)
}

export type InviteOutcome =
  | { kind: 'answered'; dialog: SipDialog; response: SipResponse }
  | { kind: 'failed'; response: FinalResponse }

/** A message in the trace, as people read it. */
interface WireLine {
  protocol: SipProtocol
  direction: 'in' | 'out'
  local: string
  remote: string
  text: string
}

const wireLine = ({ direction, local, remote, text }: SipTraceLine): WireLine => ({
  protocol: remote.protocol,
  direction,
  local: hostPort(local),
  remote: hostPort(remote),
  text: readable(text),
})

/** One endpoint with one account, and everything that happens to it. */
export class Party {
  readonly user: string
  readonly endpoint: SipEndpoint
  readonly agent: UserAgent
  readonly invites: Inbox<IncomingInvite>
  readonly wire: WireLine[]
  admit: (request: SipRequest) => Admission = () => ({ admit: true })
  request: ((request: SipRequest) => number) | undefined

  static async open(
    user: string,
    init: {
      clock?: Clock
      log?: Logger
      agent?: Partial<UserAgentInit>
      resolve?: (host: string) => Promise<string>
      openTransports?: SipEndpointDeps['openTransports']
      names?: Names
      advertisePort?: number
      userAgent?: string
      /** Several are joined by `+`: `udp+tcp`. */
      protocol?: string
      host?: string
      tls?: TlsSettings
    } = {},
  ): Promise<Party> {
    const wire: WireLine[] = []
    const endpoint = await openSipEndpoint(
      {
        clock: init.clock ?? systemClock,
        log: init.log ?? silentLogger,
        trace: { isOn: true, message: (line) => wire.push(wireLine(line)) },
        ...(init.resolve ? { names: namesBy(init.resolve) } : {}),
        ...(init.names ? { names: init.names } : {}),
        ...(init.openTransports ? { openTransports: init.openTransports } : {}),
      },
      {
        host: init.host ?? '127.0.0.1',
        listeners: listenersAt(0, init.protocol),
        userAgent: init.userAgent ?? 'test',
        ...(init.tls || /tls|wss/.test(init.protocol ?? '') ? { tls: init.tls ?? testTls() } : {}),
        ...(init.advertisePort ? { advertise: { host: '127.0.0.1', port: init.advertisePort } } : {}),
      },
    )
    return new Party(user, endpoint, wire, init.agent)
  }

  private constructor(user: string, endpoint: SipEndpoint, wire: WireLine[], agent: Partial<UserAgentInit> = {}) {
    this.user = user
    this.endpoint = endpoint
    this.invites = new Inbox(`an INVITE to ${user}`)
    this.wire = wire
    this.agent = endpoint.createUserAgent({
      aor: `sip:${user}@example.com`,
      displayName: '',
      contactUser: `${user}-contact`,
      routeSet: [],
      authenticator: { answer: () => undefined },
      handlers: {
        admit: (request) => this.admit(request),
        invite: (invite) => this.invites.put(invite),
        request: (incoming) => answerBy(incoming, this.request?.(incoming.request) ?? 405),
      },
      ...agent,
    })
  }

  /** Where others reach it. */
  get address(): string {
    const parameter = this.endpoint.local.protocol === 'udp' ? '' : `;transport=${this.endpoint.local.protocol}`
    return `sip:${this.user}@${hostPort(this.endpoint.advertised)}${parameter}`
  }

  call(target: string, init: { headers?: readonly HeaderField[]; timeoutMs?: number } = {}) {
    const progress = new Inbox<SipResponse>(`a provisional response to ${this.user}`)
    let invite!: OutgoingInvite
    const final = new Promise<InviteOutcome>((resolve) => {
      invite = this.agent.invite(
        { target, body: OFFER, sipCallId: newSipCallId('test'), headers: init.headers ?? [] },
        {
          progress: (response) => progress.put(response),
          answered: (dialog, response) => resolve({ kind: 'answered', dialog, response }),
          failed: (response) => resolve({ kind: 'failed', response }),
        },
      )
    })
    const outcome = within(final, `a final response to the INVITE of ${this.user}`, init.timeoutMs)
    return { invite, progress, outcome }
  }

  /** Start lines of what went out or came in. */
  lines(direction: 'in' | 'out'): string[] {
    return this.wire.filter((line) => line.direction === direction).map((line) => line.text.split('\r\n', 1)[0] ?? '')
  }

  close(): Promise<void> {
    return this.endpoint.close()
  }
}

/** A call that stands: both dialogs, the ACK has come. */
export async function establish(
  caller: Party,
  callee: Party,
): Promise<{ callerDialog: SipDialog; calleeDialog: SipDialog }> {
  const { outcome } = caller.call(callee.address)
  const invite = await callee.invites.next()
  const calleeDialog = invite.accept({ body: ANSWER })
  const acknowledged = called(calleeDialog.handlers, 'acknowledged', 'the ACK to the 200')
  const result = await outcome
  if (result.kind !== 'answered') throw new Error(`the call failed: ${result.response.status}`)
  await acknowledged
  return { callerDialog: result.dialog, calleeDialog }
}
