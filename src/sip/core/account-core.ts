import {
  type Body,
  type Dialog,
  type IncomingRequestMessage,
  type OutgoingRequestDelegate,
  type OutgoingRequestMessage,
  type OutgoingRequestMessageOptions,
  type OutgoingResponse,
  type ResponseOptions,
  type URI,
  type UserAgentClient,
  UserAgentCore,
  type UserAgentCoreConfiguration,
  type UserAgentServer,
} from 'sip.js/lib/core/index.js'
import { TransientMap } from '../../base/transient-map.js'
import { OutgoingRequest } from '../message/outgoing-request.js'
import type { ParsedRequest } from '../message/parsed-message.js'
import { parseNameAddr } from '../uri/name-addr.js'
import { parseUri } from '../uri/sip-uri.js'
import { RequestClient } from './user-agent-clients.js'

/** What all accounts of an endpoint have in common, so that one look into a map finds the owner of a message. */
export class SharedMaps {
  readonly dialogs = new TransientMap<string, Dialog>()
  readonly clients = new TransientMap<string, UserAgentClient>()
  readonly servers = new TransientMap<string, UserAgentServer>()
  /** INVITEs of ours without a final answer yet, by `sideKey` of ours. */
  readonly inviting = new TransientMap<string, true>()
  /** Dialogs that peers have made, by `sideKey` of theirs: some peers leave our tag out of their requests. */
  readonly byPeer = new TransientMap<string, Dialog>()
}

/** One side of a dialog: its Call-ID and the tag of that side. */
export const sideKey = (callId: string, tag: string): string => `${callId} ${tag}`

/** Core calls `get`, `set`, `has` and `delete`; what calls more (`dispose`) is overridden here. */
const asMap = <V>(map: TransientMap<string, V>): Map<string, V> => map as unknown as Map<string, V>

export type Reply = (request: ParsedRequest, options: ResponseOptions) => string

/**
 * RFC 3261 12.2.1.1: a first hop without `lr` is a strict router (RFC 2543). It finds itself in the Request-URI, and the
 * target last among the routes.
 */
function strictWay(target: URI, routeSet: readonly string[]): { requestUri: URI; routeSet: string[] } | undefined {
  const [first = '', ...others] = routeSet
  const hop = parseNameAddr(first)?.sipUri
  if (!hop || hop.isLoose) return undefined
  const requestUri = parseUri(hop.text.split('?', 1)[0] ?? '') ?? hop
  return { requestUri, routeSet: [...others, `<${target.toRaw()}>`] }
}

/** The route set of requests to one domain. Only the host and the port of the URI count. */
export interface HomeRoutes {
  domain: URI
  routeSet: readonly string[]
}

const DEFAULT_PORT = 5060

const authorityOf = ({ host, port }: URI): string => `${host.toLowerCase()}:${port ?? DEFAULT_PORT}`

type SentRequest = ReturnType<UserAgentCore['request']>

/** sip.js' user agent for one account. Receiving is the dispatcher's; this one sends. */
export class AccountCore extends UserAgentCore {
  readonly #reply: Reply
  readonly #home: HomeRoutes | undefined

  constructor(deps: { maps: SharedMaps; reply: Reply; home?: HomeRoutes }, configuration: UserAgentCoreConfiguration) {
    super(configuration)
    this.#home = deps.home
    this.dialogs = asMap(deps.maps.dialogs)
    this.userAgentClients = asMap(deps.maps.clients)
    this.userAgentServers = asMap(deps.maps.servers)
    this.#reply = deps.reply
  }

  override makeOutgoingRequestMessage(
    method: string,
    requestURI: URI,
    fromURI: URI,
    toURI: URI,
    options: OutgoingRequestMessageOptions,
    extraHeaders?: string[],
    body?: Body,
  ): OutgoingRequestMessage {
    const { displayName, userAgentHeaderFieldValue, viaHost } = this.configuration
    const routeSet = this.#routeSetTo(requestURI)
    const lines = [...(extraHeaders ?? [])]
    // RFC 3261 20.41: optional, but never empty.
    if (userAgentHeaderFieldValue) lines.push(`User-Agent: ${userAgentHeaderFieldValue}`)
    const all = { fromDisplayName: displayName, forceRport: true, routeSet, viaHost, ...options }
    // A CANCEL copies what it cancels (RFC 3261 9.1), whose Request-URI has been exchanged already.
    const way = method === 'CANCEL' ? undefined : strictWay(requestURI, all.routeSet)
    if (!way) return new OutgoingRequest(method, requestURI, fromURI, toURI, all, lines, body)
    const exchanged = { ...all, routeSet: way.routeSet }
    const request = new OutgoingRequest(method, way.requestUri, fromURI, toURI, exchanged, lines, body)
    request.strict = true
    return request
  }

  /** RFC 3261 8.1.2: the pre-existing route set of a request outside of dialogs. */
  #routeSetTo(target: URI): string[] {
    const home = this.#home
    return home && authorityOf(home.domain) === authorityOf(target) ? [...home.routeSet] : this.configuration.routeSet
  }

  override request(request: OutgoingRequestMessage, delegate?: OutgoingRequestDelegate): SentRequest {
    return new RequestClient(this, request, delegate) as SentRequest
  }

  override replyStateless(message: IncomingRequestMessage, options: ResponseOptions): OutgoingResponse {
    return { message: this.#reply(message as ParsedRequest, options) } // none but the parser makes requests
  }

  /** The maps belong to the endpoint. */
  override dispose(): void {}
}
