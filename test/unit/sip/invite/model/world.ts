import assert from 'node:assert/strict'
import type { IncomingInvite, OutgoingInvite, SipAddress } from '../../../../../src/sip/types.js'
import { FakeClock } from '../../../../support/fake-clock.js'
import { OFFER } from '../../../../support/sip-parties.js'
import { type Read, read, Side } from './side.js'

/** Less than T1: a repeat never overtakes what it repeats by more than the life of a transaction. */
const PACKET_LIFE_MS = 400

export interface Packet {
  text: string
  from: Side
  to: Side
  sinceMs: number
}

/** Two sides, and the network between them, which the test moves. */
export class World {
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
    if (method === 'BYE') from.theirOffer = undefined // it gets 487
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
    const { method, cseq } = read(packet.text)
    if (cseq > packet.to.remoteSeq) return // it came before the dialog, which would take it
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
