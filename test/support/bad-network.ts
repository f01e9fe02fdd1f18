import { createSocket, type Socket } from 'node:dgram'
import { Fates } from './relay-fates.js'

interface Faults {
  /** Share of datagrams that never arrive, in each direction. */
  loss: number
  /** Share that arrives twice. */
  doubled: number
  /** Share that arrives up to `delayMs` late, so after others that were sent later. */
  late: number
  delayMs: number
  seed: number
}

/**
 * Two addresses, one in front of each party: what comes to one is given to the party behind it, and seems to come from the other. The parties
 * advertise them and never see each other's own.
 */
export class BadNetwork {
  readonly #sockets: readonly [Socket, Socket]
  readonly #faults: Faults
  readonly #behind: [number, number] = [0, 0]
  readonly #fates: Fates
  #closed = false
  readonly counts = { sent: 0, lost: 0, doubled: 0, late: 0 }

  static async open(faults: Faults): Promise<BadNetwork> {
    const sockets = [createSocket('udp4'), createSocket('udp4')] as const
    await Promise.all(sockets.map((socket) => new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))))
    return new BadNetwork([...sockets], faults)
  }

  private constructor(sockets: [Socket, Socket], faults: Faults) {
    this.#sockets = sockets
    this.#faults = faults
    this.#fates = new Fates(faults.seed)
    sockets[0].on('message', (bytes) => this.#carry(bytes, sockets[1], 0))
    sockets[1].on('message', (bytes) => this.#carry(bytes, sockets[0], 1))
  }

  get ports(): [number, number] {
    return [this.#sockets[0].address().port, this.#sockets[1].address().port]
  }

  connect(first: number, second: number): void {
    this.#behind[0] = first
    this.#behind[1] = second
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all(this.#sockets.map((socket) => new Promise<void>((resolve) => socket.close(resolve))))
  }

  #carry(bytes: Buffer, from: Socket, to: 0 | 1): void {
    const next = this.#fates.of(bytes, to)
    const { loss, doubled, late, delayMs } = this.#faults
    this.counts.sent++
    if (next() < loss) {
      this.counts.lost++
      return
    }
    const deliver = (): void => {
      if (!this.#closed) from.send(bytes, this.#behind[to], '127.0.0.1', () => {})
    }
    if (next() < doubled) {
      this.counts.doubled++
      deliver()
    }
    if (next() < late) {
      this.counts.late++
      setTimeout(deliver, next() * delayMs)
    } else deliver()
  }
}
