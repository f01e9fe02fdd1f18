import { flat } from '../../base/flat.js'
import { splitWords } from '../message/list.js'
import { type ContactWriter, OutgoingRequest, type RequestOrigin } from '../message/outgoing-request.js'
import type { ParsedMessage, ParsedRequest, ParsedResponse } from '../message/parsed-message.js'
import { uriAt } from '../transport/reach.js'
import type { SipAddress, SipBody } from '../types.js'
import { type NameAddress, parseNameAddress } from '../uri/name-address.js'
import { parseUri, type SipUri } from '../uri/sip-uri.js'

/** Whether a request can leave for a URI by the transports and the address family of an endpoint. */
export type CanReach = (uri: SipUri) => boolean

interface DialogInit {
  callId: string
  localTag: string
  remoteTag: string
  local: string
  remote: string
  localSeq: number
  remoteSeq: number
  routeSet: readonly NameAddress[]
  remoteTarget: SipUri
  /** '' if the message has no Allow. */
  allow: string
}

/** The lines and the body of a request within a dialog. */
export interface InDialogParts {
  contact?: ContactWriter | undefined
  lines: readonly string[]
  body?: SipBody | undefined
}

/** RFC 3261 12.2.2: an empty remote sequence number; every CSeq is higher. */
const NONE = -1

/** The key of a dialog (RFC 3261 12): '' is the tag of a peer that has none (12.1.1, 12.1.2). */
export const dialogId = (callId: string, localTag: string, remoteTag: string): string =>
  `${callId} ${localTag} ${remoteTag}`

/**
 * The state of one dialog (RFC 3261 12), made by INVITE, SUBSCRIBE or REFER, early or confirmed, on either side. It makes our requests and
 * checks the sequence of the peer's; it sends nothing.
 */
export class Dialog {
  readonly id: string
  readonly callId: string
  readonly localTag: string
  readonly remoteTag: string
  /** From of our requests without its tag, and To with it. */
  readonly #local: string
  readonly #remote: string
  #routeSet: readonly NameAddress[]
  #remoteTarget: SipUri
  #localSeq: number
  #remoteSeq: number
  /** The peer's Allow as it came last; '' before. */
  #allow: string

  private constructor(init: DialogInit) {
    // A slice of a message would keep the whole message as long as the call lasts.
    this.callId = flat(init.callId)
    this.localTag = flat(init.localTag)
    this.remoteTag = flat(init.remoteTag)
    this.id = flat(dialogId(init.callId, init.localTag, init.remoteTag))
    this.#local = flat(init.local)
    this.#remote = flat(init.remote)
    this.#routeSet = init.routeSet.map(ofItsOwn)
    this.#remoteTarget = uriOfItsOwn(init.remoteTarget)
    this.#localSeq = init.localSeq
    this.#remoteSeq = init.remoteSeq
    this.#allow = flat(init.allow)
  }

  /** 12.1.2: at the UAC, by a 101 to 299 to this request. */
  static ofResponse(request: RequestOrigin, response: ParsedResponse): Dialog {
    return new Dialog({
      callId: request.callId,
      localTag: request.fromTag,
      remoteTag: response.toTag,
      local: request.sender,
      remote: addressed(response.to.uri, response.toTag),
      localSeq: request.cseq,
      remoteSeq: NONE,
      routeSet: [...response.recordRoutes].reverse(),
      remoteTarget: targetOf(response),
      allow: allowOf(response),
    })
  }

  /**
   * 12.1.1: at the UAS, by our response with this To tag. `localSeq`: of our request that has made the dialog, whose NOTIFY this is (RFC 6665
   * 4.4.1).
   */
  static ofRequest(request: ParsedRequest, localTag: string, localSeq = 0): Dialog {
    const { callId, from, to, fromTag, cseq } = request
    return new Dialog({
      callId,
      localTag,
      remoteTag: fromTag,
      local: addressed(to.uri),
      remote: addressed(from.uri, fromTag),
      localSeq,
      remoteSeq: cseq,
      routeSet: request.recordRoutes,
      remoteTarget: targetOf(request),
      allow: allowOf(request),
    })
  }

