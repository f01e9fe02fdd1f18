import type { MediaStats } from '../protocol.js'
import { meanOpinionScore } from '../rtp/quality.js'
import type { RtcpReporter } from './rtcp-reporter.js'
import type { RtpReceiver } from './rtp-receiver.js'
import type { RtpSender } from './rtp-sender.js'

interface Sources {
  sender: RtpSender
  receiver: RtpReceiver
  rtcp: RtcpReporter
  intervalMs: number
  /** At some time the negotiated direction let the peer send. */
  soundOwed: boolean
}

/** What sender, receiver and RTCP of one call have counted and measured. */
export function statsOf({ sender, receiver, rtcp, intervalMs, soundOwed }: Sources): MediaStats {
  const { statistics, undecodedPackets } = receiver
  const decoded = receiver.soundPackets > 0
  const lossPercent = statistics.lossPercentWith(receiver.unplayedPackets)
  const oneWayDelayMs = (rtcp.roundTripMs ?? 0) / 2 + receiver.bufferedMs + intervalMs
  return {
    packetsSent: sender.packetsSent,
    octetsSent: sender.octetsSent,
    packetsReceived: statistics.packetsReceived,
    packetsLost: statistics.packetsLost,
    lossPercent: rounded(statistics.lossPercent),
    jitterMs: rounded(statistics.jitterMs),
    maxJitterMs: rounded(statistics.maxJitterMs),
    rttMs: rounded(rtcp.roundTripMs),
    remoteLossPercent: rounded(rtcp.remoteLossPercent),
    mos: decoded ? rounded(meanOpinionScore({ lossPercent, oneWayDelayMs })) : null,
    levelDbfs: decoded ? rounded(receiver.levelDbfs) : null,
    concealedFrames: receiver.concealedFrames,
    discardedPackets: receiver.discardedPackets,
    heard: receiver.heard(soundOwed),
    undecodedPackets,
    undecoded: receiver.undecoded,
    strangerPackets: receiver.strangerPackets,
    strangerSources: receiver.strangerSources,
    latePackets: sender.latePackets,
  }
}

/** Rounds to two decimal places for people. */
const rounded = <T extends number | null>(value: T): T => (value === null ? value : Math.round(value * 100) / 100) as T
