import assert from 'node:assert/strict'
import fc from 'fast-check'
import type {
  EarlyProgress,
  FinalResponse,
  IncomingInvite,
  IncomingRequest,
  SipBody,
  SipDialog,
} from '../../../../src/sip/types.js'
import { FakeClock } from '../../../support/fake-clock.js'
import { MemoryEndpoint } from '../../../support/memory-endpoint.js'
import { turn } from '../../../support/memory-wire.js'
import { SDP } from '../../../support/sip-messages.js'

/** `o7`: offer 7; `a7`: the answer to it. */
const described = (mark: string): SipBody => ({
  contentType: 'application/sdp',
  content: SDP.replace(/s=[^\r]*/, `s=${mark}`),
})
const markOf = (text: string | undefined): string => /\r\ns=([oa]\d+)\r\n/.exec(text ?? '')?.[1] ?? ''
const answerTo = (offer: string): SipBody => described(offer.replace('o', 'a'))

/** One party, with a naive note of its offers and answers, taken from the wire. */
class Party {
  readonly endpoint: MemoryEndpoint
  readonly world: World
  dialog: SipDialog | undefined
  /** Our offer without an answer or refusal, the peer's offer without ours. */
  ours = ''
  theirs = ''
  agreed = ''
  waiting: IncomingRequest[] = []

  constructor(world: World, host: string) {
    this.world = world
    this.endpoint = new MemoryEndpoint({
      clock: world.clock,
      host,
      send: (text) => world.sent(this, text),
      agent: {
        handlers: {
          admit: () => ({ admit: true }),
          invite(invite) {
            world.incoming = invite
            invite.handlers = { answered() {}, request: (offer) => world.callee.hear(offer) }
          },
        },
      },
    })
  }

  hear(offer: IncomingRequest): void {
    if (!markOf(offer.request.body?.content)) offer.accept()
    else this.waiting.push(offer)
  }

  answer(accepts: boolean): void {
    const offer = this.waiting.shift()
    if (!offer) return
    // RFC 6337 2.2: an offer in PRACK is not refused.
    if (accepts || offer.request.method === 'PRACK')
      offer.accept({ body: answerTo(markOf(offer.request.body?.content)) })
    else offer.reject(488)
  }

  use(dialog: SipDialog | undefined): void {
    if (!dialog) return
    this.dialog = dialog
    dialog.handlers.request = (offer) => this.hear(offer)
  }

  offer(make: (dialog: SipDialog, body: SipBody) => Promise<FinalResponse>): void {
    if (this.dialog) this.world.track(make(this.dialog, this.world.newOffer()))
  }
}

class World {
  readonly clock = new FakeClock()
  readonly caller = new Party(this, '192.0.2.1')
  readonly callee = new Party(this, '192.0.2.2')
  incoming: IncomingInvite | undefined
  readonly isDelayed: boolean
  /** What the callee says of the INVITE: its answer, or its own offer. */
  said: SipBody | undefined
  pracksOffer = false
  readonly #queue: { to: Party; from: Party; text: string }[] = []
  readonly #seen = new Set<string>()
  #offers = 0
  pending = 0

  constructor(isDelayed: boolean) {
    this.isDelayed = isDelayed
    this.caller.endpoint.agent.invite(
      { target: 'sip:user@192.0.2.2:5060', sipCallId: 'call@test', ...(isDelayed ? {} : { body: this.newOffer() }) },
      {
        progress: (response, early) => this.#progress(markOf(response.body?.content), early),
        answered: (dialog, response, answer) => {
          this.caller.use(dialog)
          answer?.(answerTo(markOf(response.body?.content)))
        },
        failed() {},
      },
    )
  }

  newOffer(): SipBody {
    return described(`o${++this.#offers}`)
  }

  track(result: Promise<FinalResponse>): void {
    this.pending++
    result.catch((error: { code?: string }) => assert.equal(error.code, 'WRONG_STATE')).finally(() => this.pending--)
  }

