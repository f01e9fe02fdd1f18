import { type Logger, silentLogger } from '../../src/base/logger.js'
import { octetsOf } from '../../src/base/octets.js'
import { NextHops } from '../../src/sip/dns/next-hops.js'
import type { Service } from '../../src/sip/service.js'
import { SipStack } from '../../src/sip/stack.js'
import { familyOf } from '../../src/sip/transport/address.js'
import type { SipAddress, UserAgent, UserAgentInit } from '../../src/sip/types.js'
import type { FakeClock } from './fake-clock.js'
import { MemoryTransport } from './memory-transport.js'
import { namesBy } from './names-by.js'

interface MemoryEndpointInit {
  clock: FakeClock
  host: string
  /** Gets each message that the endpoint sends. */
  send(text: string, to: SipAddress): void
  agent: Pick<UserAgentInit, 'handlers'> & Partial<UserAgentInit>
  /** Asked before the accounts. */
  services?: readonly Service[]
  /** The services alone decide. */
  withoutAccount?: boolean
  /** Default: a name is its own address. */
  resolve?: (name: string) => Promise<string>
  /** Opens a TCP connection, for requests that are too large for a datagram. Default: there is no TCP. */
  connect?: () => Promise<void>
  log?: Logger
}

/** A SIP stack without sockets, over UDP by `send` and `receive`. */
export class MemoryEndpoint {
  readonly address: SipAddress
  readonly agent: UserAgent
  readonly #stack: SipStack
  readonly #udp: MemoryTransport

  constructor({ clock, host, send, agent, services = [], log = silentLogger, ...init }: MemoryEndpointInit) {
    this.address = { protocol: 'udp', host, port: 5060 }
    this.#udp = new MemoryTransport({ local: this.address, send })
    this.#stack = new SipStack(
      {
        clock,
        log,
        nextHops: new NextHops({ clock, names: namesBy(init.resolve ?? (async (name) => name)) }),
        family: familyOf(host),
        transports: [
          this.#udp,
          ...(init.connect
            ? [new MemoryTransport({ local: { ...this.address, protocol: 'tcp' }, send, connect: init.connect })]
            : []),
        ],
      },
      {
        userAgent: '',
        services: (accounts) => (init.withoutAccount ? services : [...services, accounts]),
      },
    )
    this.agent = this.#stack.createUserAgent({
      aor: `sip:user@${host}`,
      displayName: '',
      contactUser: 'user',
      routeSet: [],
      authenticator: { answer: () => undefined },
      ...agent,
    })
  }

  receive(text: string, from: SipAddress): void {
    this.#stack.receive(octetsOf(text), this.#udp.flow(from))
  }

  get dialogs(): SipStack['dialogs'] {
    return this.#stack.dialogs
  }

  get transactions(): SipStack['transactions'] {
    return this.#stack.transactions
  }

  /** Number of entries that it keeps: 0 when everything is over. */
  get kept(): number {
    const { clients, servers } = this.transactions.size
    return this.dialogs.kept + clients + servers
  }

  close(): void {
    this.#stack.close('Endpoint closed')
    void this.#udp.close()
  }
}
