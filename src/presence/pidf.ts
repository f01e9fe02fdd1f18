/** RFC 3863: presence documents; activities and notes of persons by RFC 4479 and RFC 4480. */
import { attribute, child, childrenOf, escapeXml, parseXml, textIn, type XmlElement } from './xml.js'

export const PIDF = 'application/pidf+xml'

export interface Presence {
  entity: string
  /** `open` if one of the tuples is. */
  status: 'open' | 'closed' | 'unknown'
  note: string
  /** `busy`, `away`, `on-the-phone` …; '' without one. */
  activity: string
  tuples: { id: string; status: 'open' | 'closed' | 'unknown'; contact: string; note: string }[]
}

const MAX_TUPLES = 100

/** Undefined: not a presence document. */
export function parsePidf(text: string): Presence | undefined {
  const root = parseXml(text)
  if (root?.name !== 'presence') return undefined
  const tuples = childrenOf(root, 'tuple').slice(0, MAX_TUPLES).map(tupleOf)
  const person = child(root, 'person')
  const notes = [textIn(child(root, 'note')), textIn(child(person, 'note')), ...tuples.map(({ note }) => note)]
  const isKnown = tuples.some(({ status }) => status !== 'unknown')
  return {
    entity: attribute(root, 'entity'),
    status: tuples.some(({ status }) => status === 'open') ? 'open' : isKnown ? 'closed' : 'unknown',
    note: notes.find((note) => note !== '') ?? '',
    activity: child(person ?? root, 'activities')?.children[0]?.name ?? '',
    tuples,
  }
}

function tupleOf(tuple: XmlElement): Presence['tuples'][number] {
  const basic = textIn(child(child(tuple, 'status'), 'basic')).toLowerCase()
  return {
    id: attribute(tuple, 'id'),
    status: basic === 'open' || basic === 'closed' ? basic : 'unknown',
    contact: textIn(child(tuple, 'contact')),
    note: textIn(child(tuple, 'note')),
  }
}

const ACTIVITY = /^[a-z][a-z-]{0,31}$/

export function writePidf(
  { status, note, activity }: { status: 'open' | 'closed'; note: string; activity: string },
  entity: string,
): string {
  const isActive = ACTIVITY.test(activity)
  const person = isActive ? `<dm:person id="p1"><rpid:activities><rpid:${activity}/></rpid:activities></dm:person>` : ''
  const names = isActive
    ? ' xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid"'
    : ''
  const noted = note === '' ? '' : `<note>${escapeXml(note)}</note>`
  return (
    '<?xml version="1.0" encoding="UTF-8"?>\r\n' +
    `<presence xmlns="urn:ietf:params:xml:ns:pidf"${names} entity="${escapeXml(entity)}">` +
    `<tuple id="t1"><status><basic>${status}</basic></status>${noted}</tuple>${person}</presence>\r\n`
  )
}
