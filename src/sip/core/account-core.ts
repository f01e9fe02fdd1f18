import {
  type Body,
  type Dialog,
  type IncomingRequestMessage,
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
import { OutgoingRequest } from '../message/outgoing-request.js'
import type { ParsedRequest } from '../message/parsed-message.js'

/** What all accounts of an endpoint have in common, so that one look into a map finds the owner of a message. */
export class SharedMaps {
  readonly dialogs = new Map<string, Dialog>()
  readonly clients = new Map<string, UserAgentClient>()
  readonly servers = new Map<string, UserAgentServer>()
}

export type Reply = (request: ParsedRequest, options: ResponseOptions) => string

/** sip.js' user agent for one account. Receiving is the dispatcher's; this one sends. */
export class AccountCore extends UserAgentCore {
  readonly #reply: Reply

  constructor(deps: { maps: SharedMaps; reply: Reply }, configuration: UserAgentCoreConfiguration) {
    super(configuration)
    this.dialogs = deps.maps.dialogs
    this.userAgentClients = deps.maps.clients
    this.userAgentServers = deps.maps.servers
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
    const { displayName, routeSet, userAgentHeaderFieldValue, viaHost } = this.configuration
    const lines = [...(extraHeaders ?? [])]
    // RFC 3261 20.41: optional, but never empty.
    if (userAgentHeaderFieldValue) lines.push(`User-Agent: ${userAgentHeaderFieldValue}`)
    return new OutgoingRequest(
      method,
      requestURI,
      fromURI,
      toURI,
      { fromDisplayName: displayName, forceRport: true, routeSet, viaHost, ...options },
      lines,
      body,
    )
  }

  override replyStateless(message: IncomingRequestMessage, options: ResponseOptions): OutgoingResponse {
    return { message: this.#reply(message as ParsedRequest, options) } // none but the parser makes requests
  }

  /** The maps belong to the endpoint. */
  override dispose(): void {}
}
