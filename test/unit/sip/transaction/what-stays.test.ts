import assert from 'node:assert/strict'
import type { ParsedRequest } from '../../../../src/sip/message/parsed-message.js'
import { parseMessage } from '../../../../src/sip/message/parser.js'
import type { InviteUser, ServerUser } from '../../../../src/sip/transaction/transaction.js'
import { holdings } from '../../../support/process-handles.js'
import { requestText, SOURCE } from '../../../support/sip-messages.js'
import { Bench, outgoing, responseOf, responseTo } from './fixture.js'

/** Made here: a function that is made beside a request keeps it, because V8 gives a scope's functions one context. */
const OVER: ServerUser = { over: () => {} }
const known = (user: ServerUser) => ({ toTag: 'ours', known: true, user })
const first = (bench: Bench): string => bench.flow.sent[0] ?? ''

describe('what a transaction keeps after the final response', () => {
  const SIZE = 60_000
  const big = (n: number, method: string): ParsedRequest => {
    const via = `SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK776asdhds${n}`
    return parseMessage(
      Buffer.from(requestText({ method, via, headers: [`X: ${'x'.repeat(SIZE)}`] })),
      SOURCE,
    ) as ParsedRequest
  }

  const gone = async (begin: (bench: Bench) => object[]): Promise<boolean[]> => {
    const bench = new Bench()
    const refs = begin(bench).map((object) => new WeakRef(object))
    await holdings()
    assert.equal(bench.layer.size.clients + bench.layer.size.servers, 1)
    return refs.map((ref) => ref.deref() === undefined)
  }

  for (const [method, status] of [
    ['INVITE', 200],
    ['INVITE', 486],
    ['OPTIONS', 200],
  ] as const) {
    it(`${status} to a received ${method}: neither the request nor the user`, async () => {
      const begin = (bench: Bench): object[] => {
        const request = big(0, method)
        const user: ServerUser = { cancelled: () => void request, unsent: () => void request, ...OVER }
        bench.layer.receiveRequest(request)
        bench.layer.open(request, bench.flow, known(user)).respond(status, responseOf(status))
        bench.flow.settle()
        return [request, user]
      }
      assert.deepEqual(await gone(begin), [true, true])
    })

    it(`${status} to a sent ${method}: neither request nor response`, async () => {
      const begin = (bench: Bench): object[] => {
        const request = outgoing(method)
        const user: InviteUser = { ...bench.clientUser }
        const client = method === 'INVITE' ? bench.layer.invite(request, bench.flow, user) : undefined
        if (!client) bench.layer.request(request, bench.flow, user)
        const response = responseTo(first(bench), status)
        bench.layer.receiveResponse(response)
        if (client) client.user = bench.clientUser
        bench.flow.settle()
        return [request, response, user]
      }
      assert.deepEqual(await gone(begin), [true, true, true])
    })
  }

  it('its key does not keep the datagram', async () => {
    const bench = new Bench()
    const before = await holdings()
    for (let n = 0; n < 500; n++) {
      const request = big(n, 'INVITE')
      bench.layer.receiveRequest(request)
      bench.layer.open(request, bench.flow, known({})).respond(200, responseOf(200))
      bench.flow.settle()
    }
    const after = await holdings()
    assert.equal(bench.layer.size.servers, 500)
    const perRequest = (after.heapOctets - before.heapOctets) / 500
    assert.ok(perRequest < SIZE / 3, `${perRequest} octets for each request of ${SIZE}`)
  })
})
