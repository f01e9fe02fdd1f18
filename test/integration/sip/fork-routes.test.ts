/** RFC 3261 12.1.2, 13.2.2.4: route set and remote target of each fork, and of its early and its confirmed dialog. */
import assert from 'node:assert/strict'
import { FakeClock } from '../../support/fake-clock.js'
import { RawFork } from '../../support/raw-fork.js'
import { RawPeer } from '../../support/raw-peer.js'
import { SDP } from '../../support/sip-messages.js'
import { Party } from '../../support/sip-parties.js'

describe('the way to a fork', () => {
  let peer: RawPeer
  let alice: Party

  beforeEach(async () => {
    peer = await RawPeer.open()
    alice = await Party.open('alice', { clock: new FakeClock() })
  })
  afterEach(() => Promise.all([peer.close(), alice.close()]))

  const hop = (name: string) => `<sip:${name}@127.0.0.1:${peer.port};lr>`

  async function called(...ways: { tag: string; routes: string[]; contact?: string }[]) {
    const call = alice.call(peer.uri)
    const invite = await peer.requests.next()
    const forks = ways.map(
      ({ tag, routes, contact }) =>
        new RawFork(peer, invite, { tag, recordRoute: routes, ...(contact ? { contact } : {}) }),
    )
    return { ...call, invite, forks: forks as [RawFork, RawFork] }
  }

  const next = async () => {
    const received = await peer.requests.next()
    const { message } = received
    return {
      received,
      line: [message.method, message.uri.text, message.headers('route')] as const,
    }
  }

  it('is its own, whichever rang first and whichever answers', async () => {
    for (const winner of [0, 1] as const) {
      const { forks, progress, outcome } = await called(
        { tag: 'one', routes: ['<sip:far.example.com;lr>', hop('near-one')], contact: 'sip:one@192.0.2.1' },
        { tag: 'two', routes: [hop('near-two')], contact: 'sip:two@192.0.2.2' },
      )
      for (const fork of forks) {
        fork.answer(180)
        await progress.next()
      }
      forks[winner].answer(200, { body: SDP })
      const result = await outcome
      assert.ok(result.kind === 'answered')
      const expected = [
        ['sip:one@192.0.2.1', [hop('near-one'), '<sip:far.example.com;lr>']],
        ['sip:two@192.0.2.2', [hop('near-two')]],
      ][winner]
      assert.deepEqual((await next()).line, ['ACK', ...(expected ?? [])])
      const info = result.dialog.request('INFO')
      const asked = await next()
      assert.deepEqual(asked.line, ['INFO', ...(expected ?? [])])
      peer.answer(asked.received, 200)
      await info
    }
  })

  it('is computed anew from the 2xx: other routes, none, and another Contact (13.2.2.4)', async () => {
    for (const final of [['<sip:other.example.com;lr>', 'new-near'], ['new-near'], []]) {
      const { invite, progress, outcome } = await called()
      new RawFork(peer, invite, { tag: 'one', recordRoute: [hop('early')], contact: 'sip:early@192.0.2.1' }).answer(180)
      await progress.next()
      const routes = final.map((name) => (name.startsWith('<') ? name : hop(name)))
      const contact = `sip:late@127.0.0.1:${peer.port}`
      new RawFork(peer, invite, { tag: 'one', recordRoute: routes, contact }).answer(200, { body: SDP })
      const result = await outcome
      assert.ok(result.kind === 'answered')
      assert.deepEqual((await next()).line, ['ACK', contact, routes.toReversed()])
      const bye = result.dialog.bye()
      const asked = await next()
      assert.deepEqual(asked.line, ['BYE', contact, routes.toReversed()])
      peer.answer(asked.received, 200)
      assert.equal((await bye).status, 200)
    }
  })

  it('is not changed by Record-Route within the dialog (12.2)', async () => {
    const { forks, outcome } = await called({ tag: 'one', routes: [hop('first')] })
    forks[0].answer(200, { body: SDP })
    const result = await outcome
    assert.ok(result.kind === 'answered')
    await next()
    const answer = await forks[0].ask('UPDATE', { headers: [`Record-Route: ${hop('second')}`] })
    assert.equal(answer.status, 200)
    for (const method of ['UPDATE', 'INFO']) {
      const asking = result.dialog.request(method)
      const asked = await next()
      assert.deepEqual(asked.line, [method, forks[0].contact, [hop('first')]])
      peer.answer(asked.received, 200, { contact: forks[0].contact, headers: [`Record-Route: ${hop('third')}`] })
      await asking
    }
  })

  it('moves with UPDATE in the early dialog of that fork only', async () => {
    const { forks, progress, outcome } = await called({ tag: 'one', routes: [] }, { tag: 'two', routes: [] })
    const [one, two] = forks
    for (const fork of forks) {
      fork.answer(180)
      await progress.next()
    }
    assert.equal((await two.ask('UPDATE', { contact: `sip:moved@127.0.0.1:${peer.port}` })).status, 200)
    one.answer(200, { body: SDP })
    assert.equal((await outcome).kind, 'answered')
    assert.deepEqual((await next()).line, ['ACK', one.contact, []])
  })

  it('may begin with a strict router: the ACK and the BYE of a fork that is ended go there, and its target is their last route', async () => {
    const strict = `sip:strict@127.0.0.1:${peer.port}`
    const { forks, outcome } = await called(
      { tag: 'one', routes: [hop('loose')] },
      { tag: 'two', routes: ['<sip:far.example.com;lr>', `<${strict}>`], contact: 'sip:two@192.0.2.2' },
    )
    const [one, two] = forks
    one.answer(200, { body: SDP })
    assert.deepEqual((await next()).line, ['ACK', one.contact, [hop('loose')]])
    two.answer(200, { body: SDP })
    const routes = ['<sip:far.example.com;lr>', '<sip:two@192.0.2.2>']
    assert.deepEqual((await next()).line, ['ACK', strict, routes])
    assert.deepEqual((await next()).line, ['BYE', strict, routes])
    assert.equal((await outcome).kind, 'answered')
  })

  it('is that of the dialog for a re-INVITE: the ACKs to its failure and to its 2xx have all routes', async () => {
    const strict = `sip:strict@127.0.0.1:${peer.port}`
    for (const near of [hop('loose'), `<${strict}>`]) {
      const { forks, outcome } = await called({
        tag: 'one',
        routes: ['<sip:far.example.com;lr>', near],
        contact: 'sip:one@192.0.2.1',
      })
      forks[0].answer(200, { body: SDP })
      const result = await outcome
      assert.ok(result.kind === 'answered')
      await next()
      const [uri, routes] = near.endsWith(';lr>')
        ? ['sip:one@192.0.2.1', [near, '<sip:far.example.com;lr>']]
        : [strict, ['<sip:far.example.com;lr>', '<sip:one@192.0.2.1>']]
      for (const status of [488, 200]) {
        const answer = result.dialog.reinvite({ contentType: 'application/sdp', content: SDP })
        const asked = await next()
        assert.deepEqual(asked.line, ['INVITE', uri, routes])
        peer.answer(asked.received, status, { contact: 'sip:one@192.0.2.1', body: status === 200 ? SDP : '' })
        assert.deepEqual((await next()).line, ['ACK', uri, routes], `${status}`)
        assert.equal((await answer).status, status)
      }
    }
  })
})