  /** The peer's address as From or To has it. */
  get remoteUri(): string {
    return this.#remote.slice(1, this.#remote.lastIndexOf('>'))
  }

  get remoteTarget(): SipUri {
    return this.#remoteTarget
  }

  /** Whether the peer has named the method in its Allow (20.5). */
  allows(method: string): boolean {
    return splitWords([this.#allow]).includes(method)
  }

  get routeSet(): readonly NameAddress[] {
    return this.#routeSet
  }

  /** 13.2.2.4: the 2xx decides over the route set and the target, which a provisional response had set before. */
  confirm(response: ParsedResponse): void {
    this.#routeSet = [...response.recordRoutes].reverse().map(ofItsOwn)
    this.#remoteTarget = uriOfItsOwn(targetOf(response))
    this.#noteAllow(response)
  }

  /** 12.2.1.1: our next request. */
  request(method: string, parts: InDialogParts): OutgoingRequest {
    return this.#make(method, this.nextSeq(), parts)
  }

  /** A request that is sent again counts as a new one (22.2). */
  nextSeq(): number {
    return ++this.#localSeq
  }

  /** 13.2.2.4: the ACK to a 2xx has the number of its INVITE. */
  ack(cseq: number, parts: InDialogParts): OutgoingRequest {
    return this.#make('ACK', cseq, parts)
  }

  /** 12.2.2: false for a request that is not newer than the last one: 500. Gaps are allowed. */
  acceptSequence(cseq: number): boolean {
    if (cseq <= this.#remoteSeq) return false
    this.#remoteSeq = cseq
    return true
  }

  /** 12.2.1.2, 12.2.2: the Contact of a target refresh request, or of the 2xx to one, is the new remote target. */
  refresh(message: ParsedMessage, canReach: CanReach): void {
    if (message.contact) this.#remoteTarget = uriOfItsOwn(message.contact)
    this.#noteAllow(message)
    this.keepInReach(message.source, canReach)
  }

  /**
   * Requests leave for the first route, or for the remote target if there is none. If neither our transports nor our address family lead
   * there, they leave for where the peer's message came from: from there it can be answered. A peer that uses a WebSocket without a proxy
   has nothing but its connection, whatever its Contact says (RFC 7118 5).
   */
  keepInReach(source: SipAddress, canReach: CanReach): void {
    const [first, ...others] = this.#routeSet
    if (!first) {
      if (isWebSocket(source) || !canReach(this.#remoteTarget)) this.#remoteTarget = uriAt(source, this.#remoteTarget)
    } else if (!canReach(first.uri)) {
      const route = parseNameAddress(`<${uriAt(source, first.uri).text}>`)
      if (route) this.#routeSet = [route, ...others]
    }
  }

  #noteAllow(message: ParsedMessage): void {
    const allow = allowOf(message)
    if (allow !== '' && allow !== this.#allow) this.#allow = flat(allow)
  }

  #make(method: string, cseq: number, { contact, lines, body }: InDialogParts): OutgoingRequest {
    return new OutgoingRequest({
      method,
      target: this.#remoteTarget,
      routeSet: this.#routeSet,
      fromTag: this.localTag,
      from: this.#local,
      to: this.#remote,
      callId: this.callId,
      cseq,
      contact,
      lines,
      body,
    })
  }
}

const isWebSocket = ({ protocol }: SipAddress): boolean => protocol === 'ws' || protocol === 'wss'

/** Plain telephones leave Contact out; then requests go to the source of the message. */
const targetOf = (message: ParsedMessage): SipUri => message.contact ?? uriAt(message.source, undefined)

const allowOf = (message: ParsedMessage): string => message.headers('allow').join(',')

/** A From or To of a request within a dialog (12.2.1.1); a null tag is not written. */
const addressed = (uri: SipUri, tag = ''): string => (tag === '' ? `<${uri.text}>` : `<${uri.text}>;tag=${tag}`)

const uriOfItsOwn = (uri: SipUri): SipUri => parseUri(flat(uri.text)) ?? uri

const ofItsOwn = (address: NameAddress): NameAddress => parseNameAddress(flat(address.text)) ?? address
