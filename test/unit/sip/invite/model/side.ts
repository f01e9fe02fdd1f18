import assert from 'node:assert/strict'
import type { IncomingInvite, IncomingRequest, SipAddress, SipDialog } from '../../../../../src/sip/types.js'
import type { FakeClock } from '../../../../support/fake-clock.js'
import { MemoryEndpoint } from '../../../../support/memory-endpoint.js'
import { ANSWER } from '../../../../support/sip-parties.js'

const LIFE_MS = 32_000

/** A message as the naive model reads it, by regular expressions. */
export interface Read {
  method: string
  cseq: number
  status: number | undefined
  branch: string
  hasBody: boolean
  toTag: string
}

export function read(text: string): Read {
  const [start = ''] = text.split('\r\n', 1)
  const [, cseq = '', method = ''] = /\r\nCSeq: (\d+) (\w+)/.exec(text) ?? []
  const status = /^SIP\/2.0 (\d+)/.exec(start)?.[1]
  return {
    method,
    cseq: Number(cseq),
    status: status === undefined ? undefined : Number(status),
    branch: /\r\nVia: [^\r]*branch=(\w+)/.exec(text)?.[1] ?? '',
    hasBody: !text.includes('\r\nContent-Length: 0\r\n'),
    toTag: /\r\nTo: [^\r]*;tag=(\w+)/.exec(text)?.[1] ?? '',
  }
}

type Prediction = number | 'handler'

interface OpenOffer {
  incoming: IncomingRequest
  isInvite: boolean
  cseq: number
  sinceMs: number
}

/** What a side is put into. */
interface Surroundings {
  readonly clock: FakeClock
  sent(from: Side, text: string, to: SipAddress): void
  invited(invite: IncomingInvite): void
}

/** One party: a real endpoint, and beside it what the naive model knows of its dialog. */
export class Side {
  readonly name: 'caller' | 'callee'
  readonly endpoint: MemoryEndpoint
  readonly clock: FakeClock
  dialog: SipDialog | undefined
  /** bye, lost, failed, cancelled, in the order in which the handlers were called. */
  readonly ends: string[] = []
  /** CSeq of what reached a handler. */
  readonly handled: number[] = []
  pending = 0
  errors: unknown[] = []
  openRequests: IncomingRequest[] = []

  // The naive model.
  phase: 'none' | 'early' | 'confirmed' | 'ended' = 'none'
  /** Cannot be predicted: a 2xx has crossed the CANCEL. */
  isOrphan = false
  hasLeft = false
  remoteSeq = -1
  sentSeq = 0
  readonly seen = new Map<string, Set<string>>()
  readonly sentBranches = new Set<string>()
  readonly ourOffers = new Set<number>()
  theirOffer: OpenOffer | undefined
  readonly unacked = new Map<number, number>()

  constructor(name: Side['name'], world: Surroundings, host: string) {
    this.name = name
    this.clock = world.clock
    this.endpoint = new MemoryEndpoint({
      clock: world.clock,
      host,
      send: (text, to) => world.sent(this, text, to),
      agent: {
        handlers: { admit: () => ({ admit: true }), invite: (invite) => world.invited(invite) },
      },
    })
  }

  /** The dialog that an application would hold. */
  take(dialog: SipDialog): void {
    this.dialog = dialog
    if (this.phase !== 'early') this.remoteSeq = this.name === 'callee' ? this.remoteSeq : -1
    this.phase = 'confirmed'
    dialog.handlers = {
      bye: () => this.end('bye'),
      lost: () => {
        this.end('lost')
        this.leave()
      },
      ackTimeout: () => this.leave(),
      request: (incoming) => {
        this.handled.push(incoming.request.cseq)
        const isOffer = incoming.request.method !== 'INFO'
        if (!isOffer) {
          this.openRequests.push(incoming)
          return
        }
        assert.equal(this.offersOpen, 0, `${this.name} gets an offer while another one is open`)
        this.theirOffer = {
          incoming,
          isInvite: incoming.request.method === 'INVITE',
          cseq: incoming.request.cseq,
          sinceMs: this.clock.now(),
        }
      },
    }
  }

  end(how: string): void {
    this.ends.push(how)
  }

  /** What waits for an answer, in either direction. */
  get offersOpen(): number {
    return this.ourOffers.size + (this.theirs ? 1 : 0)
  }

  get theirs(): OpenOffer | undefined {
    const offer = this.theirOffer
    if (offer && !offer.isInvite && this.clock.now() - offer.sinceMs >= LIFE_MS) return undefined
    return offer
  }

  track(promise: Promise<unknown>, then: () => void = () => {}): void {
    this.pending++
    promise
      .catch((error) => this.errors.push(error))
      .then(() => {
        this.pending--
        then()
      })
  }

  leave(): void {
    if (!this.dialog) return
    this.hasLeft = true
    this.track(this.dialog.bye(), () => this.over())
  }

  over(): void {
    this.phase = 'ended'
    this.theirOffer = undefined
    this.unacked.clear()
  }

  answerOffer(accepts: boolean): void {
    const offer = this.theirs
    if (!offer) return
    this.theirOffer = undefined
    if (accepts) offer.incoming.accept({ body: ANSWER })
    else offer.incoming.reject(488)
    if (accepts && offer.isInvite) this.unacked.set(offer.cseq, this.clock.now())
    // Only the first answer counts.
    offer.incoming.reject(603)
    offer.incoming.accept()
  }

  /** What RFC 3261 12.2.2, 14.2, 15.1.2 and RFC 3311 5.2 say. */
  predict({ method, cseq, hasBody }: Read): Prediction {
    if (this.phase === 'none' || this.phase === 'ended') return 481
    if (cseq <= this.remoteSeq) return 500
    this.remoteSeq = cseq
    if (method === 'BYE') return 200
    if (method === 'INFO') return this.hasLeft ? 481 : this.phase === 'early' ? 200 : 'handler'
    const isFree = this.phase === 'early' || this.offersOpen === 0
    if (method === 'UPDATE' && !hasBody && isFree) return 200
    if (this.ourOffers.size > 0 || (this.phase === 'early' && this.name === 'caller')) return 491
    const waits = [...this.unacked.values()].some((sinceMs) => this.clock.now() - sinceMs < LIFE_MS)
    if (this.theirs || this.phase === 'early' || waits) return 500
    return this.hasLeft ? 488 : 'handler'
  }
}
