/** The identity of a caller: what trusted peers assert in their messages, and the header fields of the calls that we place. */
import { TelephonyError } from '../base/errors.js'
import { splitList } from '../sip/message/list.js'
import type { HeaderField, SipMessage } from '../sip/types.js'
import { type NameAddress, parseNameAddress } from '../sip/uri/name-address.js'
import { unquote } from '../sip/uri/params.js'

/** As trusted peers assert it. Lists have at most ten entries. */
export interface CallIdentity {
  /** P-Asserted-Identity (RFC 3325): URIs. */
  asserted: string[]
  /** Privacy (RFC 3323), such as `id`. */
  privacy: string[]
  /** Diversion (RFC 5806), the latest diversion first. */
  diversion: { uri: string; reason: string }[]
  /** History-Info (RFC 7044), the first target first. `cause`: the status that led away from it. */
  history: { uri: string; index: string; cause: number | null }[]
}

const MAX_ENTRIES = 10
const MAX_TEXT = 256

/** Null if the message has none of these headers. */
export function identityOf(message: SipMessage): CallIdentity | null {
  const asserted = addressesIn(message, 'P-Asserted-Identity')
  const privacy = message.header('Privacy')
  const diversion = addressesIn(message, 'Diversion')
  const history = addressesIn(message, 'History-Info')
  if (asserted.length + diversion.length + history.length === 0 && privacy === undefined) return null
  return {
    asserted: asserted.map(uriText),
    privacy: (privacy ?? '').split(';', MAX_ENTRIES).flatMap((each) => short(each.trim().toLowerCase()) || []),
    diversion: diversion.map((each) => ({
      uri: uriText(each),
      reason: short(unquote(each.params.get('reason') ?? '')),
    })),
    history: history.map((each) => ({
      uri: uriText(each),
      index: short(each.params.get('index') ?? ''),
      cause: causeOf(each),
    })),
  }
}

const NONE: readonly NameAddress[] = []

function addressesIn(message: SipMessage, name: string): readonly NameAddress[] {
  // Most messages have none of these headers, and `header` makes no list.
  if (message.header(name) === undefined) return NONE
  return message
    .headers(name)
    .flatMap(splitList)
    .slice(0, MAX_ENTRIES)
    .flatMap((value) => parseNameAddress(value) ?? [])
}

/** Without the headers that History-Info writes into its URIs (RFC 7044 5.2). */
const uriText = ({ uri }: NameAddress): string => short(uri.text.replace(/\?.*$/s, ''))

/** RFC 7044 5.2: `?Reason=SIP%3Bcause%3D302`. RFC 4458 2: `;cause=302` in the URI. */
function causeOf({ uri }: NameAddress): number | null {
  const inReason = /(?:^|&)Reason=SIP(?:%20)*%3B(?:%20)*cause(?:%20)*%3D(?:%20)*(\d{3})(?!\d)/i.exec(uri.headers)?.[1]
  const cause = inReason ?? uri.params.get('cause')
  return cause !== undefined && /^[1-6]\d\d$/.test(cause) ? Number(cause) : null
}

const short = (text: string): string => text.slice(0, MAX_TEXT)

/** Where the caller's identity is written if it is not the account's own, or hidden. */
export type CallerIdBy = 'from' | 'pai' | 'ppi'

export interface Caller {
  uri: string
  user: string
}

interface Presentation {
  /** Replaces the account in From. */
  from?: string
  fromDisplayName?: string
  headers: HeaderField[]
}

/** RFC 3323 4.1.1.3 */
const ANONYMOUS = { from: 'sip:anonymous@anonymous.invalid', fromDisplayName: 'Anonymous' }

/** How an INVITE names its caller. `callerId`: another address than the account's own. */
export function presentationOf(init: {
  own: Caller
  callerId: Caller | undefined
  hidden: boolean
  by: CallerIdBy
}): Presentation {
  const { own, callerId, hidden, by } = init
  const { uri } = callerId ?? own
  if (hidden) {
    // RFC 3325 9.1, 9.2, 9.3: the network still learns who calls, and passes it on to nobody outside.
    const name = by === 'pai' ? 'P-Asserted-Identity' : 'P-Preferred-Identity'
    return {
      ...ANONYMOUS,
      headers: [
        [name, `<${uri}>`],
        ['Privacy', 'id'],
      ],
    }
  }
  if (!callerId) return { headers: [] }
  if (by === 'from') return { from: uri, headers: [] }
  return { headers: [[by === 'pai' ? 'P-Asserted-Identity' : 'P-Preferred-Identity', `<${uri}>`]] }
}

/** Reasons of RFC 5806 4, with the causes that RFC 7544 7 and RFC 4458 4 give them. */
const CAUSES = {
  unconditional: 302,
  'user-busy': 486,
  'no-answer': 408,
  deflection: 480,
  unavailable: 503,
  'time-of-day': 404,
  'do-not-disturb': 404,
  'follow-me': 404,
  'out-of-service': 404,
  away: 404,
  unknown: 404,
} as const satisfies Record<string, number>

export type DiversionReason = keyof typeof CAUSES

export interface Diverted {
  /** The URI that was called before. */
  uri: string
  reason: DiversionReason
}

/**
 * Headers of a call that was diverted, the latest diversion first: Diversion, and History-Info as RFC 7544 translates it, because
 * networks know one or the other. Throws BAD_ARGUMENT.
 */
export function diversionHeaders(diverted: readonly Diverted[], target: string): HeaderField[] {
  if (diverted.length === 0) return []
  if (diverted.length > MAX_ENTRIES)
    throw new TelephonyError('BAD_ARGUMENT', `${diverted.length} diversions are too many. Use at most ${MAX_ENTRIES}`)
  for (const { reason } of diverted) {
    if (!Object.hasOwn(CAUSES, reason))
      throw new TelephonyError(
        'BAD_ARGUMENT',
        `“${String(reason)}” is not a valid reason of a diversion. Use one of ${Object.keys(CAUSES).join(', ')}`,
      )
  }
  const history: string[] = []
  let index = '1'
  let cause = ''
  for (const { uri, reason } of [...diverted].reverse()) {
    history.push(`<${uri}${cause}>;index=${index}`)
    index += '.1'
    cause = `;cause=${CAUSES[reason]}`
  }
  history.push(`<${target}${cause}>;index=${index}`)
  return [
    ['Diversion', diverted.map(({ uri, reason }) => `<${uri}>;reason=${reason}`).join(', ')],
    ['History-Info', history.join(', ')],
  ]
}
