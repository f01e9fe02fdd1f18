/** Port pairs stay bound and go from call to call: what the peer of an earlier call still sends must not reach the next one. */
import assert from 'node:assert/strict'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { silentLogger } from '../../../src/base/logger.js'
import { type MediaService, type MediaSession, startMediaService } from '../../../src/media/client.js'
import { writeRtpHeader } from '../../../src/media/rtp/rtp-packet.js'
import { connectionTo, LOOPBACK_PORTS, nextEvent } from '../../support/media-pair.js'
import { until, within } from '../../support/wait.js'

const HOST = LOOPBACK_PORTS.address
/** Two pairs: one of a long call, and one that the others have to share. */
const [PORT_MIN, PORT_MAX] = [38_700, 38_703]
const LATE_MS = 2000

/** A peer that sends a packet of sound every 5 ms, as long as it is told. */
class Talker {
  readonly #socket: Socket
  #sequence = 0
  #timer: NodeJS.Timeout | undefined

  constructor(socket: Socket) {
    this.#socket = socket
  }

  static async start(): Promise<Talker> {
    const socket = createSocket('udp4').bind(0, HOST)
    await once(socket, 'listening')
    return new Talker(socket)
  }

  get address(): { host: string; port: number; rtcpPort: number } {
    const { port } = this.#socket.address()
    return { host: HOST, port, rtcpPort: port + 1 }
  }

  talkTo(port: number): void {
    const packet = new Uint8Array(172).fill(0x2a)
    this.#timer = setInterval(() => {
      writeRtpHeader(packet, 8, false, this.#sequence, this.#sequence * 160, 7)
      this.#sequence = (this.#sequence + 1) % 65_536
      this.#socket.send(packet, port, HOST)
    }, 5)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  close(): void {
    this.stop()
    this.#socket.close()
  }
}

describe('media: late packets of an earlier call', () => {
  let service: MediaService
  let talker: Talker
  let count = 0

  beforeEach(async () => {
    service = startMediaService({ log: silentLogger }, { workers: 1 })
    talker = await Talker.start()
  })
  afterEach(async () => {
    talker.close()
    await service.close()
  })

  /** A call with the talker's address, so that only the rest of its ports can keep the late packets away. */
  const open = async (): Promise<MediaSession> => {
    const session = await service.open({ id: `${count++}`, address: HOST, portMin: PORT_MIN, portMax: PORT_MAX })
    await session.connect(connectionTo(talker.address))
    return session
  }
  const callHeard = async (): Promise<number> => {
    const call = await open()
    const heard = nextEvent(call, 'started')
    talker.talkTo(call.local.port)
    await within(heard, 'the first packet')
    await call.close()
    return call.local.port
  }

  it('do not reach the next calls: its ports wait until they have been silent', async () => {
    const port = await callHeard()
    const endMs = performance.now() + LATE_MS
    const others: number[] = []
    while (performance.now() < endMs) {
      const call = await open()
      others.push(call.local.port)
      await delay(20)
      const { packetsReceived, strangerPackets } = (await call.close()) ?? {}
      assert.deepEqual([packetsReceived, strangerPackets], [0, 0])
    }
    assert.ok(others.length > 10 && !others.includes(port), `${others.length} calls`)
    talker.stop()
    let reused: MediaSession | undefined
    await until(async () => {
      const call = await open()
      if (call.local.port === port) reused = call
      else await call.close()
      return reused !== undefined
    }, 'a call with the ports of the first one')
    await delay(100)
    const { packetsReceived, strangerPackets, heard } = (await reused?.close()) ?? {}
    assert.deepEqual([packetsReceived, strangerPackets, heard], [0, 0, 'nothing'])
  })

  it('are not even counted if they come from another address than the next peer’s', async () => {
    const port = await callHeard()
    await delay(100)
    talker.stop()
    const earlier = talker
    talker = await Talker.start()
    let reused: MediaSession | undefined
    await until(async () => {
      const call = await open()
      if (call.local.port === port) reused = call
      else await call.close()
      return reused !== undefined
    }, 'a call with the ports of the first one')
    earlier.close()
    const { packetsReceived, strangerPackets } = (await reused?.close()) ?? {}
    assert.deepEqual([packetsReceived, strangerPackets], [0, 0])
  })
})
