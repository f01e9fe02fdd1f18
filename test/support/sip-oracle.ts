/**
 * What a message or a URI says, read by our parser and by that of sip.js: an independent second opinion. A view is flat, path → value,
 * so that two views can be compared and a difference has a name.
 */
import { Parser } from 'sip.js/lib/core/messages/parser.js'
import { Grammar } from 'sip.js/lib/grammar/grammar.js'
import type { NameAddrHeader } from 'sip.js/lib/grammar/name-addr-header.js'
import type { URI } from 'sip.js/lib/grammar/uri.js'
import { octetsOf } from '../../src/base/octets.js'
import { type ParsedMessage, ParsedRequest, type ParsedResponse } from '../../src/sip/message/parsed-message.js'
import { parseMessage } from '../../src/sip/message/parser.js'
import { parseVia, type Via } from '../../src/sip/message/via.js'
import { type NameAddress, parseNameAddress } from '../../src/sip/uri/name-address.js'
import { parseUri, type SipUri } from '../../src/sip/uri/sip-uri.js'
import { SOURCE } from './sip-messages.js'

export type View = Record<string, string | number>

const SILENT = { log() {}, debug() {}, warn() {}, error() {} } as unknown as Parameters<typeof Parser.parseMessage>[1]
const LISTS = ['contact', 'record-route'] as const

/** Paths at which two views differ, each with both values; undefined: the view has no value there. */
export function differences(ours: View, theirs: View): Record<string, [ours: unknown, theirs: unknown]> {
  const found: Record<string, [unknown, unknown]> = {}
  for (const path of new Set([...Object.keys(ours), ...Object.keys(theirs)].sort())) {
    if (ours[path] !== theirs[path]) found[path] = [ours[path], theirs[path]]
  }
  return found
}

/** Undefined: refused. */
export function ourView(text: string): View | undefined {
  const message = ourMessage(text)
  if (!message) return undefined
  const view = ourCommon(message)
  if (message instanceof ParsedRequest) Object.assign(view, { method: message.method }, ourUri('uri', message.uri))
  else Object.assign(view, { status: message.status, reason: message.reason, method: message.method })
  return view
}

export function ourMessage(text: string): ParsedRequest | ParsedResponse | undefined {
  try {
    return parseMessage(octetsOf(text), SOURCE)
  } catch {
    return undefined
  }
}

function ourCommon(message: ParsedMessage): View {
  const view: View = { callId: message.callId, cseq: message.cseq, body: message.body }
  Object.assign(view, ourAddress('from', message.from), ourAddress('to', message.to))
  message.vias.forEach((text, at) => {
    const via = at === 0 ? message.via : parseVia(text)
    if (via) Object.assign(view, ourVia(`via ${at}`, via))
  })
  for (const name of LISTS)
    message.headers(name).forEach((text, at) => {
      const address = parseNameAddress(text)
      Object.assign(view, address ? ourAddress(`${name} ${at}`, address) : { [`${name} ${at}`]: text })
    })
  return view
}

export function ourUriView(text: string): View | undefined {
  const uri = parseUri(text)
  return uri && ourUri('uri', uri)
}

function ourUri(path: string, uri: SipUri): View {
  const view: View = { [`${path} scheme`]: uri.scheme, [`${path} user`]: uri.user, [`${path} host`]: uri.host }
  if (uri.port !== undefined) view[`${path} port`] = uri.port
  if (uri.headers !== '') view[`${path} headers`] = uri.headers.toLowerCase()
  return { ...view, ...params(path, uri.params) }
}

function ourAddress(path: string, address: NameAddress): View {
  return {
    [`${path} name`]: address.displayName,
    ...ourUri(`${path} uri`, address.uri),
    ...params(path, address.params),
  }
}

function ourVia(path: string, via: Via): View {
  const view: View = { [`${path} transport`]: via.transport, [`${path} host`]: via.host }
  if (via.port !== undefined) view[`${path} port`] = via.port
  return { ...view, ...params(path, via.params) }
}

function params(path: string, list: Iterable<readonly [string, string | null | undefined]>): View {
  const view: View = {}
  for (const [name, value] of list) view[`${path} ;${name}`] ??= value ?? '(no value)'
  return view
}

/** Undefined: refused. An exception is a refusal as well. */
export function theirView(text: string): View | undefined {
  try {
    const message = Parser.parseMessage(text, SILENT)
    if (!message) return undefined
    const view: View = { callId: message.callId, cseq: message.cseq, body: message.body, method: message.method }
    Object.assign(view, theirAddress('from', message.from), theirAddress('to', message.to))
    for (const at of message.getHeaders('via').keys()) {
      Object.assign(view, theirVia(`via ${at}`, message.parseHeader('via', at) as TheirVia))
    }
    for (const name of LISTS)
      for (const at of message.getHeaders(name).keys()) {
        const address = message.parseHeader(name, at) as NameAddrHeader | '*'
        Object.assign(view, address === '*' ? { [`${name} ${at}`]: '*' } : theirAddress(`${name} ${at}`, address))
      }
    if ('ruri' in message) Object.assign(view, theirUri('uri', message.ruri as URI))
    else Object.assign(view, { status: message.statusCode, reason: message.reasonPhrase })
    return view
  } catch {
    return undefined
  }
}

export function theirUriView(text: string): View | undefined {
  const uri = Grammar.URIParse(text)
  return uri && theirUri('uri', uri)
}

interface TheirVia {
  transport: string
  host: string
  port?: number
  branch?: string
  received?: string
  rport?: number
  params?: Record<string, string | undefined>
}

function theirUri(path: string, uri: URI): View {
  const { parameters, headers } = uri as unknown as {
    parameters: Record<string, string | null>
    headers: Record<string, string[]>
  }
  const view: View = { [`${path} scheme`]: uri.scheme, [`${path} user`]: uri.user ?? '', [`${path} host`]: uri.host }
  if (uri.port !== undefined) view[`${path} port`] = uri.port
  const pairs = Object.entries(headers).flatMap(([name, values]) => values.map((value) => `${name}=${value}`))
  if (pairs.length > 0) view[`${path} headers`] = pairs.join('&').toLowerCase()
  return { ...view, ...params(path, Object.entries(parameters)) }
}

function theirAddress(path: string, address: NameAddrHeader): View {
  const { parameters } = address as unknown as { parameters: Record<string, string | null> }
  return {
    [`${path} name`]: address.displayName ?? '',
    ...theirUri(`${path} uri`, address.uri),
    ...params(path, Object.entries(parameters)),
  }
}

function theirVia(path: string, via: TheirVia): View {
  const view: View = { [`${path} transport`]: via.transport, [`${path} host`]: via.host.toLowerCase() }
  if (via.port !== undefined) view[`${path} port`] = via.port
  const named = Object.entries({ branch: via.branch, received: via.received }).filter(
    ([, value]) => value !== undefined,
  )
  return { ...view, ...params(path, [...named, ...Object.entries(via.params ?? {})]) }
}
