/** Stands between two peers on loopback and treats their packets as a bad network does, the same in every run. */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'

export interface Peer {
  host: string
  port: number
}

/** What becomes of one packet: how often it is passed on, and after how long. */
export type Fate = (packet: Buffer, from: 'a' | 'b', count: number) => { copies: number; delayMs?: number }

export class UdpRelay {
  readonly #facingA: Socket
  readonly #facingB: Socket
  /** Packets taken and passed on, by the side that sent them. */
  readonly taken = { a: 0, b: 0 }
  readonly passed = { a: 0, b: 0 }

  #closed = false

  private constructor(facingA: Socket, facingB: Socket) {
    this.#facingA = facingA
    this.#facingB = facingB
  }

  static async open(a: Peer, b: Peer, fate: Fate): Promise<UdpRelay> {
    const [facingA, facingB] = await Promise.all([bind(), bind()])
    const relay = new UdpRelay(facingA, facingB)
    const pass = (from: 'a' | 'b', out: Socket, to: Peer) => (packet: Buffer) => {
      const { copies, delayMs = 0 } = fate(packet, from, relay.taken[from]++)
      const send = () => {
        if (relay.#closed) return
        for (let i = 0; i < copies; i++) out.send(packet, to.port, to.host)
      }
      relay.passed[from] += copies
      if (delayMs > 0) setTimeout(send, delayMs).unref()
      else send()
    }
    facingA.on('message', pass('a', facingB, b))
    facingB.on('message', pass('b', facingA, a))
    return relay
  }

  /** Where A sends to, and hears B from. */
  get portForA(): number {
    return this.#facingA.address().port
  }

  get portForB(): number {
    return this.#facingB.address().port
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all(
      [this.#facingA, this.#facingB].map(async (socket) => {
        const closed = once(socket, 'close')
        socket.close()
        await closed
      }),
    )
  }
}

async function bind(): Promise<Socket> {
  const socket = createSocket('udp4')
  const listening = once(socket, 'listening')
  socket.bind(0, '127.0.0.1')
  await listening
  socket.on('error', () => undefined)
  return socket
}

/** Pseudo-random numbers from 0 to 1, the same for the same seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}
