/** How late packets leave, measured from outside: on loopback the capture time is the send time. The same method for every peer. */
import { readFileSync } from 'node:fs'
import { peerFolder } from '../test/support/peers/peer-folder.js'
import { PeerProcess } from '../test/support/peers/peer-process.js'
import { percentile } from './percentile.js'

export interface Lateness {
  streams: number
  packets: number
  /** Packets that left 10 ms or more after their stream's own schedule. */
  late: number
  p50Ms: number
  p99Ms: number
  maxMs: number
}

const LATE_MS = 10
const CLOCK_RATE_KHZ = 8

/** Captures the packets to this UDP port for a while. */
export async function captureTo(port: number, seconds: number): Promise<string> {
  const file = peerFolder.file(`to-${port}.pcap`)
  const filter = `udp dst port ${port}`
  const dumpcap = new PeerProcess({
    name: 'dumpcap',
    command: 'dumpcap',
    args: ['-q', '-P', '-i', 'lo', '-s', '64', '-B', '32', '-a', `duration:${seconds}`, '-f', filter, '-w', file],
  })
  await dumpcap.exited
  return file
}

export function readLateness(file: string): Lateness {
  const streams = new Map<number, number[]>()
  for (const { atMs, ssrc, timestamp } of rtpPackets(readFileSync(file))) {
    const offsets = streams.get(ssrc)
    // Send time minus the time of the RTP timestamp: constant for an even sender, larger by the lateness of a packet.
    const offsetMs = atMs - timestamp / CLOCK_RATE_KHZ
    if (offsets) offsets.push(offsetMs)
    else streams.set(ssrc, [offsetMs])
  }
  const lateMs = [...streams.values()].flatMap((offsets) => {
    const onTime = percentile(
      [...offsets].sort((a, b) => a - b),
      0.1,
    )
    return offsets.map((offset) => Math.max(0, offset - onTime))
  })
  lateMs.sort((a, b) => a - b)
  return {
    streams: streams.size,
    packets: lateMs.length,
    late: lateMs.filter((ms) => ms >= LATE_MS).length,
    p50Ms: percentile(lateMs, 0.5),
    p99Ms: percentile(lateMs, 0.99),
    maxMs: lateMs.at(-1) ?? Number.NaN,
  }
}

/** pcap of Ethernet frames, IPv4, UDP: 24 octets of file header, 16 before each frame. */
function* rtpPackets(pcap: Buffer): Generator<{ atMs: number; ssrc: number; timestamp: number }> {
  const nanoseconds = pcap.readUInt32LE(0) === 0xa1b23c4d
  for (let at = 24; at + 16 <= pcap.length; ) {
    const atMs = pcap.readUInt32LE(at) * 1000 + pcap.readUInt32LE(at + 4) / (nanoseconds ? 1e6 : 1e3)
    const length = pcap.readUInt32LE(at + 8)
    const frame = pcap.subarray(at + 16, at + 16 + length)
    at += 16 + length
    const rtp = frame.subarray(14 + ((frame[14] ?? 0) & 15) * 4 + 8)
    if (rtp.length < 12 || (rtp[0] ?? 0) >> 6 !== 2) continue
    yield { atMs, ssrc: rtp.readUInt32BE(8), timestamp: rtp.readUInt32BE(4) }
  }
}
