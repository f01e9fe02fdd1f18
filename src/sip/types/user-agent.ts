import type { SipUri } from '../uri/sip-uri.js'
import type { SipAddress, SipProtocol } from './address.js'
import type { Authenticator } from './authentication.js'
import type { SipDialog } from './dialog.js'
import type { IncomingInvite, OutgoingInvite, OutgoingInviteHandlers, OutgoingInviteInit } from './invite.js'
import type { FinalResponse, HeaderField, SipBody, SipRequest } from './message.js'
import type { RequestHandler } from './request.js'
import type { IncomingSubscription, OutgoingSubscription, SubscribeInit, SubscriptionHandlers } from './subscription.js'

/** One account as the SIP layer sees it. */
export interface UserAgentInit {
  /** Address of record, `sip:alice@example.com`. */
  aor: string
  displayName: string
  /** User part of our Contact: where requests from outside find this account. Unique per endpoint. */
  contactUser: string
  /**
   * Takes requests for users that no account of the endpoint has: the numbers of a trunk. The first account that says
   * so gets them.
   */
  anyUser?: boolean
  /** For URIs that name no transport. Default: an open connection to the same peer, else the endpoint's first protocol. */
  protocol?: SipProtocol
  /** Ordered Route header values for every request outside of dialogs: `<sip:proxy:5060;lr>`. */
  routeSet: readonly string[]
  /** The route set of requests to this domain (host, or host:port) instead, because another server serves it. */
  home?: { domain: string; routeSet: readonly string[] }
  authenticator: Authenticator
  /** PRACK (RFC 3262). `required`: calls whose peer does not support it are refused with 421. Absent: supported. */
  reliableProvisional?: 'off' | 'supported' | 'required'
  /** Absent: every source is known. */
  sources?: AccountSources
  /** The session interval that we ask for (RFC 4028); 0 or absent: none, but one that the peer asks for is kept. */
  sessionExpiresSec?: number
  handlers: UserAgentHandlers
}

/** Which sources an account hears. Plain data, so that an endpoint can merge what all its accounts say. */
export interface AccountSources {
  /** Addresses and CIDR blocks of known peers. They always get an answer, and no limit holds for them. */
  known: readonly string[]
  /** Takes requests from all other sources as well, within limits. */
  anyone: boolean
  /** What sources get that no account of the endpoint takes requests from. One account with `silence` decides for all. */
  strangers: 'silence' | '403'
}

export type Admission = { admit: true } | { admit: false; status: number; reason?: string }

export interface UserAgentHandlers {
  /**
   * Asked for every request outside of a dialog that is addressed to this account and comes from a source that it hears,
   * before any state is kept.
   */
  admit(request: SipRequest): Admission
  invite(invite: IncomingInvite): void
  /** Whether its calls are answered or refused as soon as they come, so that 100 Trying need not be sent first. Absent: no. */
  decidesAtOnce?(): boolean
  /** MESSAGE, NOTIFY … outside of dialogs. Without a handler 405. OPTIONS is answered 200 by the layer once admitted. */
  request?: RequestHandler
  /** SUBSCRIBE. Without a handler 489. */
  subscription?(incoming: IncomingSubscription): void
  /** A connection that we had opened has ended: what was registered over it cannot be reached any more (RFC 5626 4.4). */
  flowLost?(peer: SipAddress): void
}

export interface RequestResult {
  response: FinalResponse
  /** The highest CSeq that was used; authentication adds to it. */
  cseq: number
  /** The URI of our Contact, as it was sent last. Absent: the request had none, or has not left. */
  contactUri?: string
}

/** What a registrar has told, as far as it changes later requests. */
export interface AccountBinding {
  /** The URI by which any peer reaches this very account (RFC 5627 4.2): the Contact of dialogs. */
  gruu?: string
  /** Route of our requests outside of dialogs, beside our own proxies (RFC 3608 5). */
  serviceRoute: readonly string[]
  /** Calls come by the flow that we have registered over, which has to be kept alive (RFC 5626 4.2.1, 6). The Contact of dialogs has `ob` (4.3). */
  isOutbound: boolean
}

export interface UserAgent {
  /** Of the account's usual protocol. */
  readonly contactUri: string
  /** Replaces host and port of the usual Contact, in dialogs too; undefined: the configured ones. False: nothing has changed. */
  publish(address: { host: string; port: number } | undefined): boolean
  /**
   * Out-of-dialog request other than INVITE: REGISTER, OPTIONS, MESSAGE. Rejects for nothing but BAD_TARGET and
   * BAD_HEADER.
   */
  request(init: {
    method: string
    /** Request-URI. */
    target: string | SipUri
    from?: string | SipUri
    to?: string | SipUri
    sipCallId: string
    cseq: number
    headers?: readonly HeaderField[]
    /** Adds our Contact, with these parameters: `;expires=600`. */
    contactParams?: string
    /** Bindings that end with this REGISTER: they are listed with `expires=0` (RFC 3261 10.2.2), without the one that it makes. */
    oldContacts?: readonly string[]
    body?: SipBody
    /** Aborted: the wait ends at once with a local 503. */
    signal?: AbortSignal
  }): Promise<RequestResult>
  /** Throws BAD_TARGET, BAD_HEADER or BAD_ARGUMENT. */
  subscribe(init: SubscribeInit, handlers: SubscriptionHandlers): OutgoingSubscription
  invite(init: OutgoingInviteInit, handlers: OutgoingInviteHandlers): OutgoingInvite
  /**
   * Takes over a dialog of another user agent, whose local address is gone: it goes on from this endpoint, with this Contact. What
   * waits for an answer there has one at once (503). The peer learns of it by the next re-INVITE (RFC 3261 12.2.1.1, 14.1).
   */
  adopt(dialog: SipDialog): void
  /** Sends line breaks (RFC 5626 3.5.1): by UDP they only keep the bindings of NATs; a connection that does not answer them as before is closed. */
  keepAlive(to: SipAddress): void
  /** Opens a connection to the next hop of this URI, or finds the open one; its address. Rejects with TRANSPORT. */
  openFlow(target: string): Promise<SipAddress>
  /** What the registrar has told; undefined: the account is not registered. */
  setBinding(binding: AccountBinding | undefined): void
  /** Replaces `sources`. */
  setSources(sources: AccountSources): void
  /** Stops taking requests for this account; dialogs that live go on. */
  close(): void
}
