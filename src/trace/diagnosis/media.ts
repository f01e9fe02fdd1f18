import { isIPv4 } from 'node:net'
import { readSdp, type SdpText } from '../sdp-text.js'
import { headerOf, hostOf } from '../sip-text.js'
import { placeText } from '../traced.js'
import type { Evidence, Finding } from './finding.js'

/** In a shorter call the sides had no time to send sound. */
const SOUND_DUE_MS = 500
const NEARLY_ALL_PERCENT = 90

/** Sound that does not flow, and addresses that explain it. */
export function mediaFindings(evidence: Evidence): Finding[] {
  const sound = soundFindings(evidence)
  const isHealthy = sound.length === 0 && isKnownToFlow(evidence)
  return isHealthy ? sound : [...sound, ...natFindings(evidence)]
}

function soundFindings({ steps, streams, media }: Evidence): Finding[] {
  const answer = steps.find(
    ({ sip, message }) => sip.status === 200 && sip.method === 'INVITE' && readSdp(message.text),
  )
  const answerSdp = answer && readSdp(answer.message.text)
  const lastedMs = (steps.at(-1)?.message.at ?? 0) - (answer?.message.at ?? 0)
  if (!answer || !answerSdp || lastedMs < SOUND_DUE_MS) return []
  if (media) return ownSound(media.packetsSent, media.packetsReceived, media.remoteLossPercent)
  const offer = steps.find(
    ({ sip, message }) => sip.status === undefined && sip.method === 'INVITE' && readSdp(message.text),
  )
  const offerSdp = offer && readSdp(offer.message.text)
  if (!streams || !offerSdp || answerSdp.direction !== 'sendrecv' || offerSdp.direction !== 'sendrecv') return []
  const counts = [offerSdp, answerSdp].map((sdp) => packetsTo(streams, sdp))
  const places = [offerSdp, answerSdp].map(({ audio }) => placeText(audio))
  if (counts[0] === 0 && counts[1] === 0) {
    return [
      {
        code: 'no-rtp-in',
        text: `no RTP came to ${places.join(' or ')}`,
        advice: 'Let firewalls and NATs pass the UDP ports of RTP. A capture at another place may show the packets.',
      },
    ]
  }
  if (counts[0] && counts[1]) return []
  return [
    {
      code: 'one-way-audio',
      text: `RTP goes to ${counts[0] ? places[0] : places[1]} only; none goes to ${counts[0] ? places[1] : places[0]}`,
      advice:
        'One side cannot reach the address in the other side’s SDP, or it does not send. Check NAT and firewall there.',
    },
  ]
}

function ownSound(sent: number, received: number, remoteLossPercent: number | null): Finding[] {
  if (received === 0) {
    return [
      {
        code: 'no-rtp-in',
        text: `no RTP came from the other side; ${sent} packets were sent to it`,
        advice:
          'Let the firewall pass the UDP ports of --rtp-ports. Behind a NAT give the outside address: --public-address.',
      },
    ]
  }
  if (sent > 0 && (remoteLossPercent === null || remoteLossPercent < NEARLY_ALL_PERCENT)) return []
  return [
    {
      code: 'one-way-audio',
      text:
        sent === 0
          ? 'sound came in, but none was sent'
          : `sound came in, but the other side lost ${remoteLossPercent} % of our packets`,
      advice: 'The other side does not get our RTP: check the address in its SDP, and NAT and firewall there.',
    },
  ]
}

const packetsTo = (streams: NonNullable<Evidence['streams']>, { audio }: SdpText): number =>
  streams.filter(({ to }) => to === placeText(audio)).reduce((sum, { packets }) => sum + packets, 0)

function isKnownToFlow({ media, streams, steps }: Evidence): boolean {
  if (media) return media.packetsReceived > 0
  const descriptions = steps.flatMap(({ message }) => readSdp(message.text) ?? [])
  return streams !== undefined && descriptions.length > 1 && descriptions.every((sdp) => packetsTo(streams, sdp) > 0)
}

/** A private address (RFC 1918) that a public peer is told to send to. */
function natFindings({ steps }: Evidence): Finding[] {
  for (const { message, sip, from, to } of steps) {
    if (sip.method !== 'INVITE' || (sip.status ?? 200) >= 300) continue
    if (isPrivate(message.from.host) && isPrivate(message.to.host)) continue
    const sdpHost = readSdp(message.text)?.audio.host ?? ''
    const contact = hostOf(headerOf(message.text, 'contact'))
    const [host, where] = isPrivate(sdpHost) ? [sdpHost, 'SDP'] : isPrivate(contact) ? [contact, 'Contact'] : ['', '']
    if (host === '') continue
    return [
      {
        code: 'nat-address',
        text: `the ${where} of ${from} names the private address ${host}, which ${to} cannot reach from outside`,
        advice: `Behind a NAT, ${from} must give its outside address (--public-address, or in the transport).`,
      },
    ]
  }
  return []
}

function isPrivate(host: string): boolean {
  if (!isIPv4(host)) return /^f[cd][\da-f]{2}:|^fe[89ab][\da-f]:|^::1$/i.test(host)
  const [a = 0, b = 0] = host.split('.').map(Number)
  return (
    a === 10 ||
    a === 127 ||
    (a === 172 && b >= 16 && b < 32) ||
    (a === 192 && b === 168) ||
    (a === 169 && b === 254) ||
    (a === 100 && b >= 64 && b < 128)
  )
}
