/** The one message schema: `topic`, `payload`, `call`, `event`, `media`. Plain JSON, fresh objects in every message. */
import { plainCopy } from '../../src/base/plain-copy.js'
import type { CallEvent, CallSnapshot } from '../../src/call/call-event.js'
import type { EngineEvents, RegistrationState } from '../../src/engine/protocol.js'
import type { PlayEnded } from '../../src/media/protocol.js'
import type { Message } from './red.js'

export interface EventNote {
  name: string
  /** Sequence number within the call; 0 without a call. */
  seq: number
  at: string
}

export interface MediaNote {
  id: string
  kind: 'play' | 'record' | 'tone' | 'gather'
  /** Absent while the media action continues. */
  ended?: PlayEnded | 'no-input' | 'timeout'
  playedMs?: number
  /** True for a recording with a missing part, because the disk failed. */
  truncated?: true
  digits?: string
}

/** A new message for an event of a call. */
export function callMessage(event: CallEvent, payload: unknown = payloadOf(event)): Message {
  const media = mediaOf(event)
  return {
    topic: event.type,
    payload,
    call: plainCopy(event.call),
    event: eventOf(event),
    ...(media && { media }),
    ...(event.type === 'call.media-trouble' && { trouble: plainCopy(event.trouble) }),
  }
}

export function registrationMessage(
  account: { id: string; name: string },
  registration: RegistrationState,
  at: string,
): Message {
  const name = `registration.${registration.state}`
  return {
    topic: name,
    payload: registration.state,
    account: { ...account },
    registration: { ...registration },
    event: { name, seq: 0, at },
  }
}

export function engineMessage(engine: EngineEvents['engine'], at: string): Message {
  const name = `engine.${engine.state}`
  return { topic: name, payload: engine.state, reason: engine.reason, event: { name, seq: 0, at } }
}

interface ActionResult {
  event: EventNote
  call: CallSnapshot | undefined
  payload?: unknown
  media?: MediaNote
}

/** The message that started an action keeps its properties, except for those that the action updates. */
export function continued(message: Message, result: ActionResult): Message {
  message.topic = result.event.name
  message.event = result.event
  if (result.call) message.call = plainCopy(result.call)
  if (result.payload !== undefined) message.payload = result.payload
  if (result.media) message.media = result.media
  return message
}

export const eventOf = (event: CallEvent): EventNote => ({ name: event.type, seq: event.seq, at: event.at })

/** The most useful value of an event. */
function payloadOf(event: CallEvent): unknown {
  switch (event.type) {
    case 'call.digit':
      return event.digit
    case 'call.record-ended':
      return event.path
    case 'call.media-trouble':
      return event.trouble.reason
    case 'call.held':
    case 'call.resumed':
      return event.by
    case 'call.codec-changed':
      return event.codec
    case 'call.idle':
      return event.leftSec
    case 'call.transfer-progress':
    case 'call.transfer-failed':
      return event.status
    case 'call.transfer-request':
    case 'call.transferred':
      return event.to.user || event.to.uri
    case 'call.replaced':
      return event.from.user || event.from.uri
    case 'call.ended':
      return event.end.cause
    default:
      return event.type
  }
}

function mediaOf(event: CallEvent): MediaNote | undefined {
  if (event.type === 'call.play-ended') {
    return { id: event.mediaId, kind: 'play', ended: event.ended, playedMs: event.playedMs }
  }
  if (event.type === 'call.record-ended') {
    const truncated = event.truncated ? { truncated: event.truncated } : {}
    return { id: event.mediaId, kind: 'record', ended: event.ended, playedMs: event.durationMs, ...truncated }
  }
  return undefined
}
