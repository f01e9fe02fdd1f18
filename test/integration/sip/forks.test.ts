/** RFC 3261 13.2.2, 9.1, 9.2: one INVITE, several answers; answers that cross. */
import assert from 'node:assert/strict'
import { FakeClock } from '../../support/fake-clock.js'
import { RawPeer } from '../../support/raw-peer.js'
import { requestText, SDP } from '../../support/sip-messages.js'
import { ANSWER, Party } from '../../support/sip-parties.js'
import { called } from '../../support/wait.js'

describe('forks and crossings', () => {
  let peer: RawPeer
  let alice: Party
  let clock: FakeClock

  beforeEach(async () => {
    clock = new FakeClock()
    peer = await RawPeer.open()
    alice = await Party.open('alice', { clock })
  })
  afterEach(() => Promise.all([peer.close(), alice.close()]))

  const next = async () => {
    const received = await peer.requests.next()
    return { received, method: received.message.method, tag: received.message.toTag }
  }

  it('tells each of several early dialogs, and goes on with the one that answers', async () => {
    const { progress, outcome } = alice.call(peer.uri)
    const invite = await peer.requests.next()
    for (const [status, toTag] of [
      [180, 'one'],
      [183, 'two'],
      [180, 'three'],
      [183, 'one'],
    ] as const) {
      peer.answer(invite, status, { toTag, ...(status === 183 ? { body: SDP } : {}) })
    }
    const told = [await progress.next(), await progress.next(), await progress.next(), await progress.next()]
    assert.deepEqual(
      told.map(({ status, to, body }) => [status, to.tag, body !== undefined]),
      [
        [180, 'one', false],
        [183, 'two', true],
        [180, 'three', false],
        [183, 'one', true],
      ],
    )
    peer.answer(invite, 200, { toTag: 'two', body: SDP })
    const result = await outcome
    assert.ok(result.kind === 'answered')
    assert.equal(result.dialog.remoteTag, 'two')
    assert.equal((await next()).method, 'ACK')
    const bye = result.dialog.bye()
    const ended = await next()
    assert.deepEqual([ended.method, ended.tag], ['BYE', 'two'])
    peer.answer(ended.received, 200)
    assert.equal((await bye).status, 200)
  })

  it('goes on with one that never rang, and ends every other that answers too', async () => {
    const { progress, outcome } = alice.call(peer.uri)
    const invite = await peer.requests.next()
    peer.answer(invite, 180, { toTag: 'one' })
    await progress.next()
    peer.answer(invite, 200, { toTag: 'fourth', body: SDP })
    assert.deepEqual([(await next()).tag], ['fourth'])
    const byes: string[] = []
    for (const toTag of ['one', 'fifth']) {
      peer.answer(invite, 200, { toTag, body: SDP })
      const [ack, bye] = [await next(), await next()]
      assert.deepEqual([ack.method, ack.tag, bye.method, bye.tag], ['ACK', toTag, 'BYE', toTag])
      byes.push(bye.received.message.callId)
      peer.answer(bye.received, 200)
    }
    const result = await outcome
    assert.ok(result.kind === 'answered')
    assert.deepEqual([result.dialog.remoteTag, new Set(byes).size], ['fourth', 1])
    const info = result.dialog.request('INFO')
    const received = await next()
    assert.deepEqual([received.method, received.tag], ['INFO', 'fourth'])
    peer.answer(received.received, 200)
    assert.equal((await info).status, 200)
  })

  it('ends a 2xx that crosses the CANCEL, and acknowledges it again where that ACK was lost', async () => {
    const { invite: outgoing, progress, outcome } = alice.call(peer.uri)
    const invite = await peer.requests.next()
    peer.answer(invite, 180)
    await progress.next()
    outgoing.cancel()
    assert.equal((await next()).method, 'CANCEL')
    peer.answer(invite, 200, { body: SDP })
    const [ack, bye] = [await next(), await next()]
    assert.deepEqual([ack.method, bye.method], ['ACK', 'BYE'])
    peer.answer(bye.received, 200)
    assert.equal((await outcome).response.status, 487)
    peer.answer(invite, 200, { body: SDP })
    const again = await next()
    assert.deepEqual([again.method, again.received.text], ['ACK', ack.received.text])
  })

  it('takes a failure that crosses the CANCEL for its answer', async () => {
    const { invite: outgoing, progress, outcome } = alice.call(peer.uri)
    const invite = await peer.requests.next()
    peer.answer(invite, 180)
    await progress.next()
    outgoing.cancel()
    await next()
    peer.answer(invite, 486)
    assert.equal((await next()).method, 'ACK')
    assert.equal((await outcome).response.status, 487)
  })

  it('lets a call stand whose CANCEL crossed our 200 (9.2), and takes the BYE that follows', async () => {
    const port = alice.endpoint.local.port
    const text = (method: string, to: string, more: { branch?: string; cseq?: number } = {}) =>
      requestText({
        method,
        uri: alice.address,
        to,
        via: peer.via(more.branch ?? method),
        cseq: `${more.cseq ?? 1} ${method}`,
        ...(method === 'INVITE' ? { body: SDP } : {}),
      })
    const to = '<sip:alice@example.com>'
    await peer.ask(text('INVITE', to, { branch: 'crossing' }), port)
    const invite = await alice.invites.next()
    let cancelled = false
    invite.handlers.cancelled = () => {
      cancelled = true
    }
    const dialog = invite.accept({ body: ANSWER })
    assert.equal((await peer.responses.next()).message.statusCode, 200)
    peer.send(text('CANCEL', to, { branch: 'crossing' }), port)
    const answer = (await peer.responses.next()).message
    assert.deepEqual([answer.method, answer.statusCode, answer.toTag], ['CANCEL', 200, dialog.localTag])
    const acknowledged = called(dialog.handlers, 'acknowledged')
    const ended = called(dialog.handlers, 'bye')
    const tagged = `${to};tag=${dialog.localTag}`
    peer.send(text('ACK', tagged), port)
    await acknowledged
    assert.equal((await peer.ask(text('BYE', tagged, { cseq: 2 }), port)).statusCode, 200)
    await ended
    assert.equal(cancelled, false)
  })
})
