import { type Params, parseParams } from '../uri/params.js'

/** One hop: `SIP/2.0/UDP host:port;branch=z9hG4bK…` (RFC 3261 20.42). */
export interface Via {
  /** `2.0`; another one is answered 505, for which the Via has to be readable. */
  version: string
  transport: string
  host: string
  port: number | undefined
  /** '' where there is none: a peer of RFC 2543. */
  branch: string
  received: string | undefined
  /** RFC 3581: '' asks for it, a number answers. Undefined: not asked. */
  rport: string | undefined
  params: Params
}

const SENT_BY = /^SIP ?\/ ?(\d\.\d) ?\/ ?([\w!%*.+`'~-]+) (\[[0-9a-f:.]+\]|[a-z0-9._-]+) ?(?:: ?(\d{1,5}) ?)?(?=;|$)/i

export function parseVia(value: string): Via | undefined {
  const text = value.replace(/[ \t]+/g, ' ').trim()
  const match = SENT_BY.exec(text)
  const [whole, version, transport, host, port] = match ?? []
  if (whole === undefined || !version || !transport || !host || Number(port ?? 0) > 65535) return undefined
  const params = parseParams(text.slice(whole.length))
  if (!params) return undefined
  return {
    version,
    transport: transport.toUpperCase(),
    host: host.toLowerCase(),
    port: port === undefined ? undefined : Number(port),
    branch: params.get('branch') ?? '',
    received: params.get('received'),
    rport: params.has('rport') ? (params.get('rport') ?? '') : undefined,
    params,
  }
}

/** RFC 3261 17.2.3: only branches that start so were made to be unique. */
export const BRANCH_COOKIE = 'z9hG4bK'

export const isUniqueBranch = (branch: string): boolean =>
  branch.length > BRANCH_COOKIE.length && branch.startsWith(BRANCH_COOKIE)

export const formatSentBy = (via: Via): string => (via.port === undefined ? via.host : `${via.host}:${via.port}`)

/**
 * The Via as the server transport hands it on: `received` where the source differs from sent-by (RFC 3261 18.2.1) or
 * where `rport` is asked for, and `rport` filled in then (RFC 3581 4). Whatever a sender wrote into either itself does
 * not survive.
 */
export function stampVia(via: Via, source: { host: string; port: number }): string {
  const wantsPort = via.rport !== undefined
  let text = `SIP/${via.version}/${via.transport} ${formatSentBy(via)}`
  for (const [name, value] of via.params) {
    if (name === 'received' || name === 'rport') continue
    text += value === undefined ? `;${name}` : `;${name}=${value}`
  }
  const received = source.host.replace(/%.*$/, '') // a zone is this machine's own
  if (wantsPort || via.host.replace(/^\[|\]$/g, '') !== received) text += `;received=${received}`
  if (wantsPort) text += `;rport=${source.port}`
  return text
}
