import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { isIPv6 } from 'node:net'
import type { Clock } from '../../base/clock.js'
import { TelephonyError } from '../../base/errors.js'
import { systemReason } from '../../base/system-error.js'

export interface PortPair {
  rtp: Socket
  rtcp: Socket
  port: number
  rtcpPort: number
}

/** Ports of an ended call are not reused while packets of its peer may still arrive. */
const REST_MS = 3000

/** Binds pairs of RTP and RTCP ports from a range, beginning at a random port. */
export class PortPairs {
  readonly #clock: Clock
  readonly #random: (below: number) => number
  readonly #restingUntilMs = new Map<number, number>()
  #last: number | undefined

  constructor(deps: { clock: Clock; random: (below: number) => number }) {
    this.#clock = deps.clock
    this.#random = deps.random
  }

  /** Errors: NO_PORTS, TRANSPORT (the address does not belong to this machine). */
  async bind(address: string, portMin: number, portMax: number): Promise<PortPair> {
    for (const port of this.#candidates(portMin, portMax)) {
      // Set before the wait, so that simultaneous calls do not try the same port.
      this.#last = port
      const pair = await bindPair(address, port)
      if (pair) return pair
    }
    throw new TelephonyError(
      'NO_PORTS',
      `all RTP ports from ${portMin} to ${portMax} on ${address} are in use. Choose a larger range in the transport`,
    )
  }

  /** Closes both sockets; resolves when the ports are free. */
  async release(pair: PortPair): Promise<void> {
    this.#restingUntilMs.delete(pair.port)
    this.#restingUntilMs.set(pair.port, this.#clock.now() + REST_MS)
    await Promise.all([closeSocket(pair.rtp), closeSocket(pair.rtcp)])
  }

  /** RFC 3550 11: even ports. Begins at a random port, later after the last bound one; resting ports come last. */
  *#candidates(portMin: number, portMax: number): Generator<number> {
    const first = portMin + (portMin % 2)
    const count = Math.floor((portMax - first + 1) / 2)
    if (count < 1) return
    const last = this.#last
    const start = last === undefined || last < first || last > portMax ? this.#random(count) : (last - first) / 2 + 1
    this.#forgetRested()
    for (const resting of [false, true]) {
      for (let i = 0; i < count; i++) {
        const port = first + 2 * ((start + i) % count)
        if (this.#restingUntilMs.has(port) === resting) yield port
      }
    }
  }

  #forgetRested(): void {
    const nowMs = this.#clock.now()
    // In the order of their release.
    for (const [port, untilMs] of this.#restingUntilMs) {
      if (untilMs > nowMs) return
      this.#restingUntilMs.delete(port)
    }
  }
}

async function bindPair(address: string, port: number): Promise<PortPair | undefined> {
  const rtp = await bindSocket(address, port)
  if (!rtp) return undefined
  const rtcp = await bindSocket(address, port + 1).catch(async (error: unknown) => {
    await closeSocket(rtp)
    throw error
  })
  if (rtcp) return { rtp, rtcp, port, rtcpPort: port + 1 }
  await closeSocket(rtp)
  return undefined
}

/** undefined if the port is in use. */
async function bindSocket(address: string, port: number): Promise<Socket | undefined> {
  // Peers are numeric addresses, so the lookup of every send is bypassed.
  const family = isIPv6(address) ? 6 : 4
  const socket = createSocket({
    type: `udp${family}`,
    ipv6Only: family === 6,
    lookup: (host, _options, found) => found(null, host, family),
  })
  try {
    // Both events may come before `bind` returns.
    const listening = once(socket, 'listening')
    socket.bind({ address, port, exclusive: true })
    await listening
    return socket
  } catch (cause) {
    socket.close()
    if ((cause as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined
    throw new TelephonyError(
      'TRANSPORT',
      `the RTP port ${port} of ${address} could not be opened: ${systemReason(cause)}`,
      { cause },
    )
  }
}

async function closeSocket(socket: Socket): Promise<void> {
  socket.removeAllListeners('message')
  const closed = once(socket, 'close')
  socket.close()
  await closed
}
