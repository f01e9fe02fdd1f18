import assert from 'node:assert/strict'
import type { InviteServer } from '../../../../src/sip/transaction/invite-server.js'
import type { ClientUser, InviteUser, ServerUser } from '../../../../src/sip/transaction/transaction.js'
import { Bench, incoming, outgoing, responseOf, responseTo, turn } from './fixture.js'

const fail = (): never => {
  throw new Error('the user is broken')
}
const BROKEN: InviteUser & ServerUser = {
  provisional: fail,
  success: fail,
  final: fail,
  failed: fail,
  over: fail,
  cancelled: fail,
  unsent: fail,
}
const known = (user: ServerUser) => ({ toTag: 'ours', known: true, user })
const first = (bench: Bench): string => bench.flow.sent[0] ?? ''

describe('transactions whose users throw', () => {
  const cases: Readonly<Record<string, (bench: Bench) => Promise<void> | void>> = {
    'provisional, success'(bench) {
      bench.layer.invite(outgoing('INVITE'), bench.flow, BROKEN)
      for (const status of [180, 200]) bench.layer.receiveResponse(responseTo(first(bench), status))
    },
    'provisional, final of an INVITE'(bench) {
      bench.layer.invite(outgoing('INVITE'), bench.flow, BROKEN)
      for (const status of [180, 486]) bench.layer.receiveResponse(responseTo(first(bench), status))
      assert.match(bench.flow.sent[1] ?? '', /^ACK /)
    },
    'provisional, final of another request'(bench) {
      bench.layer.request(outgoing('OPTIONS'), bench.flow, BROKEN)
      for (const status of [100, 200]) bench.layer.receiveResponse(responseTo(first(bench), status))
    },
    async 'failed: not sent; by the end of the connection'(bench) {
      bench.layer.request(outgoing('OPTIONS'), bench.flow, BROKEN)
      await bench.flow.fail(0)
      bench.layer.request(outgoing('OPTIONS'), bench.flow, BROKEN)
      bench.layer.flowEnded(bench.flow, 'it has ended')
    },
    'failed: Timer B, Timer F'(bench) {
      bench.layer.invite(outgoing('INVITE'), bench.flow, BROKEN)
      bench.layer.request(outgoing('OPTIONS'), bench.flow, BROKEN)
      bench.clock.advance(32_000)
    },
    'failed, over: the layer closes'(bench) {
      bench.layer.invite(outgoing('INVITE'), bench.flow, BROKEN)
      bench.layer.open(incoming('INVITE'), bench.flow, known(BROKEN))
      bench.layer.close('closed')
    },
    async 'unsent, over of an answered request'(bench) {
      const { flow } = bench
      bench.layer.open(incoming('OPTIONS'), flow, known(BROKEN)).respond(200, responseOf(200))
      assert.deepEqual(flow.sent, [responseOf(200)])
      await flow.fail(0)
    },
    'cancelled, over of a refused INVITE'(bench) {
      const server = bench.layer.open(incoming('INVITE'), bench.flow, known(BROKEN)) as InviteServer
      server.cancel(incoming('CANCEL'))
      server.respond(487, responseOf(487))
      assert.ok(bench.layer.receiveRequest(incoming('ACK')))
    },
  }
  for (const [name, run] of Object.entries(cases)) {
    it(name, async () => {
      const bench = new Bench()
      await run(bench)
      assert.deepEqual(bench.errors.map(String), Array(2).fill('Error: the user is broken'))
      bench.clock.advance(64_000)
      assert.deepEqual([bench.layer.size, bench.clock.pending], [{ clients: 0, servers: 0 }, 0])
    })
  }
})

