import { silentLogger } from '../../../../src/base/logger.js'
import type { ParsedRequest, ParsedResponse } from '../../../../src/sip/message/parsed-message.js'
import { parseMessage } from '../../../../src/sip/message/parser.js'
import { responseText } from '../../../../src/sip/message/response-text.js'
import type { InviteClient } from '../../../../src/sip/transaction/invite-client.js'
import type { InviteServer } from '../../../../src/sip/transaction/invite-server.js'
import { Transactions } from '../../../../src/sip/transaction/transactions.js'
import type { Way } from '../../../../src/sip/transport/flow.js'
import type { SipAddress } from '../../../../src/sip/types.js'
import { FakeClock } from '../../../support/fake-clock.js'
import { SOURCE } from '../../../support/sip-messages.js'
import { outgoing } from './fixture.js'

interface Plan {
  protocol: 'udp' | 'tcp'
  /** For each message in turn the delays in ms of its copies; none: it is lost. */
  fates: readonly (readonly number[])[]
  /** What the callee answers, and how long after the INVITE. */
  answers: readonly { afterMs: number; status: number }[]
  cancelAfterMs: number | undefined
}

/** A caller's and a callee's transaction layer with a network between them that loses, doubles, delays and reorders. */
export class LossyPair {
  readonly clock = new FakeClock()
  readonly caller: Transactions
  readonly callee: Transactions
  readonly client: InviteClient
  /** `failed`, `final 486`, `success 200`, each as often as it was told. */
  readonly ends: string[] = []
  /** INVITEs that the callee's user was given. */
  readonly invites: number[] = []
  /** What was sent in a state in which nothing may be. */
  readonly wrong: string[] = []
  readonly #plan: Plan
  #sent = 0
  /** The callee's user has its ACK, or waits no longer. */
  #acked = false

  constructor(plan: Plan) {
    this.#plan = plan
    const deps = { clock: this.clock, log: silentLogger }
    this.caller = new Transactions(deps)
    this.callee = new Transactions(deps)
    this.client = this.caller.invite(outgoing('INVITE'), this.#toCallee(), {
      provisional() {},
      success: ({ status }) => {
        this.ends.push(`success ${status}`)
        const way = this.#toCallee()
        way.send(outgoing('ACK').toText('SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKack', way))
      },
      final: ({ status }) => void this.ends.push(`final ${status}`),
      failed: () => void this.ends.push('failed'),
    })
    if (plan.cancelAfterMs !== undefined) this.clock.setTimeout(() => this.cancel(), plan.cancelAfterMs)
  }

  /** A caller that loses its patience; without a provisional response, Timer B ends the INVITE. */
  cancel(): void {
    if (this.client.state !== 'proceeding') return
    this.caller.cancel(this.client, outgoing('CANCEL'), { provisional() {}, final() {}, failed() {} })
  }

  #toCallee(): Way {
    return this.#flow(SOURCE, (text) => {
      const invite = text.startsWith('INVITE') || (text.startsWith('ACK') && !text.includes('z9hG4bKack'))
      if (invite && this.client?.state === 'terminated' && this.#plan.protocol === 'udp') this.wrong.push(text)
      return (bytes) => this.#receiveRequest(parseMessage(bytes, SOURCE) as ParsedRequest)
    })
  }

  #toCaller(): Way {
    return this.#flow(SOURCE, () => (bytes) => {
      this.caller.receiveResponse(parseMessage(bytes, SOURCE) as ParsedResponse)
    })
  }

  #flow(remote: SipAddress, receiver: (text: string) => (bytes: Buffer) => void): Way {
    const { protocol } = this.#plan
    return {
      remote: { ...remote, protocol },
      sentBy: '192.0.2.9:5060',
      isReliable: protocol === 'tcp',
      suspect() {},
      send: (text) => {
        const receive = receiver(text)
        for (const delayMs of this.#nextFate()) this.clock.setTimeout(() => receive(Buffer.from(text)), delayMs)
        return Promise.resolve()
      },
    }
  }

  #nextFate(): readonly number[] {
    const { protocol, fates } = this.#plan
    return protocol === 'tcp' ? [10] : (fates[this.#sent++ % fates.length] ?? [])
  }

  #receiveRequest(request: ParsedRequest): void {
    const { method } = request
    if (this.callee.receiveRequest(request)) return
    if (method === 'ACK') this.#acked = true
    if (method === 'CANCEL') this.#cancelled(request)
    if (method === 'INVITE') this.#invited(request)
  }

  #cancelled(request: ParsedRequest): void {
    const invite = this.callee.inviteOf(request)
    const server = this.callee.open(request, this.#toCaller(), { toTag: 'b', known: true, user: {} })
    server.respond(invite ? 200 : 481, this.#response(request, invite ? 200 : 481))
    invite?.cancel(request)
  }

  #invited(request: ParsedRequest): void {
    this.invites.push(this.clock.now())
    const refuse = (): void => respond(487)
    const server = this.callee.open(request, this.#toCaller(), {
      toTag: 'b',
      known: true,
      user: { cancelled: refuse },
    }) as InviteServer
    const respond = (status: number): void => {
      if (server.state !== 'proceeding') return
      const text = this.#response(request, status)
      server.respond(status, text)
      if (status >= 200 && status < 300) this.#repeat(server, text, 500)
    }
    for (const { afterMs, status } of this.#plan.answers) this.clock.setTimeout(() => respond(status), afterMs)
  }

  /** RFC 3261 13.3.1.4: the user repeats its 2xx until the ACK. */
  #repeat(server: InviteServer, text: string, intervalMs: number): void {
    this.clock.setTimeout(() => {
      if (this.#acked || server.state !== 'accepted') return
      server.respond(200, text)
      this.#repeat(server, text, Math.min(2 * intervalMs, 4_000))
    }, intervalMs)
  }

  #response(request: ParsedRequest, status: number): string {
    return responseText(request.fields, { status, toTag: 'b', headers: [] })
  }
}
