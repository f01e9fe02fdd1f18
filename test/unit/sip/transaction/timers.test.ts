import assert from 'node:assert/strict'
import type { InviteServer } from '../../../../src/sip/transaction/invite-server.js'
import { Bench, incoming, outgoing, responseOf, responseTo } from './fixture.js'

/** Milliseconds at which something was sent, and at which the transaction ended; the clock goes on by one at a time. */
function watch(
  bench: Bench,
  transaction: { readonly state: string },
  untilMs = 70_000,
): { sent: number[]; ended: number } {
  const { clock, flow } = bench
  const sent: number[] = []
  flow.sent.length = 0
  while (transaction.state !== 'terminated' && clock.now() < untilMs) {
    clock.advance(1)
    for (; sent.length < flow.sent.length; ) sent.push(clock.now())
  }
  return { sent, ended: clock.now() }
}

const UP_TO_T2 = [500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]

describe('transaction timers (RFC 3261 17, table 4; RFC 6026)', () => {
  for (const protocol of ['udp', 'tcp'] as const) {
    const repeats = (times: number[]): number[] => (protocol === 'udp' ? times : [])

    it(`A and B of an INVITE, ${protocol}`, () => {
      const bench = new Bench(protocol)
      const client = bench.layer.invite(outgoing('INVITE'), bench.flow, bench.clientUser)
      const sent = repeats([500, 1_500, 3_500, 7_500, 15_500, 31_500])
      assert.deepEqual(watch(bench, client), { sent, ended: 32_000 })
      assert.deepEqual(bench.told, ['failed 408'])
    })

    it(`E and F of another request, ${protocol}`, () => {
      const bench = new Bench(protocol)
      const client = bench.layer.request(outgoing('OPTIONS'), bench.flow, bench.clientUser)
      assert.deepEqual(watch(bench, client), { sent: repeats(UP_TO_T2), ended: 32_000 })
    })

    it(`E after a provisional response: the next one as it was, then T2, ${protocol}`, () => {
      const bench = new Bench(protocol)
      const client = bench.layer.request(outgoing('OPTIONS'), bench.flow, bench.clientUser)
      bench.clock.advance(600)
      bench.layer.receiveResponse(responseTo(bench.flow.sent[0] ?? '', 100))
      const sent = repeats([1_500, 5_500, 9_500, 13_500, 17_500, 21_500, 25_500, 29_500])
      assert.deepEqual(watch(bench, client), { sent, ended: 32_000 })
    })

    it(`G and H of a refused INVITE, ${protocol}`, () => {
      const bench = new Bench(protocol)
      const init = { toTag: '', known: true, user: bench.serverUser }
      const server = bench.layer.open(incoming('INVITE'), bench.flow, init)
      server.respond(486, responseOf(486))
      assert.deepEqual(watch(bench, server), { sent: repeats(UP_TO_T2), ended: 32_000 })
    })

    for (const [name, method, status, endMs, endsAtOnce] of [
      ['D', 'INVITE', 486, 32_100, true],
      ['M', 'INVITE', 200, 32_100, false],
      ['K', 'OPTIONS', 200, 5_100, true],
    ] as const) {
      it(`${name} after ${status} to ${method}, ${protocol}`, () => {
        const bench = new Bench(protocol)
        const { layer, flow, clientUser } = bench
        const how = method === 'INVITE' ? 'invite' : 'request'
        const client = layer[how](outgoing(method), flow, clientUser)
        bench.clock.advance(100)
        layer.receiveResponse(responseTo(flow.sent[0] ?? '', status))
        assert.deepEqual(watch(bench, client), { sent: [], ended: endsAtOnce && protocol === 'tcp' ? 100 : endMs })
        assert.deepEqual([layer.size.clients, bench.clock.pending], [0, 0])
      })
    }

    for (const [name, method, status, endMs, endsAtOnce] of [
      ['L', 'INVITE', 200, 32_100, false],
      ['I', 'INVITE', 486, 5_100, true],
      ['J', 'OPTIONS', 200, 32_100, true],
    ] as const) {
      it(`${name} after ${status} to ${method}, ${protocol}`, () => {
        const bench = new Bench(protocol)
        const { layer, flow, serverUser } = bench
        const server = layer.open(incoming(method), flow, { toTag: '', known: true, user: serverUser })
        bench.clock.advance(100)
        server.respond(status, responseOf(status))
        if (name === 'I') assert.ok(layer.receiveRequest(incoming('ACK')))
        assert.deepEqual(watch(bench, server), { sent: [], ended: endsAtOnce && protocol === 'tcp' ? 100 : endMs })
        assert.deepEqual([layer.size.servers, bench.clock.pending], [0, 0])
      })
    }
  }

  it('the wait of a cancelled INVITE counts from its CANCEL (9.1), and a late 2xx still comes through for 64*T1', () => {
    const bench = new Bench()
    const { layer, flow, clock, told } = bench
    const client = layer.invite(outgoing('INVITE'), flow, bench.clientUser)
    const invite = flow.sent[0] ?? ''
    layer.receiveResponse(responseTo(invite, 180))
    clock.advance(10_000)
    assert.ok(layer.cancel(client, outgoing('CANCEL'), bench.clientUser))
    layer.receiveResponse(responseTo(flow.sent[1] ?? '', 200))
    clock.advance(31_999)
    assert.deepEqual(told, ['provisional 180', 'final 200'])
    clock.advance(1)
    assert.equal(told.at(-1), 'failed 408')
    clock.advance(31_999)
    layer.receiveResponse(responseTo(invite, 200))
    assert.equal(told.at(-1), 'success 200')
    clock.advance(1)
    assert.deepEqual([client.state, layer.size.clients], ['terminated', 0])
  })

  it('a thread that was held up sends once and then ends', () => {
    const bench = new Bench()
    const client = bench.layer.request(outgoing('OPTIONS'), bench.flow, bench.clientUser)
    bench.clock.stall(60_000)
    bench.clock.advance(0)
    assert.deepEqual([client.state, bench.flow.sent.length, bench.told], ['terminated', 2, ['failed 408']])
  })

  it('an ACK ends Timer H, and no late timer undoes it', () => {
    const bench = new Bench()
    const init = { toTag: '', known: true, user: bench.serverUser }
    const server = bench.layer.open(incoming('INVITE'), bench.flow, init) as InviteServer
    server.respond(486, responseOf(486))
    bench.clock.advance(31_999)
    bench.layer.receiveRequest(incoming('ACK'))
    bench.clock.advance(4_999)
    assert.equal(server.state, 'confirmed')
    bench.clock.advance(1)
    assert.equal(server.state, 'terminated')
    assert.deepEqual(bench.told, ['over'])
  })
})
