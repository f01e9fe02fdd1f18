import assert from 'node:assert/strict'
import fc from 'fast-check'
import type {
  IncomingInvite,
  IncomingRequest,
  OutgoingInvite,
  SipAddress,
  SipDialog,
} from '../../../../src/sip/types.js'
import { FakeClock } from '../../../support/fake-clock.js'
import { MemoryEndpoint } from '../../../support/memory-endpoint.js'
import { ANSWER, OFFER } from '../../../support/sip-parties.js'

const RUNS = 100
/** Less than T1: a repeat never overtakes what it repeats by more than the life of a transaction. */
const PACKET_LIFE_MS = 400
const LIFE_MS = 32_000

/** A message as the naive model reads it, by regular expressions. */
interface Read {
  method: string
  cseq: number
  status: number | undefined
  branch: string
  hasBody: boolean
  toTag: string
}

function read(text: string): Read {
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

/** One party: a real endpoint, and beside it what the naive model knows of its dialog. */
class Side {
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

  constructor(name: Side['name'], world: World, host: string) {
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

interface Packet {
  text: string
  from: Side
  to: Side
  sinceMs: number
}

class World {
  readonly clock = new FakeClock()
  readonly caller = new Side('caller', this, '192.0.2.1')
  readonly callee = new Side('callee', this, '192.0.2.2')
  readonly sides = [this.caller, this.callee]
  packets: Packet[] = []
  /** Requests within the dialog that have been delivered. */
  readonly delivered: Packet[] = []
  invite: OutgoingInvite | undefined
  incoming: IncomingInvite | undefined
  #branches = 0
  /** Responses that are being sent while a packet is received. */
  #responses: Read[] = []

  other(side: Side): Side {
    return side === this.caller ? this.callee : this.caller
  }

  call(): void {
    this.invite = this.caller.endpoint.agent.invite(
      { target: 'sip:user@192.0.2.2:5060', body: OFFER, sipCallId: 'call@test' },
      {
        progress() {},
        answered: (dialog) => this.caller.take(dialog),
        failed: () => {
          this.caller.end('failed')
          this.caller.over()
        },
      },
    )
  }

  invited(incoming: IncomingInvite): void {
    assert.equal(this.incoming, undefined, 'the INVITE is told once')
    this.incoming = incoming
    this.callee.remoteSeq = incoming.request.cseq
    incoming.handlers.cancelled = () => {
      this.callee.end('cancelled')
      this.callee.over()
    }
  }

  sent(from: Side, text: string, { host }: SipAddress): void {
    const to = this.other(from)
    assert.equal(host, to.endpoint.address.host)
    const message = read(text)
    if (message.status !== undefined) {
      this.#responses.push(message)
      const key = `${message.branch} ${message.method}`
      if (message.status >= 200) from.seen.get(key)?.add(text.split('\r\n', 1)[0] ?? '')
    } else this.#sentRequest(from, message)
    this.packets.push({ text, from, to, sinceMs: this.clock.now() })
  }

  #sentRequest(from: Side, { method, branch, cseq, hasBody, toTag }: Read): void {
    if (method === 'ACK' || method === 'CANCEL') return
    const key = `${branch} ${method}`
    if (from.sentBranches.has(key)) return // repeated
    from.sentBranches.add(key)
    assert.ok(cseq > from.sentSeq, `${from.name} sends ${method} with CSeq ${cseq} after ${from.sentSeq}`)
    from.sentSeq = cseq
    if (toTag === '' || (method !== 'INVITE' && !(method === 'UPDATE' && hasBody))) return
    from.ourOffers.add(cseq)
    assert.equal(from.offersOpen, 1, `${from.name} has two open offers`)
  }

  deliver(packet: Packet): void {
    const { text, to, from } = packet
    const message = read(text)
    this.#responses = []
    const receive = (): void => to.endpoint.receive(text, from.endpoint.address)
    if (message.status !== undefined) {
      this.#before(to, message)
      receive()
    } else if (message.method === 'ACK') {
      to.unacked.delete(message.cseq)
      receive()
    } else if (message.method === 'CANCEL' || message.toTag === '') {
      this.#request(to, message)
      receive()
    } else this.#inDialog(packet, message, receive)
  }

  /** A response: what the naive model learns of it. */
  #before(to: Side, { method, status = 0, cseq, toTag }: Read): void {
    if (status >= 200) to.ourOffers.delete(cseq)
    if (to !== this.caller || method !== 'INVITE' || cseq !== 1) return
    if (to.phase === 'none' && status > 100 && status < 200 && toTag !== '' && !to.ends.length) to.phase = 'early'
    if (status >= 200 && status < 300 && this.isCancelled) to.isOrphan = true
  }

  isCancelled = false

  #request(to: Side, { method, branch }: Read): boolean {
    const key = `${branch} ${method}`
    const isNew = !to.seen.has(key)
    if (isNew) to.seen.set(key, new Set())
    return isNew
  }

  #inDialog(packet: Packet, message: Read, receive: () => void): void {
    const { to } = packet
    const handledBefore = to.handled.length
    const isNew = this.#request(to, message)
    const predicted = isNew && !to.isOrphan ? to.predict(message) : undefined
    // 8.2.7: a request without a dialog is answered by nothing but the request; its repeat is looked at anew.
    if (isNew && (to.phase === 'none' || to.phase === 'ended')) to.seen.delete(`${message.branch} ${message.method}`)
    const endsBefore = to.ends.length
    receive()
    this.delivered.push(packet)
    const finals = this.#responses.filter(({ method, status = 0 }) => method === message.method && status >= 200)
    const about = `${message.method} ${message.cseq} to the ${to.name}, ${to.phase}`
    if (!isNew) assert.equal(to.handled.length, handledBefore, `${about}: a repeat reaches no handler`)
    if (to.isOrphan || predicted === undefined) return
    if (predicted === 'handler') {
      assert.equal(to.handled.length, handledBefore + 1, `${about}: reaches its handler`)
      assert.equal(finals.length, 0, `${about}: waits for its answer`)
      return
    }
    assert.equal(to.handled.length, handledBefore, `${about}: reaches no handler`)
    assert.deepEqual(
      finals.map(({ status }) => status).filter((status) => status !== 487 || predicted === 487),
      [predicted],
      about,
    )
    if (message.method !== 'BYE' || predicted !== 200) return
    const isTold = to.phase === 'confirmed' && !to.hasLeft
    assert.equal(to.ends.length - endsBefore, isTold ? 1 : 0, `${about}: the BYE is told`)
    to.over()
  }

  /** The same request as a new transaction, and the same with another tag: no peer that is in order sends them. */
  forge(index: number, kind: 'again' | 'tag'): void {
    const packet = this.delivered[index % Math.max(1, this.delivered.length)]
    if (!packet) return
    const { method } = read(packet.text)
    let text = packet.text.replace(/branch=\w+/, `branch=z9hG4bKforged${this.#branches++}`)
    if (kind === 'tag') text = text.replace(/(\r\nTo: [^\r]*;tag=)\w+/, '$1forged')
    const { to } = packet
    const handled = to.handled.length
    const ends = to.ends.length
    this.#responses = []
    to.endpoint.receive(text, packet.from.endpoint.address)
    const statuses = this.#responses.flatMap(({ status = 0 }) => (status >= 200 ? [status] : []))
    const isThere = kind === 'again' && (to.phase === 'early' || to.phase === 'confirmed')
    if (!to.isOrphan)
      assert.deepEqual(statuses, [isThere ? 500 : 481], `a forged ${method} to the ${to.name}, ${to.phase}`)
    assert.deepEqual([to.handled.length, to.ends.length], [handled, ends], `a forged ${method} reaches no handler`)
    this.packets = this.packets.filter(({ text: each }) => !each.includes('forged'))
  }

  take(index: number): Packet | undefined {
    this.packets = this.packets.filter(({ sinceMs }) => this.clock.now() - sinceMs < PACKET_LIFE_MS)
    return this.packets[index % Math.max(1, this.packets.length)]
  }

  remove(packet: Packet | undefined): void {
    this.packets = this.packets.filter((each) => each !== packet)
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

type Act = (world: World, n: number) => void | Promise<void>

const side = (world: World, n: number): Side => (n % 2 === 0 ? world.caller : world.callee)

function deliver(world: World, n: number): void {
  const packet = world.take(n)
  world.remove(packet)
  if (packet) world.deliver(packet)
}

async function deliverAll(world: World): Promise<void> {
  for (let n = 0; n < 20 && world.take(0); n++) {
    deliver(world, 0)
    await turn()
  }
}

function accept({ callee, incoming }: World): void {
  if (!incoming || callee.dialog || callee.phase === 'ended') return
  callee.take(incoming.accept({ body: ANSWER }))
  assert.throws(() => incoming.accept({ body: ANSWER }), { code: 'WRONG_STATE' })
  incoming.reject(486)
}

function refuse({ callee, incoming }: World): void {
  if (!incoming || callee.dialog || callee.phase === 'ended') return
  incoming.reject(486)
  callee.over()
}

function cancel(world: World): void {
  world.isCancelled ||= !world.caller.dialog && world.caller.phase !== 'ended'
  world.invite?.cancel()
}

/** A request of one side, if it has a dialog. */
const asks =
  (ask: (dialog: SipDialog) => Promise<unknown>): Act =>
  (world, n) => {
    const at = side(world, n)
    if (at.dialog) at.track(ask(at.dialog))
  }

const ACTS: Record<string, Act> = {
  deliver,
  deliverNext: (world) => deliver(world, 0),
  deliverAll,
  lose: (world, n) => world.remove(world.take(n)),
  duplicate(world, n) {
    const packet = world.take(n)
    if (packet) world.deliver(packet)
  },
  tick: (world, n) => world.clock.advance([50, 200, 600, 4_000, 33_000][n % 5] ?? 0),
  progress({ callee, incoming }) {
    if (callee.phase === 'none' && incoming) callee.phase = 'early'
    incoming?.progress(180)
  },
  accept,
  refuse,
  cancel,
  reinvite: asks((dialog) => dialog.reinvite(OFFER)),
  update: asks((dialog) => dialog.request('UPDATE', { body: OFFER })),
  refresh: asks((dialog) => dialog.request('UPDATE')),
  info: asks((dialog) => dialog.request('INFO')),
  answer(world, n) {
    const at = side(world, n)
    at.answerOffer(n % 4 < 3)
    for (const open of at.openRequests.splice(0)) open.accept()
  },
  bye: (world, n) => side(world, n).leave(),
  forgeAgain: (world, n) => world.forge(n, 'again'),
  forgeTag: (world, n) => world.forge(n, 'tag'),
}

/** Everything that waits comes to its end: answers, deliveries, hanging up, time. */
async function settle(world: World): Promise<void> {
  for (let round = 0; round < 500; round++) {
    for (const at of world.sides) {
      at.answerOffer(true)
      for (const open of at.openRequests.splice(0)) open.accept()
      if (round === 40) at.leave()
    }
    if (round === 40) {
      refuse(world)
      cancel(world)
    }
    await deliverAll(world)
    world.clock.advance(round < 80 ? 100 : 1_000)
    await turn()
  }
}

function check(world: World): void {
  for (const at of world.sides) {
    const { name } = at
    assert.ok(at.ends.length <= 1, `${name} is told ${at.ends.join(', ')}`)
    assert.equal(at.pending, 0, `${name}: every promise settles`)
    assert.equal(at.endpoint.kept, 0, `${name}: nothing is kept`)
    const codes = at.errors.map((error) => (error as { code?: string }).code)
    assert.ok(
      codes.every((code) => code === 'WRONG_STATE'),
      `${name}: ${codes}`,
    )
    assert.deepEqual(
      at.handled,
      [...new Set(at.handled)].sort((a, b) => a - b),
      `${name}: CSeq rises at the handlers`,
    )
    for (const [key, finals] of at.seen)
      assert.ok(finals.size <= 1, `${name} answers ${key}: ${[...finals].join(', ')}`)
  }
  assert.equal(world.clock.pending, 0, 'no timer stays')
  const before = world.packets.length
  world.clock.advance(600_000)
  assert.equal(world.packets.length, before, 'after the end nothing is sent')
}

async function run(commands: readonly (readonly [name: string, n: number])[], isUp: boolean): Promise<World> {
  const world = new World()
  world.call()
  const before: (readonly [string, number])[] = isUp
    ? [
        ['deliverAll', 0],
        ['accept', 0],
        ['deliverAll', 0],
        ['deliverAll', 0],
      ]
    : []
  for (const [name, n] of [...before, ...commands]) {
    await ACTS[name]?.(world, n)
    await turn()
  }
  await settle(world)
  check(world)
  return world
}

const WEIGHTS: Record<string, number> = {
  deliverNext: 12,
  deliver: 5,
  deliverAll: 4,
  answer: 4,
  reinvite: 3,
  update: 3,
}
const command = fc.tuple(
  fc.oneof(...Object.keys(ACTS).map((name) => ({ weight: WEIGHTS[name] ?? 2, arbitrary: fc.constant(name) }))),
  fc.nat(40),
)

describe('models of dialogs', () => {
  it('two endpoints and a naive model agree, whatever happens to a call that stands', async () => {
    const commands = fc.array(command, { maxLength: 60 })
    await fc.assert(
      fc.asyncProperty(commands, async (list) => void (await run(list, true))),
      { numRuns: RUNS },
    )
  })

  it('two endpoints and a naive model agree, from the INVITE on', async () => {
    const commands = fc.array(command, { maxLength: 60 })
    await fc.assert(
      fc.asyncProperty(commands, async (list) => void (await run(list, false))),
      { numRuns: RUNS },
    )
  })
})
