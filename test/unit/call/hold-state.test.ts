/** Which side holds the call, by offers and answers: two sides talk to each other through their real descriptions. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { Hold } from '../../../src/call/hold.js'
import { meet, OPPOSITE } from '../../../src/sdp/direction.js'
import { OfferAnswer } from '../../../src/sdp/offer-answer.js'

class Side {
  readonly hold = new Hold()
  readonly sdp: OfferAnswer
  wanted = false

  constructor(port: number) {
    this.sdp = new OfferAnswer({ address: '127.0.0.1', port, rtcpPort: port + 1, codecs: ['PCMA'] }, port)
  }

  want(on: boolean): void {
    this.wanted = on
    this.hold.want(on)
  }

  offer(): string {
    return this.sdp.offer(this.hold.offer())
  }

  answer(offer: string): string {
    const { text, settled } = this.sdp.answer(offer, this.hold.allowed)
    this.hold.answered(settled.theirs)
    return text
  }

  accept(answer: string): void {
    this.hold.accepted(this.sdp.accept(answer).theirs)
  }
}

const directionIn = (text: string) =>
  /^a=(sendrecv|sendonly|recvonly|inactive)\r$/m.exec(text)?.[1] as keyof typeof OPPOSITE

function negotiate(from: Side, to: Side): void {
  const offer = from.offer()
  const answer = to.answer(offer)
  const [asked, said] = [directionIn(offer), directionIn(answer)]
  // RFC 3264 6.1: an answer allows nothing that the offer does not.
  assert.equal(meet(said, OPPOSITE[asked]), said, `${asked} was answered ${said}`)
  from.accept(answer)
  assert.equal(from.sdp.settled?.direction, OPPOSITE[to.sdp.settled?.direction ?? 'sendrecv'])
}

interface Step {
  kind: 'change' | 'refresh' | 'refused' | 'crossing'
  on: boolean
  /** The wish of the other side, in a crossing. */
  other: boolean
}

/** An offer that the peer refuses, or that gets 491. */
function offerInVain(from: Side, on: boolean): void {
  from.want(on)
  from.offer()
  from.sdp.withdraw()
}

function take({ kind, on, other }: Step, from: Side, to: Side): void {
  const before = from.wanted
  if (kind === 'change') from.want(on)
  if (kind === 'refused') {
    offerInVain(from, on)
    from.want(before)
  }
  if (kind === 'crossing') {
    offerInVain(from, on)
    offerInVain(to, other)
    negotiate(to, from) // RFC 3261 14.1: both get 491, and one of them tries again first
  }
  negotiate(from, to)
}

function checkKnows(side: Side, peer: Side): void {
  assert.equal(side.hold.local, side.wanted)
  assert.equal(side.hold.remote !== 'sendrecv', peer.wanted)
}

describe('Hold', () => {
  it('both sides know who holds after any order of holds, resumes, refusals and crossings, and no answer widens an offer', () => {
    const step: fc.Arbitrary<Step & { first: boolean }> = fc.record({
      kind: fc.constantFrom('change', 'refresh', 'refused', 'crossing'),
      first: fc.boolean(),
      on: fc.boolean(),
      other: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const [a, b] = [new Side(4000), new Side(5000)]
        negotiate(a, b)
        for (const { first, ...what } of steps) {
          if (first) take(what, a, b)
          else take(what, b, a)
          checkKnows(a, b)
          checkKnows(b, a)
        }
      }),
    )
  })

  it('RFC 3264 8.4: offers sendonly, and inactive if the peer holds the call too', () => {
    const hold = new Hold()
    assert.equal(hold.offer(), 'sendrecv')
    hold.want(true)
    assert.equal(hold.offer(), 'sendonly')
    hold.answered('sendonly')
    assert.equal(hold.offer(), 'inactive')
  })

  it('a peer that answers our hold with recvonly does not hold the call; with inactive it does', () => {
    const hold = new Hold()
    hold.want(true)
    hold.offer()
    hold.accepted('recvonly')
    assert.deepEqual([hold.local, hold.remote], [true, 'sendrecv'])
    hold.accepted('inactive')
    assert.deepEqual([hold.local, hold.remote], [true, 'inactive'])
  })

  it('a peer that repeats recvonly while we hold the call does not hold it', () => {
    const hold = new Hold()
    hold.want(true)
    hold.answered('recvonly')
    assert.deepEqual([hold.local, hold.remote], [true, 'sendrecv'])
  })

  it('RFC 3264 6.1: an answer that allows more than our offer does not end our hold', () => {
    const [us, peer] = [new Side(4000), new Side(5000)]
    us.want(true)
    us.accept(peer.answer(us.offer()).replace('a=recvonly', 'a=sendrecv'))
    assert.equal(us.sdp.settled?.direction, 'sendonly')
    assert.deepEqual([us.hold.local, us.hold.remote], [true, 'sendrecv'])
  })
})
