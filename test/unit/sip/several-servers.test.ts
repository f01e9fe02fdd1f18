import assert from 'node:assert/strict'
import { silentLogger } from '../../../src/base/logger.js'
import type { ParsedResponse } from '../../../src/sip/message/parsed-message.js'
import { parseMessage } from '../../../src/sip/message/parser.js'
import type { Router } from '../../../src/sip/router.js'
import { Sender } from '../../../src/sip/sender.js'
import { Transactions } from '../../../src/sip/transaction/transactions.js'
import type { SipAddress, Target } from '../../../src/sip/types.js'
import { FakeClock } from '../../support/fake-clock.js'
import { wayTo } from '../../support/memory-transport.js'
import { outgoing } from '../../support/outgoing-request.js'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const [A, B, C] = [1, 2, 3].map((last) => ({
  protocol: 'udp' as const,
  host: `192.0.2.${last}`,
  port: 5060,
  name: 'pbx.example.com',
})) as [Target, Target, Target]

/** A name with three servers. */
class Servers {
  readonly clock = new FakeClock()
  /** `A INVITE`. */
  readonly sent: string[] = []
  readonly texts: string[] = []
  readonly told: string[] = []
  readonly health: string[] = []
  /** Targets that take no connection. */
  readonly refused = new Set<Target>()
  targets: readonly Target[] = [A, B, C]
  readonly transactions = new Transactions({ clock: this.clock, log: silentLogger })
  readonly sender: Sender
  readonly user = {
    provisional: ({ status }: ParsedResponse) => void this.told.push(`provisional ${status}`),
    success: ({ status }: ParsedResponse) => void this.told.push(`success ${status}`),
    final: ({ status }: ParsedResponse) => void this.told.push(`final ${status}`),
    failed: ({ status }: { status: number }) => void this.told.push(`failed ${status}`),
  }

