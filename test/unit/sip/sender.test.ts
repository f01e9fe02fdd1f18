import assert from 'node:assert/strict'
import { deferred } from '../../../src/base/deferred.js'
import { silentLogger } from '../../../src/base/logger.js'
import type { Router } from '../../../src/sip/router.js'
import { Sender } from '../../../src/sip/sender.js'
import { Transactions } from '../../../src/sip/transaction/transactions.js'
import type { Flow } from '../../../src/sip/transport/flow.js'
import type { LocalFinalResponse } from '../../../src/sip/types.js'
import { FakeClock } from '../../support/fake-clock.js'
import { wayTo } from '../../support/memory-transport.js'
import { outgoing } from '../../support/outgoing-request.js'

const PEER = { protocol: 'udp', host: '192.0.2.7', port: 5060 } as const

class Flows {
  readonly clock = new FakeClock()
  readonly sent: string[] = []
  readonly failures: LocalFinalResponse[] = []
  /** What the router finds; a promise while the name is being resolved. */
  found: Flow | Promise<Flow>
  readonly sender: Sender
  readonly flow = wayTo(PEER, { send: async (text) => void this.sent.push(text) })

  constructor() {
    this.found = this.flow
    const router = { targets: () => [PEER], flowTo: () => this.found, worked() {}, failed() {} } as unknown as Router
    const transactions = new Transactions({ clock: this.clock, log: silentLogger })
    this.sender = new Sender({ clock: this.clock, router, transactions })
  }

  invite() {
    const failed = (failure: LocalFinalResponse): void => void this.failures.push(failure)
    return this.sender.invite(outgoing(), undefined, { provisional() {}, success() {}, final() {}, failed })
  }
}

const branchOf = (text: string): string => /;branch=([^;\r]*)/.exec(text)?.[1] ?? ''
const turn = () => new Promise(setImmediate)

describe('Sender', () => {
  it('gives each ACK to a 2xx a branch of its own (RFC 3261 8.1.1.7, 13.2.2.4)', async () => {
    const flows = new Flows()
    flows.invite()
    for (let times = 0; times < 2; times++) await flows.sender.ack(outgoing({ method: 'ACK' }), undefined)
    const branches = flows.sent.map(branchOf)
    for (const branch of branches) assert.match(branch, /^z9hG4bK[0-9a-f]{16}$/)
    assert.equal(new Set(branches).size, 3)
  })

  it('gives up a request that finds no way for 64*T1: it has not left, and does not leave after that', async () => {
    const flows = new Flows()
    const way = deferred<Flow>()
    flows.found = way.promise
    const sending = flows.invite()
    flows.clock.advance(31_999)
    assert.deepEqual(flows.failures, [])
    flows.clock.advance(1)
    const reason = 'no way to example.org was found in time'
    assert.deepEqual(flows.failures, [{ status: 408, reason, local: true, unsent: true }])
    way.resolve(flows.flow)
    await turn()
    assert.deepEqual([flows.sent, sending.transaction, flows.clock.pending], [[], undefined, 0])
  })

  it('leaves as soon as its way is found, and is not given up for the wait before', async () => {
    const flows = new Flows()
    const way = deferred<Flow>()
    flows.found = way.promise
    const sending = flows.invite()
    flows.clock.advance(31_000)
    way.resolve(flows.flow)
    await turn()
    assert.match(flows.sent[0] ?? '', /^INVITE /)
    flows.clock.advance(31_999)
    assert.deepEqual([flows.failures, sending.transaction?.state], [[], 'calling'])
    flows.clock.advance(1)
    assert.deepEqual(
      flows.failures.map(({ status, unsent }) => [status, unsent]),
      [[408, undefined]],
    )
  })

  it('tells what the router says as a 503 that has not left, also at once', async () => {
    const flows = new Flows()
    flows.found = Promise.reject(new Error('no such name'))
    flows.invite()
    await turn()
    assert.deepEqual(flows.failures, [{ status: 503, reason: 'no such name', local: true, unsent: true }])
  })

  it('ends each wait when it closes', () => {
    const flows = new Flows()
    flows.found = new Promise(() => {})
    flows.invite()
    flows.sender.close('closed')
    assert.deepEqual(flows.failures, [{ status: 503, reason: 'closed', local: true, unsent: true }])
    assert.equal(flows.clock.pending, 0)
  })
})
