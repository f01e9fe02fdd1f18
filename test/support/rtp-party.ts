/** A party's media as a test wants it, true or forged: a tone in PCMA packets from a socket of its own. */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { encode, PCMA } from '../../src/media/codec/g711.js'
import { writeRtpHeader } from '../../src/media/rtp/rtp-packet.js'
import { sine } from './audio.js'

const SAMPLES = 160
const INTERVAL_MS = 20

export class RtpParty {
  /** Datagrams that were sent here, whatever they are. */
  received = 0
  /** Next to be sent; a forger copies those of its victim. */
  ssrc: number
  sequence = 100
  timestamp = 0
  readonly #socket: Socket
  readonly #tone: Uint8Array
  #timer: NodeJS.Timeout | undefined

  static async open(init: { hz: number; ssrc: number; host?: string; port?: number }): Promise<RtpParty> {
    const socket = createSocket('udp4')
    socket.bind(init.port ?? 0, init.host ?? '127.0.0.1')
    await once(socket, 'listening')
    return new RtpParty(socket, init)
  }

  private constructor(socket: Socket, { hz, ssrc }: { hz: number; ssrc: number }) {
    this.#socket = socket
    this.ssrc = ssrc
    const samples = sine(hz, 1000) // whole periods, so that it can be repeated
    this.#tone = new Uint8Array(samples.length)
    encode(PCMA, samples, this.#tone)
    socket.on('message', () => {
      this.received++
    })
    socket.on('error', () => undefined)
  }

  get port(): number {
    return this.#socket.address().port
  }

  /** For an INVITE. */
  get offer(): string {
    const { address, port } = this.#socket.address()
    const top = ['v=0', `o=- 1 1 IN IP4 ${address}`, 's=-', `c=IN IP4 ${address}`, 't=0 0']
    return [...top, `m=audio ${port} RTP/AVP 8`, 'a=sendrecv', ''].join('\r\n')
  }

  talk(to: { host: string; port: number }): void {
    this.silence()
    let dueMs = performance.now()
    const step = () => {
      // As much as is due: a late timer makes no gap.
      for (; dueMs <= performance.now(); dueMs += INTERVAL_MS) this.send(this.packet(), to)
      this.#timer = setTimeout(step, dueMs - performance.now())
    }
    step()
  }

  silence(): void {
    clearTimeout(this.#timer)
  }

  packet(): Uint8Array {
    const packet = new Uint8Array(12 + SAMPLES)
    writeRtpHeader(packet, 8, false, this.sequence, this.timestamp, this.ssrc)
    const at = this.timestamp % this.#tone.length
    packet.set(this.#tone.subarray(at, at + SAMPLES), 12)
    this.sequence = (this.sequence + 1) & 0xffff
    this.timestamp += SAMPLES
    return packet
  }

  send(packet: Uint8Array, to: { host: string; port: number }): void {
    this.#socket.send(packet, to.port, to.host)
  }

  async close(): Promise<void> {
    this.silence()
    this.#socket.close()
    await once(this.#socket, 'close')
  }
}
