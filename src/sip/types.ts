/**
 * What the SIP layer offers to accounts and calls. No type of sip.js is named here, so that the layer below can be
 * replaced. Everything is one account's view; sockets, transactions and dialogs are shared underneath.
 */

/** RFC 3261 18. Others (TLS, WebSocket) will stand here. */
export type SipProtocol = 'udp' | 'tcp'

/** What a transport listens on, at one port. */
export type TransportProtocol = SipProtocol | 'udp+tcp'

/** Where a message came from or goes to. IPv6 without brackets. */
export interface SipAddress {
  protocol: SipProtocol
  host: string
  port: number
}

export interface SipBody {
  contentType: string
  content: string
}

/** Name in canonical spelling (`Content-Type`), value without CR or LF; refused with BAD_HEADER otherwise. */
export type HeaderField = readonly [name: string, value: string]

export interface NameAddr {
  /** As text, e.g. `sip:alice@example.com`. */
  uri: string
  /** Decoded user part; '' where the URI has none. */
  user: string
  host: string
  displayName: string
  tag?: string
}

export interface SipMessage {
  callId: string
  cseq: number
  method: string
  from: NameAddr
  to: NameAddr
  /** First value of a header, folded lines joined. Case-insensitive, compact forms known. */
  header(name: string): string | undefined
  headers(name: string): string[]
  body?: SipBody
  source: SipAddress
}

export interface SipRequest extends SipMessage {
  /** Request-URI as text, and its decoded user part. */
  uri: string
  uriUser: string
}

export interface SipResponse extends SipMessage {
  status: number
  reason: string
}

/** RFC 7616 challenge as parsed from WWW-Authenticate or Proxy-Authenticate. */
export interface Challenge {
  /** 401: the UAS or registrar asks; 407: a proxy. */
  status: 401 | 407
  realm: string
  nonce: string
  opaque?: string
  algorithm: string
  qop: string[]
  stale: boolean
}

/** What credentials are made for. */
export interface UnaskedRequest {
  method: string
  /** Request-URI as it goes over the wire. */
  uri: string
  callId: string
  body: string
}

/** Answers challenges; the SIP layer resends with the same Call-ID and From tag, CSeq + 1 (RFC 3261 22.2). */
export interface Authenticator {
  /**
   * `Authorization` / `Proxy-Authorization` values for these challenges, or undefined where there are no (more)
   * credentials to try: then the 401/407 is the final answer. `attempt` counts from 1 within one request. The
   * challenges are those of everybody who has asked for credentials to this request so far, each realm's latest. Loops
   * are the SIP layer's to end: a realm that asks twice running without `stale` is not put here a second time.
   * `callId` and `method` tell requests apart that are under way at the same time.
   */
  answer(
    challenges: readonly Challenge[],
    request: UnaskedRequest & {
      attempt: number
      /** The challenge came within a dialog, where whoever we talk to may have sent it. Absent: told by the method. */
      inDialog?: boolean
      /** Address that the challenge came from. */
      source?: string
    },
  ): HeaderField[] | undefined
  /** Credentials that the servers on this way will ask for, as far as they are known; sent with the first try. */
  ahead?(request: UnaskedRequest): HeaderField[]
  /** The request had a final answer that was no challenge: its credentials were taken. */
  accepted?(request: UnaskedRequest): void
  /** What went ahead was not taken. */
  refused?(request: UnaskedRequest): void
}

/** Why the peer has not answered a request: 408 (Timer B/F), 503 (transport error). RFC 3261 8.1.3.1 treats them so. */
export interface LocalFinalResponse {
  status: 408 | 503
  reason: string
  local: true
  /** The request has not left at all: the peer knows nothing of it. */
  unsent?: true
}

export type FinalResponse = SipResponse | LocalFinalResponse

export const isLocal = (response: FinalResponse): response is LocalFinalResponse => 'local' in response

export interface OutgoingInviteInit {
  /** Request-URI; To as well, unless that is given. */
  target: string
  /** RFC 3261 8.1.3.4: after a redirection To stays what it was. */
  to?: string
  /** The INVITE that was redirected: this one has its From tag, and the next CSeq (8.1.3.4). */
  after?: Pick<OutgoingInvite, 'fromTag' | 'cseq'>
  headers?: readonly HeaderField[]
  body: SipBody
  /** Overrides the account's display name. */
  fromDisplayName?: string
  sipCallId: string
}

export interface OutgoingInviteHandlers {
  /** 101-199, once per response; with body where the response had one. */
  progress(response: SipResponse): void
  /** First 2xx; it is acknowledged when this returns. Further 2xx of other forks get ACK and BYE by the SIP layer. */
  answered(dialog: SipDialog, response: SipResponse): void
  /** Any final answer but 2xx (after authentication), or none at all. Called once, never after `answered`. */
  failed(response: FinalResponse): void
}

export interface OutgoingInvite {
  readonly fromTag: string
  /** The highest that was sent: each challenge adds one. */
  readonly cseq: number
  /**
   * `reason`: value of a Reason header (RFC 3326), `SIP;cause=200;text="Call completed elsewhere"`. CANCEL as soon as
   * it may be sent (RFC 3261 9.1); `failed` follows with 487, or 408 if the peer stays silent. A 2xx that crosses it
   * gets ACK and BYE, and `failed` 487.
   */
  cancel(reason?: string): void
}

