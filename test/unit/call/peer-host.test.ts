import assert from 'node:assert/strict'
import { placeCall } from '../../../src/call/call.js'
import { PeerHost } from '../../../src/call/peer-host.js'
import { someStats } from '../../support/fake-media.js'
import { response, sdpBody } from '../../support/fake-user-agent.js'
import { uriOf } from '../../support/uri.js'
import { account, dialled, dialledAndAnswered, incoming, peerSdp, World } from './call-fixture.js'

const settled = async (): Promise<void> => {
  for (let n = 0; n < 5; n++) await new Promise((resolve) => setImmediate(resolve))
}
const NAMED = peerSdp({ host: 'media.example.com' })

/** A name server that answers when the test says so. */
function slowWorld() {
  const world = new World()
  const waiting: ((addresses: string[]) => void)[] = []
  world.lookup = (name) => {
    world.lookedUp.push(name)
    return new Promise((resolve) => waiting.push(resolve))
  }
  const answer = async (...addresses: string[]) => {
    for (const resolve of waiting.splice(0)) resolve(addresses)
    await settled()
  }
  return { world, answer }
}

describe('a host name in the peer’s SDP', () => {
  it('keeps no answer waiting; media goes to its address as soon as that is known', async () => {
    const { world, answer } = slowWorld()
    const { call, invite } = incoming({ world, offer: NAMED })
    await call.answer()
    assert.equal(invite.accepts.length, 1, 'answered while the name is looked up')
    assert.equal(world.session.connects.at(-1)?.remote.host, '0.0.0.0')
    await answer('2001:db8::7', '192.0.2.7')
    assert.deepEqual(world.session.connects.at(-1)?.remote, { host: '192.0.2.7', port: 30_000, rtcpPort: 30_001 })
    assert.deepEqual(world.lookedUp, ['media.example.com'])
  })

  it('that leads to no single machine has no address', async () => {
    const lookup = async () => ['0.0.0.0', '224.0.0.1', '255.255.255.255']
    const host = new PeerHost(lookup, () => 4)
    assert.equal(await host.addressOf('group.example').later, undefined)
    assert.equal(host.unknownName, 'group.example')
    const one = new PeerHost(
      async () => [...(await lookup()), '192.0.2.7'],
      () => 4,
    )
    assert.equal(await one.addressOf('group.example').later, '192.0.2.7')
  })

  it('is looked up in the family that media speaks', async () => {
    const { world, answer } = slowWorld()
    const rtp = { ...account.rtp, address: '::1', advertise: '::1' }
    await placeCall(world.deps, {
      account: { ...account, rtp },
      owner: null,
      target: { uri: uriOf('sip:bob@example.com'), user: 'bob' },
      ringTimeoutMs: 30_000,
    })
    world.userAgent.invite0.answer(sdpBody(NAMED.replace('c=IN IP4', 'c=IN IP6')))
    assert.equal(world.session.connects.at(-1)?.remote.host, '::')
    await answer('192.0.2.7', '2001:db8::7')
    assert.equal(world.session.connects.at(-1)?.remote.host, '2001:db8::7')
  })

  it('may stand in a 183, in the 200, in a re-INVITE and in an ACK', async () => {
    const out = await dialled()
    out.lookup = async () => ['192.0.2.7']
    const connected = () => out.session.connects.at(-1)?.remote.host
    out.userAgent.invite0.handlers.progress(response(183, { body: sdpBody(NAMED) }))
    await settled()
    assert.equal(connected(), '192.0.2.7')
    const dialog = out.userAgent.invite0.answer(sdpBody(NAMED))
    await settled()
    assert.equal(connected(), '192.0.2.7')
    out.lookup = async () => ['192.0.2.8']
    dialog.offer(sdpBody(peerSdp({ host: 'other.example.com' })))
    await settled()
    assert.equal(connected(), '192.0.2.8')

    const world = new World()
    world.lookup = async () => ['192.0.2.9']
    const inbound = incoming({ world, offer: null })
    const answered = inbound.call.answer()
    await settled()
    inbound.invite.dialog.handlers.acknowledged?.(sdpBody(NAMED))
    await answered
    await settled()
    assert.equal(world.session.connects.at(-1)?.remote.host, '192.0.2.9')
  })

  it('that comes too late changes nothing: the peer has named another place', async () => {
    const { world, answer } = slowWorld()
    const { call, invite } = incoming({ world, offer: NAMED })
    await call.answer()
    invite.dialog.offer(sdpBody(peerSdp({ host: '192.0.2.50' })))
    await answer('192.0.2.7')
    assert.equal(world.session.connects.at(-1)?.remote.host, '192.0.2.50')
  })

  it('keeps the address that it has in this call, as long as the name still has it', async () => {
    const scene = await dialledAndAnswered()
    const addresses = ['192.0.2.7', '192.0.2.8']
    scene.lookup = async () => addresses
    const again = async () => {
      scene.dialog.offer(sdpBody(NAMED))
      await settled()
      return scene.session.connects.at(-1)?.remote.host
    }
    assert.equal(await again(), '192.0.2.7')
    addresses.reverse()
    const before = scene.session.connects.length
    assert.equal(await again(), '192.0.2.7')
    assert.equal(scene.session.connects.length, before, 'media is not disturbed')
    addresses.pop()
    assert.equal(await again(), '192.0.2.8')
  })

  it('without an address leaves the host that signals: its sound may stand in, and silence ends the call with the reason', async () => {
    const world = new World()
    const { call, invite } = incoming({ world, offer: NAMED })
    await call.answer()
    await settled()
    const connected = world.session.connects.at(-1)
    assert.equal(connected?.remote.host, '0.0.0.0')
    assert.deepEqual(connected?.natHosts, [invite.request.source.host])
    assert.equal(call.snapshot().state, 'answered')
    world.session.happen('timeout', 30_000)
    await call.ended
    const { cause, reason } = world.last('call.ended').end
    assert.equal(cause, 'media-timeout')
    assert.match(
      reason,
      /no RTP from the peer for 30 s; no address was found for the host name “media\.example\.com” in the SDP of the peer/,
    )
  })

  it('without an address is told at once, once per call, and at the end where nothing was heard', async () => {
    for (const heard of ['nothing', 'not-owed', 'sound'] as const) {
      const scene = await dialled()
      scene.userAgent.invite0.answer(sdpBody(NAMED))
      await settled()
      scene.session.happen('started')
      await settled()
      const told = scene.events.filter((event) => event.type === 'call.media-trouble')
      assert.equal(told.length, 1)
      const text = 'no address was found for the host name “media.example.com” in the SDP of the peer'
      assert.deepEqual(told[0]?.trouble, { reason: 'no-address', text, undecoded: [], strangerSources: [] })
      scene.session.figures = { ...someStats, heard }
      await scene.call.hangup()
      const { end, cdr } = scene.last('call.ended')
      const expected = heard === 'sound' ? [undefined, 'hung up'] : ['no-address', text]
      assert.deepEqual([end.mediaTrouble, cdr.reason], expected, heard)
      assert.equal(end.cause, 'normal')
    }
  })

  it('that is found after the peer has named another one does not take the place of that one', async () => {
    const answers = new Map<string, (addresses: string[]) => void>()
    const lookup = (name: string) => new Promise<string[]>((resolve) => answers.set(name, resolve))
    const host = new PeerHost(lookup, () => 4)
    const first = host.addressOf('first.example').later
    const second = host.addressOf('second.example').later
    answers.get('second.example')?.(['192.0.2.2'])
    assert.equal(await second, '192.0.2.2')
    answers.get('first.example')?.(['192.0.2.1'])
    assert.equal(await first, undefined)
    assert.equal(host.addressOf('second.example').now, '192.0.2.2')
  })

  it('is refused in an offer without a common codec before anything is looked up', () => {
    const world = new World()
    const { invite } = incoming({ world, offer: peerSdp({ host: 'media.example.com', codecs: '18' }) })
    assert.equal(invite.rejects[0]?.status, 488)
    assert.deepEqual(world.lookedUp, [])
  })
})
