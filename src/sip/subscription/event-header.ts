import { TelephonyError } from '../../base/errors.js'
import { parseParams } from '../uri/params.js'

/** RFC 6665 8.2.1: package and id of an Event header. */
export interface EventName {
  event: string
  eventId: string
}

const TOKEN = /^[A-Za-z0-9.!%*_+`'~-]{1,64}$/

/** Undefined: the header is missing or malformed. */
export function parseEvent(value: string | undefined): EventName | undefined {
  if (value === undefined) return undefined
  const semicolon = value.indexOf(';')
  const event = (semicolon < 0 ? value : value.slice(0, semicolon)).trim()
  const params = semicolon < 0 ? undefined : parseParams(value.trimEnd(), semicolon)
  if (!TOKEN.test(event) || (semicolon >= 0 && !params)) return undefined
  return { event: event.toLowerCase(), eventId: params?.get('id') ?? '' }
}

/** Header line. Throws BAD_ARGUMENT. */
export function eventLine({ event, eventId }: EventName): string {
  for (const text of eventId === '' ? [event] : [event, eventId]) {
    if (!TOKEN.test(text))
      throw new TelephonyError(
        'BAD_ARGUMENT',
        `“${text.slice(0, 64)}” is not a valid event name. Use one like presence`,
      )
  }
  return `Event: ${event}${eventId === '' ? '' : `;id=${eventId}`}`
}
