/** RFC 3842: waiting messages of a mailbox. */
export const MESSAGE_SUMMARY = 'application/simple-message-summary'

export interface MessageCounts {
  new: number
  old: number
  urgentNew: number
  urgentOld: number
}

export interface MessageSummary {
  waiting: boolean
  account: string
  /** By kind: `voice`, `fax`, `text` … */
  messages: Record<string, MessageCounts>
}

const COUNTS = /^\s*(\d{1,9})\s*\/\s*(\d{1,9})\s*(?:\(\s*(\d{1,9})\s*\/\s*(\d{1,9})\s*\))?/
const KINDS = ['voice', 'fax', 'pager', 'multimedia', 'text', 'none']
const MAX_LENGTH = 16_384

/** Undefined: no Messages-Waiting line. */
export function parseMessageSummary(text: string): MessageSummary | undefined {
  if (text.length > MAX_LENGTH) return undefined
  let waiting: boolean | undefined
  let account = ''
  const messages: Record<string, MessageCounts> = {}
  for (const line of text.split(/\r?\n/)) {
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(0, colon)).trim().toLowerCase()
    const value = line.slice(colon + 1).trim()
    const kind = name.replace(/-message$/, '')
    if (name === 'messages-waiting') waiting = value.toLowerCase() === 'yes'
    else if (name === 'message-account') account = value.slice(0, 256)
    else if (kind !== name && KINDS.includes(kind)) {
      const [, fresh, old, urgentNew = 0, urgentOld = 0] = COUNTS.exec(value) ?? []
      if (fresh === undefined) continue
      messages[kind] = {
        new: Number(fresh),
        old: Number(old),
        urgentNew: Number(urgentNew),
        urgentOld: Number(urgentOld),
      }
    }
  }
  return waiting === undefined ? undefined : { waiting, account, messages }
}

export function writeMessageSummary({ waiting, account, messages }: MessageSummary): string {
  const counted = Object.entries(messages).flatMap(([kind, counts]) =>
    KINDS.includes(kind)
      ? [
          `${kind[0]?.toUpperCase()}${kind.slice(1)}-Message: ${counts.new}/${counts.old} (${counts.urgentNew}/${counts.urgentOld})`,
        ]
      : [],
  )
  const lines = [
    `Messages-Waiting: ${waiting ? 'yes' : 'no'}`,
    ...(account === '' ? [] : [`Message-Account: ${account.replace(/[\r\n]/g, '')}`]),
    ...counted,
  ]
  return `${lines.join('\r\n')}\r\n`
}
