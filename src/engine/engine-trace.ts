/** The trace of an engine: what its transports and its media report while it is on. */
import { TelephonyError } from '../base/errors.js'
import { readable } from '../base/octets.js'
import { RecentMap } from '../base/recent-map.js'
import type { CallEvent } from '../call/call-event.js'
import type { MediaService, PacketListener } from '../media/client.js'
import type { SipTap, SipTraceLine } from '../sip/types.js'
import { writePcap } from '../trace/capture/pcap-writer.js'
import { diagnose, diagnoseLadder, type Finding, type MediaFacts } from '../trace/diagnosis/diagnose.js'
import { maskedDigits } from '../trace/digits.js'
import { callIdOf, chosen } from '../trace/filter.js'
import { buildLadder } from '../trace/ladder.js'
import { ladderAsMermaid } from '../trace/ladder-mermaid.js'
import { ladderAsText } from '../trace/ladder-text.js'
import { TraceRecorder } from '../trace/recorder.js'
import type { Secrets } from '../trace/secrets.js'
import { headerOf } from '../trace/sip-text.js'
import { placeText, type TracedMessage, type TracedPacket } from '../trace/traced.js'
import type { EngineEvents, TraceQuery, TraceResult, TraceSettings } from './protocol.js'

export interface EngineTraceDeps {
  secrets: Secrets
  media: MediaService
  /** Emits a message live. */
  tell: (line: EngineEvents['trace']) => void
}

/** What the trace knows about a call, also after its end. */
interface TracedCall {
  accountId: string
  sipCallIds: Set<string>
  findings: Finding[] | undefined
}

const MAX_CALLS = 1_000
const MAX_RTP_OCTETS = 4 << 20
const OFF: TraceSettings = { on: false }

export class EngineTrace implements SipTap {
  readonly #deps: EngineTraceDeps
  /** Messages are emitted live, whatever the settings say. */
  readonly #isLive: boolean
  readonly #recorder = new TraceRecorder()
  readonly #calls = new RecentMap<string, TracedCall>(MAX_CALLS)
  #settings = OFF

  constructor(deps: EngineTraceDeps, init: { live: boolean }) {
    this.#deps = deps
    this.#isLive = init.live
  }

  async set(settings: TraceSettings): Promise<void> {
    const { on, rtp = false, digits = false } = settings
    const hadRtp = this.#settings.rtp ?? false
    this.#settings = settings
    if (!on) {
      this.#recorder.clear()
      this.#calls.clear()
    }
    if (on && rtp) await this.#deps.media.tap({ maxOctets: MAX_RTP_OCTETS, digits }, this.#packets)
    else if (hadRtp) await this.#deps.media.tap(null)
  }

  /** Off, a message costs no more than a look at this. */
  get isOn(): boolean {
    return this.#isLive || this.#settings.on
  }

