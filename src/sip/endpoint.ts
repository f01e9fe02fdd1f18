import type { Clock } from '../base/clock.js'
import { TelephonyError } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import { readable, textOf } from '../base/octets.js'
import { idleOctets } from './message/idle-octets.js'
import { SipStack } from './stack.js'
import { maskCredentials } from './trace.js'
import { hostPort, reachable } from './transport/address.js'
import { openTransports } from './transport/open-transports.js'
import { cached, type Resolve, resolveBySystem } from './transport/resolver.js'
import type { SipTransport } from './transport/transport.js'
import type { SipAddress, SipEndpoint, SipEndpointInit, SipTraceLine, UserAgent, UserAgentInit } from './types.js'

export interface SipEndpointDeps {
  clock: Clock
  log: Logger
  /** Every message as it went over the wire, credentials masked. */
  trace?: (line: SipTraceLine) => void
  /** Default: the system's resolver. */
  resolve?: Resolve
}

/** Binds the sockets; rejects with TRANSPORT and a message that says what to do where that fails. */
export async function openSipEndpoint(deps: SipEndpointDeps, init: SipEndpointInit): Promise<SipEndpoint> {
  const endpoint = new SocketEndpoint(deps, init)
  await endpoint.open()
  return endpoint
}

/** A stack on real sockets. */
class SocketEndpoint implements SipEndpoint {
  readonly #deps: SipEndpointDeps
  readonly #init: SipEndpointInit
  readonly #stack: SipStack
  readonly #transports: SipTransport[] = []
  #closed: Promise<void> | undefined

  constructor(deps: SipEndpointDeps, init: SipEndpointInit) {
    const { clock, log, resolve = resolveBySystem } = deps
    this.#deps = deps
    this.#init = init
    this.#stack = new SipStack(
      {
        clock,
        log,
        resolve: cached(resolve, clock),
        transports: this.#transports,
        trace: (text, to) => this.#traceLine('out', text, to),
      },
      { advertised: () => this.advertised, userAgent: init.userAgent },
    )
  }

  async open(): Promise<void> {
    const { clock, log } = this.#deps
    const stack = this.#stack
    const receive = (bytes: Buffer, from: SipAddress): void => this.#receive(bytes, from)
    const refuse: SipStack['refuse'] = (...refused) => stack.refuse(...refused)
    const lost = (peer: SipAddress, wasOurs: boolean): void => stack.flowEnded(peer, wasOurs)
    this.#transports.push(...(await openTransports({ clock, log, receive, refuse, lost }, this.#init)))
  }

  get local(): SipAddress {
    const [first] = this.#transports
    if (!first) throw new TelephonyError('WRONG_STATE', 'the SIP endpoint is not open yet')
    return first.local
  }

  get advertised(): { host: string; port: number } {
    const { host, port } = this.local
    const { advertise } = this.#init
    return { host: advertise?.host ?? reachable(host), port: advertise?.port ?? port }
  }

  createUserAgent(init: UserAgentInit): UserAgent {
    if (this.#closed) throw new TelephonyError('CLOSED', 'the SIP endpoint is closed')
    return this.#stack.createUserAgent(init)
  }

  close(): Promise<void> {
    this.#closed ??= this.#closeAll()
    return this.#closed
  }

  async #closeAll(): Promise<void> {
    this.#stack.close('Endpoint closed')
    await Promise.all(this.#transports.map((transport) => transport.close()))
  }

  #receive(bytes: Buffer, from: SipAddress): void {
    if (idleOctets(bytes) === bytes.length) return // a keep-alive of a NAT box or telephone
    if (this.#deps.trace) this.#traceLine('in', textOf(bytes), from)
    this.#stack.receive(bytes, from)
  }

  #traceLine(direction: 'in' | 'out', text: string, remote: SipAddress): void {
    this.#deps.trace?.({
      at: this.#deps.clock.wall(),
      direction,
      local: hostPort(this.local),
      remote: hostPort(remote),
      text: maskCredentials(readable(text)),
    })
  }
}
