import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { isIPv6 } from 'node:net'
import { TelephonyError } from '../../base/errors.js'
import { systemReason } from '../../base/system-error.js'

/** Takes the packets of a pair of ports, and the failures of its sockets. */
export interface PortUser {
  receiveRtp(packet: Uint8Array, host: string, port: number): void
  receiveRtcp(packet: Uint8Array, host: string, port: number): void
  socketFailed(reason: string): void
}

/** Two bound sockets: an even port for RTP, the next one for RTCP (RFC 3550 11). One call after the other uses the pair. */
export class PortPair {
  readonly port: number
  readonly rtcpPort: number
  /** The call that uses the pair; packets that come without one are dropped. */
  user: PortUser | undefined
  /** Packets that have come since the last call. */
  straysHeard = 0
  /** A socket has failed: no other call can use the pair. */
  broken = false
  readonly #rtp: Socket
  readonly #rtcp: Socket

  constructor(sockets: { rtp: Socket; rtcp: Socket }, port: number) {
    this.port = port
    this.rtcpPort = port + 1
    this.#rtp = sockets.rtp
    this.#rtcp = sockets.rtcp
    // Called about 50 times a second per call, so without a closure per packet.
    sockets.rtp.on('message', (packet, from) => {
      if (this.user) this.user.receiveRtp(packet, from.address, from.port)
      else this.straysHeard++
    })
    sockets.rtcp.on('message', (packet, from) => {
      if (this.user) this.user.receiveRtcp(packet, from.address, from.port)
      else this.straysHeard++
    })
    for (const socket of [sockets.rtp, sockets.rtcp]) {
      socket.on('error', (error) => this.#failed(error))
      // The thread lives as long as its calls and its engine, not as long as its sockets.
      socket.unref()
    }
  }

  #failed(error: Error): void {
    this.broken = true
    this.user?.socketFailed(`socket: ${error.message}`)
  }

  sendRtp(packet: Uint8Array, host: string, port: number): void {
    this.#rtp.send(packet, port, host)
  }

  sendRtcp(packet: Uint8Array, host: string, port: number, sent?: () => void): void {
    this.#rtcp.send(packet, port, host, sent && (() => sent()))
  }

  /** Resolves when both ports are free. */
  async close(): Promise<void> {
    this.user = undefined
    await Promise.all([closeSocket(this.#rtp), closeSocket(this.#rtcp)])
  }
}

/** undefined if another socket uses one of the two ports. Errors: TRANSPORT (the address does not belong to this machine). */
export async function bindPair(address: string, port: number): Promise<PortPair | undefined> {
  const rtp = await bindSocket(address, port)
  if (!rtp) return undefined
  const rtcp = await bindSocket(address, port + 1).catch(async (error: unknown) => {
    await closeSocket(rtp)
    throw error
  })
  if (rtcp) return new PortPair({ rtp, rtcp }, port)
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
  const closed = once(socket, 'close')
  socket.close()
  await closed
}
