import { isIP } from 'node:net'
import type { Clock } from '../base/clock.js'
import type { HostPort } from '../base/host-port.js'
import { isPrivate } from '../base/private-address.js'
import { parseVia } from '../sip/message/via.js'
import type { SipResponse } from '../sip/types.js'
import { parseUri } from '../sip/uri/sip-uri.js'

const SIP_PORT = 5060
/** Shortest time between two repairs: a registrar that sees another address each time costs one more REGISTER in this time. */
const REST_MS = 60_000
/** For so long an address that was given up is not taken again, so that two registrars behind one name cannot send us back and forth. */
const GIVEN_UP_MS = 3_600_000

/**
 * The address that our Contact should have, from a 2xx to REGISTER: the registrar writes the source of the request into its Via (RFC 3261 18.2.1,
 * RFC 3581 4). Undefined: the Contact is right, or the response does not tell.
 */
export function repairedAddress(response: SipResponse, contactUri: string): HostPort | undefined {
  const via = parseVia(response.headers('Via')[0] ?? '')
  const contact = parseUri(contactUri)
  const own = contact?.host.replace(/^\[(.*)\]$/, '$1') ?? ''
  if (!via || !contact || isIP(own) === 0) return undefined
  const host = via.received?.replace(/^\[(.*)\]$/, '$1') ?? own
  if (isIP(host) !== isIP(own)) return undefined
  const ownPort = contact.port ?? SIP_PORT
  const port = /^\d{1,5}$/.test(via.rport ?? '') ? Number(via.rport) : ownPort
  if ((host === own && port === ownPort) || port === 0) return undefined
  return via.transport === 'UDP' || leadsNowhere({ response, own, host, transport: via.transport })
    ? { host, port }
    : undefined
}

/**
 * Over a connection the source port is that of the connection, which calls may come by. It is better than a private address, unless the
 * registrar sends calls by the connection anyway (RFC 5626 6, RFC 7118 5).
 */
function leadsNowhere(init: { response: SipResponse; own: string; host: string; transport: string }): boolean {
  const { response, own, host, transport } = init
  const usesConnection =
    transport === 'WS' ||
    transport === 'WSS' ||
    response.headers('Require').some((value) => /(^|[\s,])outbound($|[\s,])/i.test(value))
  return !usesConnection && isPrivate(own) && !isPrivate(host)
}

/** Decides when the Contact of an account takes the address that its registrar saw. */
export class ContactRepair {
  readonly #clock: Clock
  readonly #givenUpAtMs = new Map<string, number>()
  #repairedAtMs = Number.NEGATIVE_INFINITY
  #isOff = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The new address for the Contact, after a 2xx to the REGISTER that had this Contact. */
  addressAfter(response: SipResponse, contactUri: string): HostPort | undefined {
    const now = this.#clock.now()
    if (this.#isOff || now < this.#repairedAtMs + REST_MS) return undefined
    const address = repairedAddress(response, contactUri)
    if (!address) return undefined
    for (const [key, atMs] of this.#givenUpAtMs) if (now >= atMs + GIVEN_UP_MS) this.#givenUpAtMs.delete(key)
    if (this.#givenUpAtMs.has(keyOf(address))) return undefined
    const contact = parseUri(contactUri)
    if (contact) this.#givenUpAtMs.set(keyOf({ host: contact.host, port: contact.port ?? SIP_PORT }), now)
    this.#repairedAtMs = now
    return address
  }

  /** The registrar refused the repaired Contact: it is not repaired again. */
  refused(): void {
    this.#isOff = true
  }
}

const keyOf = ({ host, port }: HostPort): string => `${host.replace(/^\[(.*)\]$/, '$1')} ${port}`