  #progress(mark: string, early: EarlyProgress | undefined): void {
    if (!early) return
    this.caller.use(early.dialog)
    if (!early.isReliable || mark === '') return
    if (mark.startsWith('o')) this.track(early.prack(answerTo(mark)))
    else if (this.pracksOffer) this.track(early.prack(this.newOffer()))
  }

  /** The description of the callee, the same in all its responses. */
  get saying(): SipBody {
    this.said ??= this.isDelayed ? this.newOffer() : answerTo('o1')
    return this.said
  }

  sent(from: Party, text: string): void {
    const to = from === this.caller ? this.callee : this.caller
    this.#queue.push({ from, to, text })
    if (this.#isNew('sent', from, text)) this.#note(from, text)
  }

  #isNew(what: string, party: Party, text: string): boolean {
    const key = `${what} ${party === this.caller} ${text}`
    return !this.#seen.has(key) && Boolean(this.#seen.add(key))
  }

  /** What a side says: it never offers while another offer is open (RFC 3261 14.1, RFC 3311 5.1), and answers the open one. */
  #note(from: Party, text: string): void {
    const mark = markOf(text)
    const start = text.split('\r\n', 1)[0]
    // A description in an unreliable response is a preview of the answer (RFC 3261 13.2.1).
    if (/^SIP\/2.0 1/.test(text) && !/\r\nRSeq:/.test(text)) return
    if (mark.startsWith('o')) {
      if (from.ours === mark) return // repeated in a later response
      assert.deepEqual([from.ours, from.theirs], ['', ''], `${start} offers ${mark} while another offer is open`)
      from.ours = mark
    } else if (mark !== '' && from.agreed !== mark) {
      assert.equal(from.theirs, mark.replace('a', 'o'), `${start} answers ${mark}`)
      from.theirs = ''
      from.agreed = mark
    } else if (/^SIP\/2.0 [3-6]/.test(text)) this.#refusedBy(from, text)
  }

  readonly #offerOf = new Map<string, string>()

  #refusedBy(from: Party, text: string): void {
    const offer = this.#offerOf.get(transactionOf(text))
    if (offer !== undefined && from.theirs === offer) from.theirs = ''
  }

  deliverAll(): void {
    while (this.deliver());
  }

  take(): void {
    try {
      if (this.incoming) this.callee.use(this.incoming.accept({ body: this.saying }))
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'WRONG_STATE')
    }
  }

  /** The call is answered, and everything that waits comes to its end. */
  async settle(): Promise<void> {
    this.deliverAll()
    this.take()
    for (let round = 0; round < 60; round++) {
      this.deliverAll()
      this.caller.answer(true)
      this.callee.answer(true)
      if (round > 20) this.clock.advance(1_000)
      await turn()
    }
  }

  deliver(): boolean {
    const packet = this.#queue.shift()
    if (!packet) return false
    const { to, from, text } = packet
    if (this.#isNew('received', to, text)) this.#heard(to, text)
    to.endpoint.receive(text, from.endpoint.address)
    return true
  }

  #heard(to: Party, text: string): void {
    const mark = markOf(text)
    if (/^SIP\/2.0 1/.test(text) && !/\r\nRSeq:/.test(text)) return
    if (mark.startsWith('o')) {
      this.#offerOf.set(transactionOf(text), mark)
      // An offer that crosses another one will be refused.
      if (to.theirs === '' && to.ours === '' && to.agreed !== mark.replace('o', 'a')) to.theirs = mark
    } else if (mark !== '' && to.ours === mark.replace('a', 'o')) {
      to.ours = ''
      to.agreed = mark
    } else if (/^SIP\/2.0 [3-6]/.test(text) && this.#offerOf.get(transactionOf(text)) === to.ours) to.ours = ''
  }
}

/** A response has the Via and CSeq of its request. */
const transactionOf = (text: string): string =>
  `${/;branch=([^;\r]*)/.exec(text)?.[1]} ${/\r\nCSeq: ([^\r]*)/.exec(text)?.[1]}`

type Act = (world: World) => void

const both = (act: (party: Party) => void): Act[] => [({ caller }) => act(caller), ({ callee }) => act(callee)]

const ACTS: readonly Act[] = [
  (world) => world.deliver(),
  (world) => world.deliver(),
  (world) => world.deliverAll(),
  (world) => {
    if (!world.incoming) return
    world.incoming.progress(183, { body: world.saying })
    world.callee.use(world.incoming.dialog)
  },
  (world) => world.incoming?.progress(180),
  (world) => {
    world.pracksOffer = !world.pracksOffer
  },
  (world) => world.take(),
  ...both((party) => party.offer((dialog, body) => dialog.update(body))),
  ...both((party) => party.offer((dialog, body) => dialog.reinvite(body))),
  ...both((party) => party.answer(true)),
  ...both((party) => party.answer(false)),
  (world) => world.clock.advance(600),
]

describe('offers and answers across INVITE, PRACK, UPDATE and re-INVITE (RFC 6337 2.2)', () => {
  it('one offer at a time, each answered or refused once, and both sides agree in the end', async () => {
    const acts = fc.array(fc.nat(ACTS.length - 1), { minLength: 10, maxLength: 60 })
    const run = async (isDelayed: boolean, steps: readonly number[]): Promise<void> => {
      const world = new World(isDelayed)
      for (const step of steps) {
        ACTS[step]?.(world)
        await turn()
      }
      await world.settle()
      const { caller, callee } = world
      assert.equal(world.pending, 0, 'each offer has its result')
      assert.deepEqual([caller.ours, caller.theirs, callee.ours, callee.theirs], ['', '', '', ''], 'no offer is open')
      assert.equal(caller.agreed, callee.agreed)
      assert.notEqual(caller.agreed, '')
      for (const { endpoint } of [caller, callee]) endpoint.close()
    }
    await fc.assert(fc.asyncProperty(fc.boolean(), acts, run), { numRuns: 100 })
  })
})
