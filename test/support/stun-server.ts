import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { parseStun, stunOctets, xorMappedAddress } from '../../src/stun/message.js'

/** Answers binding requests with the address that they come from (RFC 8489). */
export class StunServer {
  readonly #socket: Socket
  readonly port: number
  requests = 0

  private constructor(socket: Socket) {
    this.#socket = socket
    this.port = socket.address().port
    socket.on('message', (octets, { address: host, port }) => {
      const request = parseStun(octets)
      if (request?.kind !== 'request') return
      this.requests++
      const { method, id } = request
      const attributes = [xorMappedAddress({ host, port }, id)]
      socket.send(stunOctets({ kind: 'success', method, id, attributes }), port, host)
    })
  }

  static async open(): Promise<StunServer> {
    const socket = createSocket('udp4')
    const listening = once(socket, 'listening')
    socket.bind(0, '127.0.0.1')
    await listening
    return new StunServer(socket)
  }

  async close(): Promise<void> {
    const closed = once(this.#socket, 'close')
    this.#socket.close()
    await closed
  }
}
