import { sentByOf } from '../../src/sip/transport/address.js'
import type { Flow } from '../../src/sip/transport/flow.js'
import type { SipTransport } from '../../src/sip/transport/transport.js'
import type { SipAddress, SipProtocol, Target } from '../../src/sip/types.js'

interface MemoryTransportInit {
  local: SipAddress
  /** Gets each message that a flow sends. */
  send(text: string, to: SipAddress): void | Promise<void>
  /** Whether there is an open connection to a peer. Default: by datagrams always, else never. */
  isConnected?: (to: SipAddress) => boolean
  /** Rejects if the peer takes no connection. */
  connect?: (to: Target) => Promise<void>
  /** False: it only opens connections. */
  listens?: boolean
}

/** A transport without sockets. */
export class MemoryTransport implements SipTransport {
  readonly protocol: SipProtocol
  readonly listener: SipTransport['listener']
  readonly #init: MemoryTransportInit
  #isClosed = false

  constructor(init: MemoryTransportInit) {
    this.#init = init
    this.protocol = init.local.protocol
    this.listener =
      (init.listens ?? true)
        ? { local: init.local, advertised: { host: init.local.host, port: init.local.port } }
        : undefined
  }

  flowTo(to: Target): Flow | undefined {
    const { isConnected = ({ protocol }: SipAddress) => protocol === 'udp' } = this.#init
    return isConnected(to) ? this.flow(to) : undefined
  }

  async connect(to: Target): Promise<Flow> {
    await this.#init.connect?.(to)
    return this.flow(to)
  }

  /** A flow to any peer. */
  flow({ protocol, host, port }: SipAddress): Flow {
    const { local, send, isConnected } = this.#init
    const remote = { protocol, host, port }
    const isClosed = (): boolean => this.#isClosed
    return {
      local,
      remote,
      sentBy: sentByOf(local),
      isOurs: true,
      isReliable: protocol !== 'udp',
      get isOpen() {
        return !isClosed() && (protocol === 'udp' || (isConnected?.(remote) ?? true))
      },
      serves: () => true,
      send: async (text) => {
        if (isClosed()) throw new Error('closed')
        await send(text, remote)
      },
      suspect() {},
      keepAlive() {},
      close() {},
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
  }
}

/** A way that transactions can send by; tests change what they look at. */
export const wayTo = (remote: SipAddress, init: Partial<Flow> = {}): Flow => ({
  ...new MemoryTransport({ local: { ...remote, host: '192.0.2.1', port: 5060 }, send() {} }).flow(remote),
  ...init,
})
