import type { ServerRequest } from '../server-request.js'
import { OurOffers } from './our-offers.js'
import { PeerOffers } from './peer-offers.js'

/** The first offer of a dialog: `none` has been made, it waits for its answer, or the answer has come by a reliable response, its PRACK or a 2xx. */
export type FirstOffer = 'none' | 'ours' | 'theirs' | 'answered'

/** All offers in one dialog, of both sides: whether another one may be made or taken now (RFC 3261 14, RFC 3311 5, RFC 6337 2.2). */
export class DialogOffers {
  first: FirstOffer
  readonly ours = new OurOffers()
  readonly peers: PeerOffers
  readonly #madeBy: 'us' | 'peer'

  /** `madeBy`: the side that sent the INVITE. `missed`: no ACK came to our 2xx. */
  constructor(madeBy: 'us' | 'peer', first: FirstOffer, missed: () => void) {
    this.#madeBy = madeBy
    this.first = first
    this.peers = new PeerOffers(missed)
  }

  /** Another offer is open, also one in our 2xx without its ACK (RFC 6337 4.3), or the first one is not complete. */
  get isBusy(): boolean {
    return this.first !== 'answered' || this.ours.isOpen || this.peers.refusesOthers
  }

  /** An offer within the dialog waits for its answer. */
  get isNegotiating(): boolean {
    return this.ours.isOpen || this.peers.isOpen
  }

  /** The status that refuses an offer of the peer (RFC 3261 14.2, RFC 3311 5.2); undefined if it may be taken. */
  refusalOf({ message }: ServerRequest, isEarly: boolean): 491 | 500 | undefined {
    // The INVITE itself has no final response, and its offer perhaps no answer.
    const isPending = this.first !== 'answered' || (isEarly && message.method === 'INVITE')
    if (isPending) return this.first === 'ours' || (this.#madeBy === 'us' && this.first !== 'theirs') ? 491 : 500
    if (this.ours.isOpen) return 491
    return this.peers.refusesOthers ? 500 : undefined
  }
}
