import { type HostPort, uriHost } from '../../base/host-port.js'
import { checkText } from '../message/header-check.js'
import type { ContactWriter } from '../message/outgoing-request.js'
import type { Way } from '../transport/flow.js'
import type { AccountBinding, SipProtocol } from '../types.js'

/** A protocol that the endpoint listens on, and the address that peers use. */
export interface Home {
  protocol: SipProtocol
  address: HostPort
}

interface ContactsInit {
  /** User part. */
  user: string
  /** Where the account's peers reach it if they do not depend on a connection. Absent: by the connection only. */
  home: Home | undefined
}

/** Peers reach these by any socket; the other protocols have a peer that was verified, or that cannot be called from outside. */
const PLAIN: ReadonlySet<SipProtocol> = new Set(['udp', 'tcp'])

/**
 * The Contact of one account (RFC 3261 8.1.1.8). A request by TLS or a WebSocket has a Contact that leads back by the same protocol. UDP and TCP
 * share one, because a request that is too large for a datagram changes from one to the other.
 */
export class Contacts implements ContactWriter {
  readonly #init: ContactsInit
  /** The public address that a registrar or a STUN server has shown. */
  #public: HostPort | undefined
  #binding: Pick<AccountBinding, 'gruu' | 'isOutbound'> = { isOutbound: false }
  /** The last one by protocol and address. */
  #last: { sentBy: string; protocol: SipProtocol; isSecure: boolean; line: string } | undefined

  constructor(init: ContactsInit) {
    this.#init = init
  }

  /** The usual Contact. */
  get uri(): string {
    const { home } = this.#init
    return this.#uri(home?.protocol ?? 'udp', this.#homeAddress, false)
  }

  /** Replaces the home address of the Contact; undefined: the configured one. False: nothing has changed. */
  publish(address: HostPort | undefined): boolean {
    const before = this.uri
    this.#public = address
    this.#last = undefined
    return this.uri !== before
  }

  /** What the registrar has told; absent: the account is not registered. */
  bind(binding: Pick<AccountBinding, 'gruu' | 'isOutbound'> = { isOutbound: false }): void {
    this.#binding = binding
    this.#last = undefined
  }

  /** `isSecure`: RFC 3261 8.1.1.8 wants a SIPS Contact if the Request-URI or the first route is one. */
  uriFor({ remote, sentBy }: Pick<Way, 'remote' | 'sentBy'>, isSecure = false): string {
    const { home } = this.#init
    const { protocol } = remote
    const isHome = home && (home.protocol === protocol || (PLAIN.has(protocol) && PLAIN.has(home.protocol)))
    return isHome ? this.#uri(home.protocol, this.#homeAddress, isSecure) : this.#uri(protocol, sentBy, isSecure)
  }

  /** Header line. */
  lineFor(way: Pick<Way, 'remote' | 'sentBy'>, isSecure = false): string {
    const last = this.#last
    const { protocol } = way.remote
    if (last && last.sentBy === way.sentBy && last.protocol === protocol && last.isSecure === isSecure) return last.line
    const line = `Contact: <${this.#inDialogs(way, isSecure)}>`
    this.#last = { sentBy: way.sentBy, protocol, isSecure, line }
    return line
  }

  /** RFC 5627 4.4; RFC 5626 4.3 */
  #inDialogs(way: Pick<Way, 'remote' | 'sentBy'>, isSecure: boolean): string {
    const { gruu, isOutbound } = this.#binding
    if (gruu?.startsWith(isSecure ? 'sips:' : 'sip:')) return gruu
    return `${this.uriFor(way, isSecure)}${isOutbound ? ';ob' : ''}`
  }

  get #homeAddress(): string {
    const { host, port } = this.#public ?? this.#init.home?.address ?? { host: 'invalid', port: 0 }
    return `${uriHost(host)}:${port}`
  }

  #uri(protocol: SipProtocol, address: string, isSecure: boolean): string {
    const named = protocol === 'wss' && address.endsWith(NO_HOST) ? 'ws' : isSecure ? SECURED.get(protocol) : undefined
    // RFC 3263 4.1: without the parameter it is UDP.
    const parameter = protocol === 'udp' ? '' : `;transport=${named ?? protocol}`
    return `${isSecure ? 'sips' : 'sip'}:${this.#init.user}@${address}${parameter}`
  }
}

/** RFC 7118 5: a client of WebSockets names its host so, and its transport `ws`, over TLS as well. */
const NO_HOST = '.invalid'
/** RFC 3261 26.2.2, RFC 7118 5: in a SIPS URI these mean the protocol over TLS. */
const SECURED = new Map<SipProtocol, SipProtocol>([
  ['tls', 'tcp'],
  ['wss', 'ws'],
])

/** The Contact of a REGISTER: it has parameters, such as the time that it asks for, and ends older bindings (RFC 3261 10.2.2). */
export class ContactWith implements ContactWriter {
  readonly #contacts: Contacts
  readonly #params: string
  readonly #oldUris: readonly string[]
  /** As it was written last. */
  uri: string | undefined = undefined

  /** Throws BAD_HEADER. */
  constructor(contacts: Contacts, params: string, oldUris: readonly string[] = []) {
    this.#contacts = contacts
    this.#params = checkText('Contact', params)
    this.#oldUris = oldUris.map((uri) => checkText('Contact', uri))
  }

  lineFor(way: Pick<Way, 'remote' | 'sentBy'>, isSecure: boolean): string {
    const uri = this.#contacts.uriFor(way, isSecure)
    this.uri = uri
    const old = this.#oldUris.filter((each) => each !== uri).map((each) => `, <${each}>;expires=0`)
    return `Contact: <${uri}>${this.#params}${old.join('')}`
  }
}