  constructor() {
    const router = {
      targets: () => this.targets,
      flowTo: async (target: Target) => {
        if (this.refused.has(target)) throw new Error('refused')
        return wayTo(target, { send: async (text) => this.#send(target, text) })
      },
      worked: (target: Target) => void this.health.push(`${nameOf(target)} worked`),
      failed: (target: Target, sec?: number) =>
        void this.health.push(`${nameOf(target)} failed${sec ? ` ${sec}` : ''}`),
    } as unknown as Router
    this.sender = new Sender({ clock: this.clock, router, transactions: this.transactions })
  }

  answer(index: number, status: number, header = ''): void {
    const [, ...lines] = (this.texts.at(index) ?? '').split('\r\n')
    const copied = lines.filter((line) => /^(Via|From|Call-ID|CSeq):/.test(line))
    const to = lines.find((line) => line.startsWith('To:'))
    const text = [`SIP/2.0 ${status} X`, ...copied, `${to};tag=x${index}`, ...(header ? [header] : []), '', ''].join(
      '\r\n',
    )
    this.transactions.receiveResponse(parseMessage(Buffer.from(text), A) as ParsedResponse)
  }

  #send(target: SipAddress, text: string): void {
    this.sent.push(`${nameOf(target)} ${text.split(' ', 1)[0]}`)
    this.texts.push(text)
  }
}

const nameOf = ({ host }: SipAddress): string => 'ABC'[Number(host.at(-1)) - 1] ?? '?'

describe('a request to a name with several servers (RFC 3263 4.3)', () => {
  it('goes to the next one if the first takes no connection, answers 503 or says nothing for 8 s', async () => {
    const it = new Servers()
    it.refused.add(A)
    it.sender.invite(outgoing(), undefined, it.user)
    await turn()
    assert.deepEqual(it.sent, ['B INVITE'])
    it.answer(0, 503, 'Retry-After: 120 (busy)')
    await turn()
    assert.deepEqual(it.sent, ['B INVITE', 'B ACK', 'C INVITE'])
    it.answer(2, 200)
    assert.deepEqual(it.told, ['success 200'])
    assert.deepEqual(it.health, ['A failed', 'B failed 120', 'C worked'])
    const branches = [0, 2].map((index) => /branch=([^;\r]*)/.exec(it.texts[index] ?? '')?.[1])
    assert.notEqual(branches[0], branches[1], 'each try is a transaction')

    const silent = new Servers()
    silent.sender.request(outgoing({ method: 'OPTIONS' }), undefined, silent.user)
    await turn()
    silent.clock.advance(7_999)
    assert.deepEqual(new Set(silent.sent), new Set(['A OPTIONS']))
    silent.clock.advance(1)
    await turn()
    assert.equal(silent.sent.at(-1), 'B OPTIONS')
    silent.answer(-1, 404)
    assert.deepEqual(silent.told, ['final 404'])
    assert.deepEqual(silent.health, ['A failed', 'B worked'])
  })

  it('stays with a server that has given any answer, and waits for the last one as long as for an only one', async () => {
    const it = new Servers()
    it.sender.invite(outgoing(), undefined, it.user)
    await turn()
    it.answer(0, 100)
    it.clock.advance(60_000)
    await turn()
    assert.deepEqual(it.sent, ['A INVITE'])

    const last = new Servers()
    last.targets = [A, B]
    last.sender.request(outgoing({ method: 'OPTIONS' }), undefined, last.user)
    await turn()
    last.clock.advance(8_000)
    await turn()
    last.clock.advance(31_999)
    assert.deepEqual(last.told, [])
    last.clock.advance(1)
    assert.deepEqual(last.told, ['failed 408'])
  })

  it('tells the failure of the last server: a 503, or that it cannot be reached', async () => {
    const it = new Servers()
    it.targets = [A, B]
    it.refused.add(A)
    it.sender.request(outgoing({ method: 'OPTIONS' }), undefined, it.user)
    await turn()
    it.answer(0, 503)
    assert.deepEqual(it.told, ['final 503'])

    const none = new Servers()
    for (const target of none.targets) none.refused.add(target)
    none.sender.request(outgoing({ method: 'OPTIONS' }), undefined, none.user)
    await turn()
    assert.deepEqual([none.told, none.clock.pending], [['failed 503'], 0])
  })

  it('tries no other server once it is cancelled or closed', async () => {
    const cancelled = new Servers()
    const pending = cancelled.sender.invite(outgoing(), undefined, cancelled.user)
    await turn()
    pending.stay()
    cancelled.answer(0, 503)
    await turn()
    assert.deepEqual([cancelled.sent, cancelled.told], [['A INVITE', 'A ACK'], ['final 503']])

    const closed = new Servers()
    const request = closed.sender.request(outgoing({ method: 'OPTIONS' }), undefined, closed.user)
    await turn()
    request.close('given up')
    await turn()
    assert.deepEqual([closed.told, closed.sent.length, closed.clock.pending], [['failed 503'], 1, 0])
  })

  it('a 2xx that comes late from a server that was left reaches the present user', async () => {
    const it = new Servers()
    it.targets = [A, B]
    const pending = it.sender.invite(outgoing(), undefined, it.user)
    await turn()
    it.clock.advance(8_000)
    await turn()
    assert.equal(it.sent.at(-1), 'B INVITE')
    const late: string[] = []
    pending.leaveTo({ ...it.user, success: ({ status }) => void late.push(`late ${status}`) })
    it.answer(0, 200)
    assert.deepEqual([it.told, late], [[], ['late 200']])
  })

  it('a 2xx that comes late from a server that was left speaks for that server', async () => {
    const it = new Servers()
    it.targets = [A, B]
    it.sender.invite(outgoing(), undefined, it.user)
    await turn()
    it.clock.advance(8_000)
    await turn()
    it.answer(0, 200)
    assert.deepEqual([it.told, it.health], [['success 200'], ['A failed', 'A worked']])
  })
})
