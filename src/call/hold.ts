/** Which sides hold a call, and the directions that our descriptions need for that (RFC 3264 8.4). */
import type { Direction } from '../base/audio.js'
import { meet, OPPOSITE, receives } from '../sdp/direction.js'
import type { HeldDirection } from './call-event.js'

export class Hold {
  #wanted = false
  /** The direction of our last offer. */
  #offered: Direction = 'sendrecv'
  #local = false
  #remote: HeldDirection | 'sendrecv' = 'sendrecv'

  /** Whether we hold the call, by the last agreement. */
  get local(): boolean {
    return this.#local
  }

  /** How the peer holds the call, from its side; `sendrecv`: it does not. */
  get remote(): HeldDirection | 'sendrecv' {
    return this.#remote
  }

  get isOn(): boolean {
    return this.#local || this.#remote !== 'sendrecv'
  }

  /** The next offers and answers hold the call, or do not. */
  want(on: boolean): void {
    this.#wanted = on
  }

  /** The direction of our next offer. */
  offer(): Direction {
    // RFC 3264 8.4: a stream that was recvonly is put on hold with inactive.
    const held = receives(this.#remote) ? 'sendonly' : 'inactive'
    this.#offered = this.#wanted ? held : 'sendrecv'
    return this.#offered
  }

  /** The widest direction of our answer. */
  get allowed(): Direction {
    return this.#wanted ? 'sendonly' : 'sendrecv'
  }

  /** The peer's offer has been answered. `theirs`: its direction, from its side. */
  answered(theirs: Direction): void {
    this.#local = this.#wanted
    this.#follow(theirs, OPPOSITE[this.allowed])
  }

  /** The peer has accepted our last offer. */
  accepted(theirs: Direction): void {
    this.#local = !receives(this.#offered)
    // An answer to `inactive` can only be `inactive` (RFC 3264 6.1): it says nothing about the peer's own hold.
    if (this.#offered !== 'inactive') this.#follow(theirs, OPPOSITE[this.#offered])
  }

  /** The peer holds the call if it does not use all that we allow it. */
  #follow(theirs: Direction, allowed: Direction): void {
    this.#remote = theirs === 'sendrecv' || meet(theirs, allowed) === allowed ? 'sendrecv' : theirs
  }
}
