/** RFC 4235: the dialogs of a telephone, and what they say of its line. */
import { attribute, child, childrenOf, countIn, escapeXml, parseXml, textIn, type XmlElement } from './xml.js'

export const DIALOG_INFO = 'application/dialog-info+xml'

/** RFC 4235 3.7.1; the most advanced dialog decides over the line. `terminated`: no call. */
const STATES = ['terminated', 'trying', 'proceeding', 'early', 'confirmed'] as const
export type DialogState = (typeof STATES)[number]

export interface DialogInfo {
  entity: string
  /** `idle`: no call. */
  line: 'idle' | Exclude<DialogState, 'terminated'>
  dialogs: {
    id: string
    state: DialogState
    /** `initiator`, `recipient` or ''. */
    direction: string
    /** `cancelled`, `rejected`, `replaced`, `local-bye` …, of a dialog that has ended; or ''. */
    event: string
    callId: string
    local: { uri: string; displayName: string }
    remote: { uri: string; displayName: string }
  }[]
}

type Entry = DialogInfo['dialogs'][number]

const MAX_DIALOGS = 200

interface Document {
  entity: string
  version: number
  isFull: boolean
  dialogs: Entry[]
}

function parseDocument(text: string): Document | undefined {
  const root = parseXml(text)
  if (root?.name !== 'dialog-info') return undefined
  return {
    entity: attribute(root, 'entity'),
    version: countIn(root, 'version'),
    isFull: attribute(root, 'state') !== 'partial',
    dialogs: childrenOf(root, 'dialog').slice(0, MAX_DIALOGS).map(entryOf),
  }
}

function entryOf(dialog: XmlElement): Entry {
  const state = child(dialog, 'state')
  const word = textIn(state).toLowerCase()
  return {
    id: attribute(dialog, 'id'),
    state: STATES.find((each) => each === word) ?? 'terminated',
    direction: attribute(dialog, 'direction'),
    event: attribute(state, 'event'),
    callId: attribute(dialog, 'call-id'),
    local: partyOf(child(dialog, 'local')),
    remote: partyOf(child(dialog, 'remote')),
  }
}

function partyOf(party: XmlElement | undefined): { uri: string; displayName: string } {
  const identity = child(party, 'identity')
  return {
    uri: textIn(identity) || attribute(child(party, 'target'), 'uri'),
    displayName: attribute(identity, 'display') || attribute(identity, 'display-name'),
  }
}

/** Joins the full and partial documents of one subscription (RFC 4235 4.3). */
export class DialogInfoReader {
  readonly #dialogs = new Map<string, Entry>()
  #version = -1

  /** Undefined: not a dialog-info document, or an old one. */
  read(text: string): DialogInfo | undefined {
    const document = parseDocument(text)
    if (!document) return undefined
    const { isFull, version, entity, dialogs } = document
    // A full document with a lower number comes from a notifier that has started again.
    if (!isFull && version <= this.#version) return undefined
    this.#version = version
    if (isFull) this.#dialogs.clear()
    for (const dialog of dialogs) {
      if (this.#dialogs.size < MAX_DIALOGS || this.#dialogs.has(dialog.id)) this.#dialogs.set(dialog.id, dialog)
    }
    const known = [...this.#dialogs.values()]
    for (const { id, state } of known) if (state === 'terminated') this.#dialogs.delete(id)
    return { entity, line: lineOf(known), dialogs: known.map((dialog) => ({ ...dialog })) }
  }
}

function lineOf(dialogs: readonly Entry[]): DialogInfo['line'] {
  const most = Math.max(0, ...dialogs.map(({ state }) => STATES.indexOf(state)))
  const state = STATES[most] ?? 'terminated'
  return state === 'terminated' ? 'idle' : state
}

export function writeDialogInfo(
  { line, direction, remote }: { line: DialogInfo['line']; direction: string; remote: string },
  { entity, version }: { entity: string; version: number },
): string {
  const directed = direction === 'initiator' || direction === 'recipient' ? ` direction="${direction}"` : ''
  const peer = remote === '' ? '' : `<remote><identity>${escapeXml(remote)}</identity></remote>`
  const dialog = line === 'idle' ? '' : `<dialog id="d1"${directed}><state>${line}</state>${peer}</dialog>`
  return (
    '<?xml version="1.0" encoding="UTF-8"?>\r\n' +
    `<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="${version}" state="full" entity="${escapeXml(entity)}">` +
    `${dialog}</dialog-info>\r\n`
  )
}
