import { createSocket } from 'node:dgram'
import { once } from 'node:events'

const given = new Set<number>()

/** A UDP port on loopback that nobody has now, even, and that is given only once per run. Tells peers where to listen that cannot take port 0. */
export async function freePort(): Promise<number> {
  for (;;) {
    const socket = createSocket('udp4').bind(0, '127.0.0.1')
    await once(socket, 'listening')
    const { port } = socket.address()
    await new Promise<void>((resolve) => socket.close(() => resolve()))
    const even = port & ~1
    if (given.has(even)) continue
    given.add(even)
    return even
  }
}
