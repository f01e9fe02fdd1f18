/** The event packages whose documents are read and written: state as plain objects on one side, a body on the other. */
import { TelephonyError } from '../base/errors.js'
import { parseStatusFragment, SIPFRAG } from '../sip/message/status-fragment.js'
import { DIALOG_INFO, type DialogInfo, DialogInfoReader, writeDialogInfo } from './dialog-info.js'
import { MESSAGE_SUMMARY, type MessageCounts, parseMessageSummary, writeMessageSummary } from './message-summary.js'
import { PIDF, parsePidf, writePidf } from './pidf.js'
import { parseRegInfo, REG_INFO } from './reg-info.js'

/** The state in a body, as a plain object; null: empty, malformed, or of an unknown type. */
export type StateReader = (contentType: string, content: string) => unknown

interface Document {
  contentType: string
  content: string
}

type Context = { entity: string; version: number }
type Fields = Readonly<Record<string, unknown>>

interface Package {
  contentType: string
  /** A reader for the documents of one subscription. */
  reader(): (content: string) => unknown
  /** Throws BAD_ARGUMENT. Absent: a server's package that we only read. */
  write?(state: Fields, context: Context): string
}

const PACKAGES: ReadonlyMap<string, Package> = new Map<string, Package>([
  ['presence', { contentType: PIDF, reader: () => parsePidf, write: presence }],
  [
    'dialog',
    {
      contentType: DIALOG_INFO,
      reader: () => {
        const joined = new DialogInfoReader()
        return (content) => joined.read(content)
      },
      write: dialog,
    },
  ],
  ['message-summary', { contentType: MESSAGE_SUMMARY, reader: () => parseMessageSummary, write: summary }],
  ['reg', { contentType: REG_INFO, reader: () => parseRegInfo }],
  ['refer', { contentType: SIPFRAG, reader: () => parseStatusFragment }],
])

/** For the Accept of a SUBSCRIBE. */
export function contentTypeOf(event: string): string[] {
  const found = PACKAGES.get(event)
  return found ? [found.contentType] : []
}

/** Whether a state of the package can be written from an object. */
export const isKnownPackage = (event: string): boolean => PACKAGES.get(event)?.write !== undefined

export function stateReader(event: string): StateReader {
  const found = PACKAGES.get(event)
  const read = found?.reader()
  return (contentType, content) => {
    if (!read || content === '') return null
    const type = contentType.split(';', 1)[0]?.trim().toLowerCase()
    return type === found?.contentType ? (read(content) ?? null) : null
  }
}

/** Throws BAD_ARGUMENT if the state lacks what its package needs. */
export function documentOf(event: string, state: unknown, context: Context): Document {
  const found = PACKAGES.get(event)
  if (!found?.write || typeof state !== 'object' || state === null || Array.isArray(state))
    throw bad(`the state of the event “${event}” is not valid. Pass an object for presence, dialog or message-summary`)
  return { contentType: found.contentType, content: found.write(state as Fields, context) }
}

function presence({ status, note, activity }: Fields, { entity }: Context): string {
  if (status !== 'open' && status !== 'closed')
    throw bad(`the status ${JSON.stringify(status)} of a presence is not valid. Use open or closed`)
  return writePidf({ status, note: text(note), activity: text(activity) }, entity)
}

const LINES: readonly DialogInfo['line'][] = ['idle', 'trying', 'proceeding', 'early', 'confirmed']

function dialog({ line, direction, remote }: Fields, context: Context): string {
  const found = LINES.find((each) => each === line)
  if (!found) throw bad(`the line ${JSON.stringify(line)} is not valid. Use ${LINES.join(', ')}`)
  return writeDialogInfo({ line: found, direction: text(direction), remote: text(remote) }, context)
}

function summary({ waiting, messages, account }: Fields): string {
  const counted: [string, MessageCounts][] = []
  for (const [kind, counts] of Object.entries(typeof messages === 'object' && messages !== null ? messages : {})) {
    const { new: fresh, old, urgentNew, urgentOld } = (counts ?? {}) as Fields
    counted.push([
      kind,
      { new: count(fresh), old: count(old), urgentNew: count(urgentNew), urgentOld: count(urgentOld) },
    ])
  }
  const isWaiting = typeof waiting === 'boolean' ? waiting : counted.some(([, counts]) => counts.new > 0)
  return writeMessageSummary({ waiting: isWaiting, account: text(account), messages: Object.fromEntries(counted) })
}

const text = (value: unknown): string => (typeof value === 'string' ? value.slice(0, 1_024) : '')

function count(value: unknown): number {
  if (value === undefined) return 0
  if (Number.isInteger(value) && (value as number) >= 0 && (value as number) < 1e9) return value as number
  throw bad(`the number of messages ${JSON.stringify(value)} is not valid. Use a whole number from 0`)
}

const bad = (message: string): TelephonyError => new TelephonyError('BAD_ARGUMENT', message)
