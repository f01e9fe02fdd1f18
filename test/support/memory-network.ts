import { octetsOf } from '../../src/base/octets.js'
import { bindError } from '../../src/sip/transport/bind-error.js'
import type { Flow } from '../../src/sip/transport/flow.js'
import type { openTransports } from '../../src/sip/transport/open-transports.js'
import type { SipTransport, TransportUser } from '../../src/sip/transport/transport.js'
import type { SipAddress } from '../../src/sip/types.js'
import { MemoryTransport } from './memory-transport.js'

/** Datagrams between endpoints of one process, without sockets. */
export class MemoryNetwork {
  readonly #receivers = new Map<string, (text: string, from: SipAddress) => void>()
  #nextPort = 10_000

  /** In place of the real sockets of an endpoint. */
  readonly open: typeof openTransports = async ({ user }, { host, listeners }) => {
    const port = listeners[0]?.port || this.#nextPort++
    const local: SipAddress = { protocol: 'udp', host, port }
    const key = keyOf(local)
    if (this.#receivers.has(key)) {
      throw bindError('udp', Object.assign(new Error('in use'), { code: 'EADDRINUSE' }), local)
    }
    const transport = new NetworkTransport(user, local, (text, to) => this.#receivers.get(keyOf(to))?.(text, local))
    this.#receivers.set(key, (text, from) => {
      setImmediate(() => {
        if (this.#receivers.has(key)) user.received(octetsOf(text), transport.flow(from))
      })
    })
    transport.closed = () => void this.#receivers.delete(key)
    return [transport]
  }
}

const keyOf = ({ host, port }: SipAddress): string => `${host} ${port}`

class NetworkTransport extends MemoryTransport implements SipTransport {
  closed = (): void => {}
  readonly #user: TransportUser

  constructor(user: TransportUser, local: SipAddress, send: (text: string, to: SipAddress) => void) {
    super({ local, send })
    this.#user = user
  }

  override flow(remote: SipAddress): Flow {
    const flow = super.flow(remote)
    const user = this.#user
    const { send } = flow
    return Object.assign(flow, {
      send(text: string) {
        user.sent(text, flow)
        return send(text)
      },
    })
  }

  override async close(): Promise<void> {
    this.closed()
    await super.close()
  }
}