/** An INVITE outside of any dialog that the account's policy let in. 100 Trying has been sent. */
export interface IncomingInvite {
  readonly request: SipRequest
  /** 180 or 183; several may be sent. */
  progress(status: number, init?: { reason?: string; headers?: readonly HeaderField[]; body?: SipBody }): void
  accept(init: { headers?: readonly HeaderField[]; body: SipBody }): SipDialog
  reject(status: number, init?: { reason?: string; headers?: readonly HeaderField[] }): void
  /**
   * Set by the call as soon as it gets the invite. `cancelled`: the CANCEL has been answered and 487 sent; `reasons` are
   * the values of its Reason headers (RFC 3326). From then on (and after `accept` or `reject`) `progress` and `reject` do nothing, and `accept`
   * throws WRONG_STATE.
   */
  handlers: { cancelled?(reasons: readonly string[]): void }
}

/** A re-INVITE or UPDATE with an offer, or a re-INVITE without a body: then our answer is the offer. */
export interface IncomingOffer {
  readonly request: SipRequest
  accept(init: { headers?: readonly HeaderField[]; body?: SipBody }): void
  reject(status: number, init?: { reason?: string; headers?: readonly HeaderField[] }): void
}

export interface SipDialogHandlers {
  /** The peer's BYE; 200 has been sent. */
  bye?(request: SipRequest): void
  /** The ACK to our 2xx has come (RFC 3261 13.3.1.4), with its body for offers in 2xx. */
  acknowledged?(body: SipBody | undefined): void
  /** No ACK for 64*T1: the call has to end by BYE. */
  ackTimeout?(): void
  reinvite?(offer: IncomingOffer): void
  /** INFO in the dialog; the returned status is the answer. Without handler 200 is sent. */
  info?(request: SipRequest): number
  /**
   * 408 or 481 to a request of ours within the dialog: it is gone (RFC 3261 12.2.1.2). 503: our ACK could not be sent, without which the
   * peer will not keep the call. A BYE has been sent.
   */
  lost?(response: FinalResponse): void
}

export interface SipDialog {
  readonly sipCallId: string
  readonly localTag: string
  /** '' where the peer has none (RFC 3261 12.1.1, 12.1.2). */
  readonly remoteTag: string
  handlers: SipDialogHandlers
  /** Any request within the dialog but INVITE and BYE; resolves with its final answer, authenticated where asked. */
  request(method: string, init?: { headers?: readonly HeaderField[]; body?: SipBody }): Promise<FinalResponse>
  /**
   * re-INVITE; resolves with its final answer, the ACK has been sent. 491 is the caller's to retry. Rejects with
   * WRONG_STATE while another one is in progress.
   */
  reinvite(body: SipBody): Promise<FinalResponse>
  /**
   * Waits for the ACK to our 2xx first where that is still outstanding (RFC 3261 15). Idempotent; resolves when
   * answered or timed out.
   */
  bye(init?: { headers?: readonly HeaderField[] }): Promise<FinalResponse>
}

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
  /** Absent: every source is known. */
  sources?: AccountSources
  /** Values for Allow/Supported beyond the layer's own are not needed yet. */
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
  /**
   * MESSAGE, NOTIFY … outside of dialogs: the returned status is the answer. OPTIONS is answered 200 by the layer once
   * admitted.
   */
  request?(request: SipRequest): number
  /** A connection that we had opened has ended: what was registered over it cannot be reached any more (RFC 5626 4.4). */
  flowLost?(peer: SipAddress): void
}

export interface UserAgent {
  readonly contactUri: string
  /**
   * Out-of-dialog request other than INVITE: REGISTER, OPTIONS, MESSAGE. Rejects for nothing but BAD_TARGET and
   * BAD_HEADER.
   */
  request(init: {
    method: string
    /** Request-URI. */
    target: string
    from?: string
    to?: string
    sipCallId: string
    cseq: number
    headers?: readonly HeaderField[]
    body?: SipBody
  }): Promise<{ response: FinalResponse /** Highest CSeq used; authentication adds to it. */; cseq: number }>
  invite(init: OutgoingInviteInit, handlers: OutgoingInviteHandlers): OutgoingInvite
  /**
   * Takes over a dialog of another user agent, whose local address is gone: it goes on from this endpoint, with this Contact. What
   * waits for an answer there has one at once (503). The peer learns of it by the next re-INVITE (RFC 3261 12.2.1.1, 14.1).
   */
  adopt(dialog: SipDialog): void
  /** Line breaks that nobody answers (RFC 5626 3.5.1 has them for connections): NATs on the way take note. */
  keepAlive(to: SipAddress): void
  /** Replaces `sources`. */
  setSources(sources: AccountSources): void
  /** Stops taking requests for this account; dialogs that live go on. */
  close(): void
}

export interface SipEndpointInit {
  protocol: TransportProtocol
  /** Local address to bind, IPv4 or IPv6 without brackets; it decides which of both the endpoint speaks. */
  host: string
  /** 0: any free port. */
  port: number
  /** What peers shall use to reach us where that differs (NAT, wildcard bind). Default: host and bound port. */
  advertise?: { host: string; port?: number }
  userAgent: string
}

/** A transport with what listens on it. Any number of accounts share its socket. */
export interface SipEndpoint {
  readonly local: SipAddress
  /** Host (IPv6 without brackets) and port that stand in Via and Contact. */
  readonly advertised: { host: string; port: number }
  createUserAgent(init: UserAgentInit): UserAgent
  /** Idempotent. Resolves when the socket is closed. */
  close(): Promise<void>
}

/** One line of the SIP ladder: a whole message as it went over the wire, secrets masked. */
export interface SipTraceLine {
  at: number
  direction: 'in' | 'out'
  local: string
  remote: string
  text: string
}