describe('transactions whose users call back at once', () => {
  it('a final response, and a failure, are followed by the next request', async () => {
    const bench = new Bench()
    const { layer, flow, told } = bench
    const again: ClientUser = {
      ...bench.clientUser,
      final: () => void layer.request(outgoing('OPTIONS'), flow, { ...bench.clientUser, failed: retry }),
    }
    const retry = (): void => void layer.invite(outgoing('INVITE'), flow, bench.clientUser)
    layer.request(outgoing('OPTIONS'), flow, again)
    layer.receiveResponse(responseTo(first(bench), 401))
    await flow.fail(1)
    layer.receiveResponse(responseTo(flow.sent[2] ?? '', 200))
    assert.deepEqual(told, ['success 200'])
    assert.equal(new Set(flow.sent.map((text) => /branch=[^;]*/.exec(text)?.[0])).size, 3)
  })

  it('a CANCEL is answered 487 from within', () => {
    const bench = new Bench()
    const user: ServerUser = { ...bench.serverUser, cancelled: () => server.respond(487, responseOf(487)) }
    const server = bench.layer.open(incoming('INVITE'), bench.flow, known(user)) as InviteServer
    server.cancel(incoming('CANCEL'))
    server.cancel(incoming('CANCEL'))
    assert.deepEqual([server.state, bench.flow.sent], ['completed', [responseOf(487)]])
  })

  const closes: Readonly<Record<string, (bench: Bench, user: InviteUser & ServerUser) => void>> = {
    'a provisional response'(bench, user) {
      bench.layer.invite(outgoing('INVITE'), bench.flow, user)
      bench.layer.receiveResponse(responseTo(first(bench), 180))
    },
    'a 2xx'(bench, user) {
      bench.layer.invite(outgoing('INVITE'), bench.flow, user)
      bench.layer.receiveResponse(responseTo(first(bench), 200))
    },
    'a failure'(bench, user) {
      bench.layer.invite(outgoing('INVITE'), bench.flow, user)
      bench.layer.receiveResponse(responseTo(first(bench), 486))
    },
    'a final response'(bench, user) {
      bench.layer.request(outgoing('OPTIONS'), bench.flow, user)
      bench.layer.receiveResponse(responseTo(first(bench), 200))
    },
    'the end of a request that was answered'(bench, user) {
      bench.layer.open(incoming('OPTIONS'), bench.flow, known(user)).respond(200, responseOf(200))
      assert.equal(bench.flow.sent.length, 1)
    },
    'the ACK to a refusal'(bench, user) {
      bench.layer.open(incoming('INVITE'), bench.flow, known(user)).respond(486, responseOf(486))
      bench.layer.receiveRequest(incoming('ACK'))
    },
  }
  for (const [name, run] of Object.entries(closes)) {
    it(`${name} closes the layer: nothing is left`, () => {
      const bench = new Bench()
      const close = (): void => bench.layer.close('from within')
      const none = (): void => {}
      run(bench, { provisional: close, success: close, final: close, failed: none, over: close })
      assert.deepEqual([bench.layer.size, bench.clock.pending, bench.errors], [{ clients: 0, servers: 0 }, 0, []])
    })
  }

  it('what is sent while the layer closes, or after, fails and leaves nothing', async () => {
    const bench = new Bench()
    const { layer, flow, told } = bench
    const failed = (): void => {
      layer.invite(outgoing('INVITE'), flow, bench.clientUser)
      layer.request(outgoing('OPTIONS'), flow, bench.clientUser)
      told.push('two more are sent')
    }
    layer.request(outgoing('OPTIONS'), flow, { ...bench.clientUser, failed })
    layer.close('closed')
    await turn()
    assert.deepEqual(told, ['two more are sent', 'failed 503', 'failed 503'])
    assert.deepEqual([layer.size.clients, bench.clock.pending], [0, 0])
  })

  it('a connection that is closed because nothing was heard on it: each request fails once, those that have waited 64*T1 with 408', () => {
    const bench = new Bench('tcp')
    const { layer, flow, clock, told } = bench
    flow.suspecting = () => layer.flowEnded(flow, 'it was closed')
    layer.invite(outgoing('INVITE'), flow, bench.clientUser)
    clock.advance(1)
    layer.request(outgoing('OPTIONS'), flow, bench.clientUser)
    clock.advance(31_999)
    assert.deepEqual(told, ['failed 503', 'failed 408'])
    layer.request(outgoing('OPTIONS'), flow, bench.clientUser)
    clock.advance(32_000)
    assert.deepEqual(told, ['failed 503', 'failed 408', 'failed 408'])
  })

  it('a connection that breaks while the first message is written: the user has its transaction before it is told', async () => {
    const bench = new Bench('tcp')
    const { layer, flow } = bench
    flow.passing = () => layer.flowEnded(flow, 'the peer takes nothing')
    layer.invite(outgoing('INVITE'), flow, bench.clientUser)
    assert.deepEqual(bench.told, [])
    await flow.fail(0)
    assert.deepEqual(bench.told, ['failed 503 unsent'])
  })
})