  /** `isTraced`: its transport emits its messages. */
  message({ at, direction, local, remote, text }: SipTraceLine, isTraced: boolean): void {
    const { on, live = false, digits = false } = this.#settings
    const [from, to] = direction === 'in' ? [remote, local] : [local, remote]
    const shown = this.#deps.secrets.mask(digits ? text : maskedDigits(text))
    if (on) this.#recorder.message({ at, protocol: remote.protocol, from, to, text: shown })
    if (!(isTraced || this.#isLive || live)) return
    const places = { local: placeText(local), remote: placeText(remote) }
    this.#deps.tell({ at, direction, ...places, text: readable(shown) })
  }

  /** Notes the call of an event. The end of a call gets its diagnosis. */
  hear(event: CallEvent): CallEvent {
    if (!this.#settings.on) return event
    const { id, sipCallId, account } = event.call
    const known = this.#calls.get(id)
    const call = known ?? { accountId: account.id, sipCallIds: new Set(), findings: undefined }
    if (!known) this.#calls.set(id, call)
    call.sipCallIds.add(sipCallId)
    if (event.type !== 'call.ended') return event
    call.findings = this.#diagnose(event, call)
    return call.findings.length === 0 ? event : { ...event, call: { ...event.call, diagnosis: call.findings } }
  }

  /** `aor`: of the account. */
  async read({ callId, accountId, filter = {}, format }: TraceQuery, aor?: string): Promise<TraceResult> {
    if (!this.#settings.on)
      throw new TelephonyError('WRONG_STATE', 'the trace is off. Switch it on with setTrace, then place the call again')
    await this.#deps.media.flushTaps()
    const messages = chosen(this.#messagesOf(callId, accountId, aor), filter)
    const packets = this.#packetsOf(callId, accountId)
    const ladder = buildLadder(messages)
    const findings = (callId === undefined ? undefined : this.#calls.get(callId)?.findings) ?? diagnoseLadder(ladder)
    const counts = { messages: messages.length, packets: packets.length, findings }
    switch (format) {
      case 'text':
        return { ...counts, data: ladderAsText(ladder) }
      case 'mermaid':
        return { ...counts, data: ladderAsMermaid(ladder) }
      case 'pcap':
        return { ...counts, data: writePcap(messages, packets) }
      case 'diagnosis':
        return { ...counts, data: '' }
      default:
        throw new TelephonyError(
          'BAD_ARGUMENT',
          `the format “${String(format).slice(0, 32)}” is not valid. Use text, mermaid, pcap or diagnosis`,
        )
    }
  }

  readonly #packets: PacketListener = ({ id, octets, packets }, local) => {
    let start = 0
    for (const { at, kind, direction, host, port, length } of packets) {
      const peer = { host, port }
      const ours = { host: local.host, port: kind === 'rtp' ? local.port : local.rtcpPort }
      const [from, to] = direction === 'in' ? [peer, ours] : [ours, peer]
      this.#recorder.packet(id, { at, kind, from, to, octets: octets.subarray(start, start + length) })
      start += length
    }
  }

  #diagnose({ end, stats }: Extract<CallEvent, { type: 'call.ended' }>, { sipCallIds }: TracedCall): Finding[] {
    const messages = [...sipCallIds].flatMap((sipCallId) => this.#recorder.messages(sipCallId))
    const media: { media?: MediaFacts } =
      stats && stats.heard !== 'not-owed'
        ? {
            media: {
              packetsSent: stats.packetsSent,
              // Packets of other sources came too: a firewall is not the reason.
              packetsReceived: stats.packetsReceived + stats.strangerPackets,
              remoteLossPercent: stats.remoteLossPercent,
            },
          }
        : {}
    return diagnose({ steps: buildLadder(messages).steps, ...media, reason: end.by === 'error' ? end.reason : '' })
  }

  #messagesOf(callId: string | undefined, accountId: string | undefined, aor: string | undefined): TracedMessage[] {
    if (callId === undefined && accountId === undefined) return this.#recorder.messages()
    const sipCallIds = new Set<string>()
    for (const call of this.#callsOf(callId, accountId)) for (const one of call.sipCallIds) sipCallIds.add(one)
    return this.#recorder.messages().filter((message) => {
      return sipCallIds.has(callIdOf(message)) || (aor !== undefined && isOf(message, aor))
    })
  }

  #packetsOf(callId: string | undefined, accountId: string | undefined): TracedPacket[] {
    if (accountId === undefined) return this.#recorder.packets(callId)
    return this.#recorder.packets().filter(({ mediaOf }) => this.#calls.get(mediaOf)?.accountId === accountId)
  }

  #callsOf(callId: string | undefined, accountId: string | undefined): TracedCall[] {
    if (callId === undefined) return [...this.#calls.values()].filter((call) => call.accountId === accountId)
    const call = this.#calls.get(callId)
    if (call) return [call]
    throw new TelephonyError('NO_CALL', `the trace has no call ${callId}. Use the id of a call since the trace is on`)
  }
}

/** Whether an account sends or gets a message: its address is in From or To. */
const isOf = ({ text }: TracedMessage, aor: string): boolean =>
  [headerOf(text, 'from'), headerOf(text, 'to')].some((value) => value?.includes(aor))
