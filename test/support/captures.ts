/** Captures as other programs write them: every link type, both formats. */
import { CaptureReader } from '../../src/trace/capture/capture-reader.js'
import { writePcap } from '../../src/trace/capture/pcap-writer.js'
import type { TracedMessage, TracedPacket } from '../../src/trace/traced.js'

/** IP packets and their times, as we write them. */
export function ipPackets(messages: TracedMessage[], packets: TracedPacket[] = []): { at: number; octets: Buffer }[] {
  return new CaptureReader()
    .push(writePcap(messages, packets))
    .map(({ at, octets }) => ({ at, octets: Buffer.from(octets) }))
}

export function pcapOf(
  frames: { at: number; octets: Buffer }[],
  linkType: number,
  { big = false, nano = false } = {},
): Buffer {
  const w32 = (value: number) => {
    const octets = Buffer.alloc(4)
    if (big) octets.writeUInt32BE(value >>> 0)
    else octets.writeUInt32LE(value >>> 0)
    return octets
  }
  const header = Buffer.alloc(24)
  w32(nano ? 0xa1b23c4d : 0xa1b2c3d4).copy(header)
  w32(linkType).copy(header, 20)
  const records = frames.flatMap(({ at, octets }) => [
    w32(Math.floor(at / 1000)),
    w32(Math.round((at % 1000) * (nano ? 1e6 : 1e3))),
    w32(octets.length),
    w32(octets.length),
    octets,
  ])
  return Buffer.concat([header, ...records])
}

export function pcapngOf(frames: { at: number; octets: Buffer }[], linkType: number): Buffer {
  const block = (type: number, body: Buffer) => {
    const padded = Buffer.concat([body, Buffer.alloc((4 - (body.length % 4)) % 4)])
    const head = Buffer.alloc(8)
    head.writeUInt32LE(type, 0)
    head.writeUInt32LE(padded.length + 12, 4)
    return Buffer.concat([head, padded, head.subarray(4, 8)])
  }
  const section = Buffer.alloc(16, 0xff)
  section.writeUInt32LE(0x1a2b3c4d, 0)
  section.writeUInt32LE(1, 4)
  // Option 9: times in ns.
  const option = Buffer.from([9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0])
  const iface = Buffer.concat([Buffer.from([linkType & 0xff, linkType >> 8, 0, 0, 0, 0, 4, 0]), option])
  const enhanced = frames.map(({ at, octets }) => {
    const head = Buffer.alloc(20)
    const ticks = BigInt(Math.round(at)) * 1_000_000n
    head.writeUInt32LE(Number(ticks >> 32n), 4)
    head.writeUInt32LE(Number(ticks & 0xffffffffn), 8)
    head.writeUInt32LE(octets.length, 12)
    head.writeUInt32LE(octets.length, 16)
    return block(6, Buffer.concat([head, octets]))
  })
  return Buffer.concat([block(0x0a0d0d0a, section), block(1, iface), ...enhanced])
}
