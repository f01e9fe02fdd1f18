import { octetLength } from '../../base/octets.js'
import type { Way } from '../transport/flow.js'
import type { SipBody } from '../types.js'
import type { NameAddress } from '../uri/name-address.js'
import { requestUri } from '../uri/request-uri.js'
import type { SipUri } from '../uri/sip-uri.js'
import { bodyText } from './body.js'
import { headerKey } from './header-fields.js'

/** Writes the Contact of a request, whose protocol and address are known only once its way is. */
export interface ContactWriter {
  lineFor(way: Pick<Way, 'remote' | 'sentBy'>, isSecure: boolean): string
}

interface OutgoingRequestInit {
  method: string
  /** Where the request shall arrive: the Request-URI, unless the first route is a strict router. */
  target: SipUri
  routeSet: readonly NameAddress[]
  /** Value of From without its tag. */
  from: string
  fromTag: string
  /** Value of To, with its tag if it has one. */
  to: string
  callId: string
  cseq: number
  /** Absent: the request has no Contact. */
  contact?: ContactWriter | undefined
  /** Other header lines in their order: `Name: value`. */
  lines: readonly string[]
  /** Throws BAD_HEADER for a wrong content type. */
  body?: SipBody | undefined
}

/** The part of a request that its dialogs and its ACKs are made from. */
export type RequestOrigin = Pick<OutgoingRequest, 'callId' | 'cseq' | 'fromTag' | 'sender' | 'credentials'>

/** RFC 3261 8.1.1.6 */
const MAX_FORWARDS = 70
const CREDENTIALS = new Set(['authorization', 'proxy-authorization'])

/** A request that we send. Immutable; its Via is added by the transaction that sends it. */
export class OutgoingRequest {
  readonly method: string
  /** As it stands in the request line. */
  readonly uri: SipUri
  /** Where it leaves for (RFC 3261 8.1.2): the first route, or else the target. */
  readonly nextHop: SipUri
  readonly #init: OutgoingRequestInit
  readonly #routes: readonly string[]
  /** What follows the Via, and what follows the Contact. */
  readonly #head: string
  readonly #rest: string

  constructor(init: OutgoingRequestInit) {
    const { uri, routes } = wayTo(init.target, init.routeSet)
    this.#init = init
    this.#routes = routes
    this.method = init.method
    this.uri = uri
    this.nextHop = init.routeSet[0]?.uri ?? uri
    this.#head = this.#writeHead()
    this.#rest = this.#writeRest()
  }

  get callId(): string {
    return this.#init.callId
  }

  get cseq(): number {
    return this.#init.cseq
  }

  get fromTag(): string {
    return this.#init.fromTag
  }

  /** Value of From without its tag. */
  get sender(): string {
    return this.#init.from
  }

  get from(): string {
    return `${this.#init.from};tag=${this.#init.fromTag}`
  }

  get to(): string {
    return this.#init.to
  }

  get body(): SipBody | undefined {
    return this.#init.body
  }

  /** Authorization and Proxy-Authorization: the ACK to a 2xx repeats those of its INVITE (RFC 3261 13.2.2.4, 22.1). */
  get credentials(): string[] {
    return this.#init.lines.filter((line) => CREDENTIALS.has(nameOf(line)))
  }

  /** About how long the message is, with a Via of usual length. */
  get octets(): number {
    const contact = this.#init.contact ? CONTACT_OCTETS : 0
    return octetLength(this.#head) + octetLength(this.#rest) + this.uri.text.length + VIA_OCTETS + contact
  }

  toText(via: string, way: Pick<Way, 'remote' | 'sentBy'>): string {
    const contact = this.#init.contact ? `${this.#init.contact.lineFor(way, this.#isSecure)}\r\n` : ''
    return `${this.method} ${this.uri.text} SIP/2.0\r\nVia: ${via}\r\n${this.#head}${contact}${this.#rest}`
  }

  /** RFC 3261 17.1.1.3: the ACK to a failure has the Request-URI and every Route of its INVITE. */
  ackText(via: string, to: string, way: Pick<Way, 'remote' | 'sentBy'>): string {
    return this.#copy({ method: 'ACK', to, contact: undefined, lines: [], body: undefined }).toText(via, way)
  }

  /** RFC 3261 9.1: a CANCEL repeats what it cancels. */
  cancel(lines: readonly string[]): OutgoingRequest {
    return this.#copy({ method: 'CANCEL', contact: undefined, lines, body: undefined })
  }

  /** The same request once more, for example with credentials (22.2); these lines replace those of the same name. */
  again(cseq: number, lines: readonly string[]): OutgoingRequest {
    const names = new Set(lines.map(nameOf))
    const isReplaced = (name: string): boolean =>
      names.has(name) || (CREDENTIALS.has(name) && [...CREDENTIALS].some((each) => names.has(each)))
    const kept = this.#init.lines.filter((line) => !isReplaced(nameOf(line)))
    return this.#copy({ cseq, lines: [...kept, ...lines] })
  }

  /** What is needed to acknowledge a late 2xx: neither the lines nor the body. */
  get origin(): RequestOrigin {
    const { callId, cseq, fromTag, sender, credentials } = this
    return { callId, cseq, fromTag, sender, credentials }
  }

  #copy(changes: Partial<OutgoingRequestInit>): OutgoingRequest {
    return new OutgoingRequest({ ...this.#init, ...changes })
  }

  /** RFC 3261 8.1.1.8 */
  get #isSecure(): boolean {
    return this.uri.scheme === 'sips' || this.nextHop.scheme === 'sips'
  }

  #writeHead(): string {
    const { to, callId, cseq } = this.#init
    let text = ''
    for (const route of this.#routes) text += `Route: ${route}\r\n`
    return `${text}Max-Forwards: ${MAX_FORWARDS}\r\nFrom: ${this.from}\r\nTo: ${to}\r\nCall-ID: ${callId}\r\nCSeq: ${cseq} ${this.method}\r\n`
  }

  #writeRest(): string {
    const { lines, body } = this.#init
    let text = ''
    for (const line of lines) text += `${line}\r\n`
    return `${text}${bodyText(body)}`
  }
}

const VIA_OCTETS = 90
const CONTACT_OCTETS = 60

/**
 * RFC 3261 12.2.1.1: with a loose router first, the target is the Request-URI. A first hop without `lr` is a strict router (RFC 2543): it
 * finds itself in the Request-URI, and the target last among the routes.
 */
function wayTo(target: SipUri, routeSet: readonly NameAddress[]): { uri: SipUri; routes: readonly string[] } {
  const [first, ...others] = routeSet
  const uri = requestUri(target)
  if (!first || first.uri.isLoose) return { uri, routes: routeSet.map(({ text }) => text) }
  return { uri: requestUri(first.uri), routes: [...others.map(({ text }) => text), `<${uri.text}>`] }
}

const nameOf = (line: string): string => headerKey(line.slice(0, line.indexOf(':')))