describe('the transaction layer', () => {
  it('takes names of prototypes as branches', () => {
    const bench = new Bench()
    for (const branch of ['__proto__', 'constructor', 'toString', 'z9hG4bK__proto__', 'z9hG4bK']) {
      const via = `SIP/2.0/UDP 192.0.2.1:5060;branch=${branch};rport`
      assert.equal(bench.layer.receiveResponse(responseTo(`INVITE x\r\nVia: ${via}\r\n`, 200)), false)
      const request = incoming('INVITE', { via })
      assert.equal(bench.layer.receiveRequest(request), false, branch)
      bench.layer.open(request, bench.flow, known({}))
      assert.ok(bench.layer.receiveRequest(incoming('INVITE', { via })), branch)
    }
    assert.equal(bench.layer.size.servers, 5)
  })

  it('tells branch, method and host of the sender apart (17.1.3, 17.2.3)', () => {
    const bench = new Bench()
    bench.layer.invite(outgoing('INVITE'), bench.flow, bench.clientUser)
    const other = first(bench).replace(/branch=\w*/, 'branch=z9hG4bKother')
    assert.equal(bench.layer.receiveResponse(responseTo(other, 200)), false)
    assert.equal(bench.layer.receiveResponse(responseTo(first(bench).replace('INVITE', 'OPTIONS'), 200)), false)
    bench.layer.open(incoming('OPTIONS'), bench.flow, known({}))
    for (const request of [
      incoming('MESSAGE'),
      incoming('ACK'),
      incoming('OPTIONS', { via: 'SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK776asdhds' }),
      incoming('OPTIONS', { via: 'SIP/2.0/UDP 192.0.2.1:5061;branch=z9hG4bK776asdhds' }),
    ])
      assert.equal(bench.layer.receiveRequest(request), false)
    assert.equal(bench.layer.inviteOf(incoming('CANCEL')), undefined)
  })

  it('keeps a request whose key an ended transaction has had', () => {
    const bench = new Bench('tcp')
    for (const method of ['INVITE', 'OPTIONS']) {
      const open = () => bench.layer.open(incoming(method), bench.flow, known(bench.serverUser))
      const ended = open()
      ended.close()
      const other = open()
      ended.close()
      ended.respond(200, responseOf(200))
      assert.deepEqual([bench.layer.receiveRequest(incoming(method)), bench.flow.sent], [true, []])
      other.close()
    }
  })

  it('matches repeats, ACK and CANCEL of an RFC 2543 peer (17.2.3)', () => {
    const via = 'SIP/2.0/UDP 192.0.2.1:5060'
    const bench = new Bench()
    const server = bench.layer.open(incoming('INVITE', { via }), bench.flow, known(bench.serverUser))
    assert.equal(bench.layer.inviteOf(incoming('CANCEL', { via, cseq: '314159 CANCEL' })), server)
    server.respond(486, responseOf(486))
    assert.ok(bench.layer.receiveRequest(incoming('INVITE', { via })))
    const forked = incoming('INVITE', { via: `${via};branch=2` })
    assert.equal(bench.layer.receiveRequest(forked), false, 'another fork by the same proxy')
    assert.equal(bench.layer.receiveRequest(incoming('ACK', { via, cseq: '2 ACK' })), false)
    assert.ok(bench.layer.receiveRequest(incoming('ACK', { via, to: '<sip:bob@example.org>;tag=ours' })))
    assert.equal(server.state, 'confirmed')
  })
})
