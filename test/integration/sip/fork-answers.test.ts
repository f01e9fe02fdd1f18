/** RFC 3261 13.2.2.4, RFC 6026: several 2xx of one INVITE. One is the call; each other one gets an ACK and a BYE of its own. */
import assert from 'node:assert/strict'
import type { SipDialog } from '../../../src/sip/types.js'
import { FakeClock } from '../../support/fake-clock.js'
import { RawFork } from '../../support/raw-fork.js'
import { RawPeer } from '../../support/raw-peer.js'
import { heard, settled } from '../../support/settled.js'
import { SDP } from '../../support/sip-messages.js'
import { Party } from '../../support/sip-parties.js'
import { toldBy } from '../../support/told-by.js'

describe('several 2xx of one INVITE', () => {
  let peer: RawPeer
  let alice: Party
  let clock: FakeClock

  beforeEach(async () => {
    clock = new FakeClock()
    peer = await RawPeer.open()
    alice = await Party.open('alice', {
      clock,
      agent: { authenticator: { answer: () => [['Proxy-Authorization', 'Digest x']] } },
    })
  })
  afterEach(() => Promise.all([peer.close(), alice.close()]))

  const hop = (name: string) => `<sip:${name}@127.0.0.1:${peer.port};lr>`
  const forkOf = (invite: Awaited<ReturnType<typeof peer.requests.next>>, tag: string) =>
    new RawFork(peer, invite, {
      tag,
      contact: `sip:${tag}@192.0.2.1;x=${tag}`,
      recordRoute: [`<sip:far-${tag}.example.com;lr>`, hop(tag)],
    })
  const next = () => peer.requests.next()
  const described = ({ message }: Awaited<ReturnType<typeof next>>) => ({
    method: message.method,
    uri: message.uri.text,
    routes: message.headers('route'),
    toTag: message.toTag,
    cseq: message.cseq,
    credentials: message.headers('proxy-authorization'),
  })

  /** Our INVITE, sent twice because it was challenged: its CSeq is 2. */
  async function challenged() {
    const call = alice.call(peer.uri)
    peer.answer(await next(), 407, { toTag: 'p', headers: ['Proxy-Authenticate: Digest realm="p", nonce="n"'] })
    assert.equal((await next()).message.method, 'ACK')
    return { ...call, received: await next() }
  }

  it('are acknowledged each by its own Contact, routes, tag, the CSeq and the credentials of the INVITE; the others get BYE', async () => {
    const { received, outcome } = await challenged()
    const branches = new Set([received.message.via.branch])
    for (const tag of ['one', 'two', 'three']) {
      const fork = forkOf(received, tag)
      fork.answer(200, { body: SDP })
      const way = { uri: fork.contact, routes: fork.recordRoute.toReversed(), toTag: tag }
      const ack = await next()
      assert.deepEqual(described(ack), { method: 'ACK', ...way, cseq: 2, credentials: ['Digest x'] })
      branches.add(ack.message.via.branch)
      if (tag === 'one') continue
      const bye = await next()
      assert.deepEqual({ ...described(bye), credentials: [] }, { method: 'BYE', ...way, cseq: 3, credentials: [] })
      assert.deepEqual([bye.message.callId, bye.message.fromTag], [received.message.callId, received.message.fromTag])
      branches.add(bye.message.via.branch)
      peer.answer(bye, 200)
    }
    assert.equal(branches.size, 6, 'each request has a branch of its own')
    const result = await outcome
    assert.ok(result.kind === 'answered')
    assert.equal(result.dialog.remoteTag, 'one')
  })

  it('are acknowledged again when they come again, by the same ACK, and no second BYE is sent', async () => {
    const { received } = await challenged()
    const acks = new Map<string, string>()
    const forks = ['one', 'two', 'three'].map((tag) => forkOf(received, tag))
    for (const fork of forks) {
      fork.answer(200, { body: SDP })
      acks.set(fork.tag, (await next()).text)
      if (fork.tag !== 'one') peer.answer(await next(), 200)
    }
    for (const fork of [...forks, ...forks.toReversed()]) {
      fork.answer(200, { body: SDP })
      assert.equal((await next()).text, acks.get(fork.tag))
    }
    await settled(peer, alice)
    assert.equal(heard(peer, 'BYE'), 2)
    assert.equal(peer.requests.waiting.length, 0)
  })

  it('are acknowledged again also while the BYE to that fork has no answer, and after it', async () => {
    const { received } = await challenged()
    forkOf(received, 'one').answer(200, { body: SDP })
    await next()
    const two = forkOf(received, 'two')
    two.answer(200, { body: SDP })
    const [ack, bye] = [await next(), await next()]
    two.answer(200, { body: SDP })
    assert.equal((await next()).text, ack.text)
    clock.advance(500)
    assert.equal((await next()).text, bye.text, 'Timer E')
    peer.answer(bye, 481)
    two.answer(200, { body: SDP })
    assert.equal((await next()).text, ack.text)
    clock.advance(10_000)
    await settled(peer, alice)
    assert.equal(peer.requests.waiting.length, 0)
  })

  it('take nothing from the call that stands: a fork that ends itself is not its end', async () => {
    const { received, outcome } = await challenged()
    const [one, two] = [forkOf(received, 'one'), forkOf(received, 'two')]
    one.answer(200, { body: SDP })
    const result = await outcome
    assert.ok(result.kind === 'answered')
    await next()
    const told = toldBy(result.dialog)
    two.answer(200, { body: SDP })
    const [, bye] = [await next(), await next()]
    assert.equal((await two.ask('BYE')).status, 200, 'it crosses ours')
    peer.answer(bye, 481)
    assert.equal((await one.ask('INFO')).status, 200)
    assert.deepEqual(told, ['info'])
    assert.equal((await one.ask('BYE')).status, 200)
    assert.deepEqual(told, ['info', 'bye'])
  })

  it('may come all at once: one is told, and it is the first', async () => {
    const dialogs: SipDialog[] = []
    const failed: number[] = []
    alice.agent.invite(
      { target: peer.uri, body: { contentType: 'application/sdp', content: SDP }, sipCallId: 'at-once@test' },
      { progress() {}, failed: ({ status }) => failed.push(status), answered: (dialog) => dialogs.push(dialog) },
    )
    const received = await next()
    const tags = ['one', 'two', 'three', 'four', 'five']
    for (const tag of tags) new RawFork(peer, received, { tag }).answer(200, { body: SDP })
    await settled(peer, alice)
    assert.deepEqual(
      dialogs.map((dialog) => dialog.remoteTag),
      ['one'],
    )
    assert.deepEqual(failed, [])
    for (const tag of tags) {
      assert.equal(heard(peer, 'ACK', `tag=${tag}\r`), 1, tag)
      assert.equal(heard(peer, 'BYE', `tag=${tag}\r`), tag === 'one' ? 0 : 1, tag)
    }
  })

  it('that cross our CANCEL are all ended, each in its own dialog', async () => {
    const { invite, received, progress, outcome } = await challenged()
    forkOf(received, 'one').answer(180)
    await progress.next()
    invite.cancel()
    peer.answer(await next(), 200)
    for (const tag of ['one', 'two']) {
      const fork = forkOf(received, tag)
      fork.answer(200, { body: SDP })
      const [ack, bye] = [await next(), await next()]
      const way = [fork.contact, tag]
      assert.deepEqual([described(ack).method, described(ack).uri, described(ack).toTag], ['ACK', ...way])
      assert.deepEqual([described(bye).method, described(bye).uri, described(bye).toTag], ['BYE', ...way])
      assert.deepEqual([ack.message.cseq, bye.message.cseq], [2, 3])
      peer.answer(bye, 200)
    }
    assert.equal((await outcome).response.status, 487)
  })

  it('one after the failure of another fork: the call has failed, and the fork gets ACK and BYE', async () => {
    const { received, outcome } = await challenged()
    peer.answer(received, 486, { toTag: 'busy' })
    assert.equal((await next()).message.method, 'ACK')
    assert.equal((await outcome).response.status, 486)
    forkOf(received, 'late').answer(200, { body: SDP })
    const [ack, bye] = [await next(), await next()]
    assert.deepEqual(
      [ack, bye].map((each) => [described(each).method, described(each).toTag, described(each).cseq]),
      [
        ['ACK', 'late', 2],
        ['BYE', 'late', 3],
      ],
    )
  })

  it('one after our 408: the call stays failed, and no fork is acknowledged that gets no BYE', async () => {
    const { outcome, received } = await challenged()
    clock.advance(32_000)
    assert.deepEqual((await outcome).response, { status: 408, reason: 'Request Timeout', local: true })
    forkOf(received, 'late').answer(200, { body: SDP })
    await settled(peer, alice)
    // RFC 6026 7.2 lets it be dropped: the transaction is gone.
    assert.equal(heard(peer, 'ACK', 'tag=late'), heard(peer, 'BYE', 'tag=late'))
  })

  it('are taken for 64*T1 after the first one and no longer (RFC 6026, Timer M)', async () => {
    const { received } = await challenged()
    const one = forkOf(received, 'one')
    one.answer(200, { body: SDP })
    await next()
    clock.advance(31_999)
    one.answer(200, { body: SDP })
    assert.equal((await next()).message.method, 'ACK')
    forkOf(received, 'two').answer(200, { body: SDP })
    assert.deepEqual([(await next()).message.method, (await next()).message.method], ['ACK', 'BYE'])
    clock.advance(1)
    await settled(peer, alice)
    const before = heard(peer, 'ACK')
    for (const tag of ['one', 'three']) forkOf(received, tag).answer(200, { body: SDP })
    await settled(peer, alice)
    assert.equal(heard(peer, 'ACK'), before)
  })
})
