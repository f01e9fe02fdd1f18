import { OutgoingRequestMessage } from 'sip.js/lib/core/messages/outgoing-request-message.js'
import { newToken } from '../../base/ids.js'
import { octetLength } from '../../base/octets.js'
import { STRICT_MARK } from './outgoing-text.js'
import { NULL_TAG } from './parsed-message.js'
import { BRANCH_COOKIE } from './via.js'

/** 64 random bits: sip.js' own has 10 million values (RFC 3261 8.1.1.7 wants them unique over space and time). */
export const newBranch = (): string => BRANCH_COOKIE + newToken()

/**
 * sip.js' request as we want it on the wire: Via first, no empty Supported, octets counted, every Route in the ACK to a
 * failure.
 */
export class OutgoingRequest extends OutgoingRequestMessage {
  constructor(...init: ConstructorParameters<typeof OutgoingRequestMessage>) {
    super(...init)
    // RFC 3261 12.2.1.1: a null tag is not written. Core still finds it in `toTag`.
    if (this.toTag === NULL_TAG) this.setHeader('to', `<${this.toURI.toRaw()}>`)
  }

  /** Its Request-URI is a strict router, where it has to go first. */
  strict = false

  /** The ACK to a 2xx is a transaction of its own (RFC 3261 13.2.2.4), for which core would make up a weak branch. */
  override setViaHeader(branch: string, transport: string): void {
    super.setViaHeader(this.method === 'ACK' ? newBranch() : branch, transport)
  }

  /** Core's ACK to a failure copies the first Route only; RFC 3261 17.1.1.3 wants them all. */
  override getHeader(name: string): string | undefined {
    if (name.toLowerCase() !== 'route') return super.getHeader(name)
    const routes = this.headers.Route ?? []
    return routes.length === 0 ? undefined : routes.join(', ')
  }

  override toString(): string {
    const lines = [`${this.method} ${this.ruri.toRaw()} SIP/2.0`]
    if (this.strict) lines.push(STRICT_MARK.trimEnd())
    for (const via of this.headers.Via ?? []) lines.push(`Via: ${via}`)
    for (const [name, values] of Object.entries(this.headers)) {
      if (name !== 'Via') for (const value of values) lines.push(`${name}: ${value}`)
    }
    lines.push(...this.extraHeaders)
    const body = this.body?.body ?? ''
    if (this.body && body !== '') lines.push(`Content-Type: ${this.body.contentType}`)
    lines.push(`Content-Length: ${octetLength(body)}`)
    return `${lines.join('\r\n')}\r\n\r\n${body}`
  }
}
