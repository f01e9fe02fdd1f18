import assert from 'node:assert/strict'
import { type DeliveryDeps, RequestDelivery } from '../../../src/sip/delivery.js'
import type { OutgoingRequest } from '../../../src/sip/message/outgoing-request.js'
import type { NonInviteClient } from '../../../src/sip/transaction/non-invite-client.js'
import type { ClientUser } from '../../../src/sip/transaction/transaction.js'
import type { Flow } from '../../../src/sip/transport/flow.js'
import { FakeClock } from '../../support/fake-clock.js'
import { turn } from '../../support/memory-wire.js'
import { uriOf } from '../../support/uri.js'

describe('the delivery of a request', () => {
  it('whose first target refuses the connection has no limit for the search any more when the second one has it', async () => {
    const clock = new FakeClock()
    const failures: string[] = []
    const user: ClientUser = { provisional() {}, final() {}, failed: ({ reason }) => void failures.push(reason) }
    const transaction = {} as NonInviteClient
    const deps: DeliveryDeps = {
      clock,
      transactions: {
        request: () => transaction,
        invite: () => assert.fail('this is not an INVITE'),
      },
      waiting: new Set(),
      router: {
        targets: async () => [
          { protocol: 'tcp', host: '192.0.2.1', port: 5060 },
          { protocol: 'udp', host: '192.0.2.2', port: 5060 },
        ],
        flowTo: ({ protocol }) => (protocol === 'tcp' ? Promise.reject(new Error('refused')) : ({} as Flow)),
        worked() {},
        failed() {},
      },
    }
    const delivery = new RequestDelivery(deps, {
      request: { nextHop: uriOf('sip:example.com') } as OutgoingRequest,
      prefer: undefined,
      user,
    })
    delivery.begin()
    await turn()
    assert.equal(delivery.transaction, transaction)
    assert.deepEqual([clock.pending, deps.waiting.size], [0, 0])
    clock.advance(60_000)
    assert.deepEqual(failures, [])
  })
})
