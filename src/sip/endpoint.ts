import type { Clock } from '../base/clock.js'
import { TelephonyError } from '../base/errors.js'
import type { HostPort } from '../base/host-port.js'
import type { Logger } from '../base/logger.js'
import { textOf } from '../base/octets.js'
import { Bindings } from '../stun/bindings.js'
import { NextHops } from './dns/next-hops.js'
import { openNames } from './dns/open-names.js'
import type { Names } from './dns/records.js'
import { idleOctets } from './message/idle-octets.js'
import { SipStack } from './stack.js'
import { maskCredentials } from './trace.js'
import { familyOf } from './transport/address.js'
import type { Flow } from './transport/flow.js'
import { openTransports } from './transport/open-transports.js'
import type { Listener, SipTransport, TransportUser } from './transport/transport.js'
import type {
  SipAddress,
  SipEndpoint,
  SipEndpointInit,
  SipTap,
  TlsSettings,
  UserAgent,
  UserAgentInit,
} from './types.js'

export interface SipEndpointDeps {
  clock: Clock
  log: Logger
  trace?: SipTap
  /** Default: the DNS servers of the system. */
  names?: Names
  /** Default: real sockets. */
  openTransports?: typeof openTransports
}

/** Binds the sockets; rejects with TRANSPORT and a message that says what to do where that fails. */
export async function openSipEndpoint(deps: SipEndpointDeps, init: SipEndpointInit): Promise<SipEndpoint> {
  const endpoint = new SocketEndpoint(deps, init)
  await endpoint.open()
  return endpoint
}

const KEEP_ALIVE = '\r\n\r\n'

/** A stack on real sockets. */
class SocketEndpoint implements SipEndpoint, TransportUser {
  isTraced = false
  readonly #deps: SipEndpointDeps
  readonly #init: SipEndpointInit
  readonly #stack: SipStack
  readonly #transports: SipTransport[] = []
  readonly #bindings: Bindings
  #closed: Promise<void> | undefined

  constructor(deps: SipEndpointDeps, init: SipEndpointInit) {
    const { clock, log, names = openNames({}, clock).ours } = deps
    this.#deps = deps
    this.#init = init
    this.#bindings = new Bindings({ clock, send: (octets, to) => this.#sendOctets(octets, to) })
    this.#stack = new SipStack(
      {
        clock,
        log,
        nextHops: new NextHops({ clock, names }),
        family: familyOf(init.host),
        transports: this.#transports,
      },
      { userAgent: init.userAgent },
    )
  }

  async open(): Promise<void> {
    const { clock, log, openTransports: open = openTransports } = this.#deps
    this.#transports.push(...(await open({ clock, log, user: this }, this.#init)))
  }

  get local(): SipAddress {
    return this.#first.local
  }

  get advertised(): { host: string; port: number } {
    return this.#first.advertised
  }

  get listeners(): readonly SipAddress[] {
    return this.#transports.flatMap(({ listener }) => listener?.local ?? [])
  }

  createUserAgent(init: UserAgentInit): UserAgent {
    if (this.#closed) throw new TelephonyError('CLOSED', 'the SIP endpoint is closed')
    return this.#stack.createUserAgent(init)
  }

  async renewTls(settings: TlsSettings): Promise<void> {
    await Promise.all(this.#transports.map((transport) => transport.renewTls?.(settings)))
  }

  publicAddress(server: HostPort): Promise<HostPort> {
    return this.#bindings.ask(server)
  }

  close(): Promise<void> {
    this.#closed ??= this.#closeAll()
    return this.#closed
  }

  async #closeAll(): Promise<void> {
    this.#stack.close('Endpoint closed')
    this.#bindings.close()
    await Promise.all(this.#transports.map((transport) => transport.close()))
  }

  received(bytes: Buffer, flow: Flow): void {
    if (idleOctets(bytes) === bytes.length) return // a keep-alive of a NAT box or telephone
    if (this.#traces) this.#traceLine('in', textOf(bytes), flow)
    this.#stack.receive(bytes, flow)
  }

  stun(octets: Buffer, from: HostPort): void {
    this.#bindings.receive(octets, from)
  }

  unreadable(head: Buffer, status: number, reason: string, flow: Flow): void {
    this.#stack.refuse(head, status, reason, flow)
  }

  sent(text: string, flow: Flow): void {
    if (this.#traces && text !== KEEP_ALIVE) this.#traceLine('out', text, flow)
  }

  ended(flow: Flow): void {
    this.#stack.flowEnded(flow)
  }

  #sendOctets(octets: Buffer, to: HostPort): Promise<void> {
    const udp = this.#transports.find(({ sendOctets }) => sendOctets)
    const none = (): Promise<void> =>
      Promise.reject(new TelephonyError('TRANSPORT', 'STUN needs a UDP port, and this transport has none'))
    return udp?.sendOctets?.(octets, to) ?? none()
  }

  /** Of an endpoint that only opens connections: its address without a port. */
  get #first(): Listener {
    const [first] = this.#transports
    if (!first) throw new TelephonyError('WRONG_STATE', 'the SIP endpoint is not open')
    const { host } = this.#init
    return first.listener ?? { local: { protocol: first.protocol, host, port: 0 }, advertised: { host, port: 0 } }
  }

  get #traces(): boolean {
    const { trace } = this.#deps
    return trace !== undefined && (trace.isOn || this.isTraced)
  }

  #traceLine(direction: 'in' | 'out', text: string, { local, remote }: Flow): void {
    const at = this.#deps.clock.wall()
    this.#deps.trace?.message({ at, direction, local, remote, text: maskCredentials(text) }, this.isTraced)
  }
}
