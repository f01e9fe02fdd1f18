import type { LadderStep } from '../ladder.js'
import type { RtpStream } from '../rtp-streams.js'

export type FindingCode =
  | 'wrong-password'
  | 'wrong-realm'
  | 'registrar-gone'
  | 'no-response'
  | 'no-route'
  | 'codec-mismatch'
  | 'certificate'
  | 'ack-lost'
  | 'no-rtp-in'
  | 'one-way-audio'
  | 'nat-address'

/** One cause of trouble, for people. */
export interface Finding {
  code: FindingCode
  /** What has happened: one sentence. */
  text: string
  /** What to do about it. */
  advice: string
}

/** What the media of our own call has counted. */
export interface MediaFacts {
  packetsSent: number
  packetsReceived: number
  /** Loss of our stream by the peer's reports; null without one. */
  remoteLossPercent: number | null
}

/** All that is known about one Call-ID. */
export interface Evidence {
  /** Of one Call-ID. */
  steps: readonly LadderStep[]
  /** Streams of the trace; undefined if RTP was not traced. */
  streams?: readonly RtpStream[]
  media?: MediaFacts
  /** Why a request could not be sent, or why the call ended. */
  reason?: string
}
