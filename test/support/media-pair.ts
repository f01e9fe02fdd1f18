/** Two calls' media on loopback, through the real workers, each the other's peer. */
import { silentLogger } from '../../src/base/logger.js'
import type { TypedEmitter } from '../../src/base/typed-emitter.js'
import {
  type MediaServiceInit,
  type MediaSession,
  type MediaSessionEvents,
  startMediaService,
} from '../../src/media/client.js'
import type { MediaConnect } from '../../src/media/protocol.js'

export type Connection = Omit<MediaConnect, 'id'>

export const LOOPBACK_PORTS = { address: '127.0.0.1', portMin: 30000, portMax: 39999 }

export function connectionTo(remote: Connection['remote'], changes: Partial<Connection> = {}): Connection {
  return {
    remote,
    codec: 'PCMA',
    payloadType: 8,
    telephoneEvent: { send: 101, receive: 101 },
    direction: 'sendrecv',
    ptimeMs: 20,
    timeoutMs: 0,
    ...changes,
  }
}

/** Both sides, of which neither knows the other yet: nothing is sent. */
export async function strangePair(init: MediaServiceInit = {}) {
  const service = startMediaService({ log: silentLogger }, init)
  const a = await service.open({ id: 'a', ...LOOPBACK_PORTS })
  const b = await service.open({ id: 'b', ...LOOPBACK_PORTS })
  return { service, a, b }
}

export async function mediaPair(init: MediaServiceInit = {}, changes: Partial<Connection> = {}) {
  const { service, a, b } = await strangePair(init)
  // Listened for before it can come.
  const started = { a: nextEvent(a, 'started'), b: nextEvent(b, 'started') }
  await connect(a, b, changes)
  await connect(b, a, changes)
  return { service, a, b, started }
}

export const connect = (from: MediaSession, to: MediaSession, changes: Partial<Connection> = {}): Promise<void> =>
  connectWith(from, connectionTo(to.local, changes))

/** Resolves when the media worker has connected the call. */
export async function connectWith(session: MediaSession, connection: Connection): Promise<void> {
  session.connect(connection)
  await session.stats()
}

/** Resolves with the arguments of the next event of this name. */
export function nextEvent<Name extends keyof MediaSessionEvents & string>(
  emitter: TypedEmitter<MediaSessionEvents>,
  name: Name,
): Promise<MediaSessionEvents[Name]> {
  return new Promise((resolve) => emitter.once(name, (...args) => resolve(args)))
}

/** Resolves when so many digits have come. */
export function digits(session: MediaSession, count: number): Promise<string> {
  return new Promise((resolve) => {
    let heard = ''
    session.on('digit', (digit) => {
      heard += digit
      if (heard.length >= count) resolve(heard)
    })
  })
}
