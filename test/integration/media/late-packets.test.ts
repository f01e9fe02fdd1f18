/** Port pairs stay bound and go from call to call: what the peer of an earlier call still sends must not reach the next one. */
import assert from 'node:assert/strict'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { silentLogger } from '../../../src/base/logger.js'
import { type MediaService, type MediaSession, startMediaService } from '../../../src/media/client.js'
import { writeRtpHeader } from '../../../src/media/rtp/rtp-packet.js'
import { connectionTo, connectWith, LOOPBACK_PORTS, nextEvent } from '../../support/media-pair.js'
import { until, within } from '../../support/wait.js'

const HOST = LOOPBACK_PORTS.address
/** Two pairs: the one of the first call, and one that the others have to share. */
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
  let other: Talker
  let count = 0

  beforeEach(async () => {
    service = startMediaService({ log: silentLogger }, { workers: 1 })
    talker = await Talker.start()
    other = await Talker.start()
  })
  afterEach(async () => {
    talker.close()
    other.close()
    await service.close()
  })

  const open = async (peer: Talker): Promise<MediaSession> => {
    const session = await service.open({ id: `${count++}`, address: HOST, portMin: PORT_MIN, portMax: PORT_MAX })
    await connectWith(session, connectionTo(peer.address))
    return session
  }

  for (const who of ['the same peer', 'another peer'] as const) {
    it(`do not reach the next calls with ${who}: the ports wait until they have been silent`, async () => {
      const first = await open(talker)
      const { port } = first.local
      const started = nextEvent(first, 'started')
      talker.talkTo(port)
      await within(started, 'the first packet')
      await first.close()

      const peer = who === 'another peer' ? other : talker
      const unheard = async (call: MediaSession) => {
        const { packetsReceived, strangerPackets, heard } = (await call.close()) ?? {}
        assert.deepEqual([packetsReceived, strangerPackets, heard], [0, 0, 'nothing'])
      }
      const ports: number[] = []
      for (const endMs = performance.now() + LATE_MS; performance.now() < endMs; ) {
        const call = await open(peer)
        ports.push(call.local.port)
        await delay(20)
        await unheard(call)
      }
      assert.ok(ports.length > 10 && !ports.includes(port), `${ports.length} calls`)

      talker.stop()
      let reused: MediaSession | undefined
      await until(async () => {
        const call = await open(peer)
        if (call.local.port === port) reused = call
        else await call.close()
        return reused !== undefined
      }, 'a call with the ports of the first one')
      await delay(100)
      if (reused) await unheard(reused)
    })
  }
})
