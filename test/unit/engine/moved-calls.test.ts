/** Calls of an account whose local address is gone follow it to another one. */
import assert from 'node:assert/strict'
import type { FakeDialog } from '../../support/fake-user-agent.js'
import { response, sdpBody } from '../../support/fake-user-agent.js'
import { account, makeEngine, settled, transport } from './engine-fixture.js'

const OLD = '192.0.2.1'
const NEW = '192.0.2.77'
const AOR = 'alice@127.0.0.1'
const peerSdp = 'v=0\r\no=p 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 30000 RTP/AVP 8\r\n'

/** An engine with an answered call on an address that no setting has fixed. */
async function withCall(init: { bindPort?: number; register?: boolean } = {}) {
  const { bindPort = 0, register = true } = init
  const parts = makeEngine()
  const { network, commands, clock } = parts
  const have = (...addresses: string[]) => {
    network.addresses = ['127.0.0.1', ...addresses]
    network.localAddress = addresses.at(-1) ?? '127.0.0.1'
  }
  have(OLD)
  await commands.setAccount(account({ register, transport: transport({ bindAddress: '', ports: { udp: bindPort } }) }))
  await settled()
  const { callId } = await commands.dial({ accountId: 'a1', target: '1' })
  const before = network.agent(AOR)
  const dialog: FakeDialog = before.invite0.answer(sdpBody(peerSdp))
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 500) {
      clock.advance(500)
      await settled()
    }
  }
  const endOf = () => parts.calls.find((event) => event.type === 'call.ended')?.call.end
  return { ...parts, have, callId, before, dialog, pass, endOf }
}

const agreed = () => response(200, { body: sdpBody(peerSdp) })

describe('engine: the local address of a call is gone', () => {
  it('the call follows its account: re-INVITE within 10 s, the old socket closed', async () => {
    for (const register of [true, false]) {
      const { network, media, dialog, have, pass, before, endOf, commands, clock } = await withCall({ register })
      dialog.answers.push(agreed())
      have(NEW)
      await pass(10_000)
      const now = network.agent(AOR)
      assert.notEqual(now, before)
      assert.deepEqual(now.adopted, [dialog])
      assert.match(dialog.reinvites[0]?.content ?? '', /^c=IN IP4 192\.0\.2\.77\r$/m)
      assert.equal(dialog.reinvites.length, 1)
      assert.equal(media.sessions[0]?.local.host, NEW)
      assert.deepEqual(
        network.live.map(({ local }) => local.host),
        [NEW],
      )
      assert.equal(endOf(), undefined)
      await commands.shutdown(null)
      assert.deepEqual([dialog.byes, network.live.length, clock.pending], [1, 0, 0])
    }
  })

  it('no address for a while, then the same one: nothing is sent to the peer', async () => {
    const { dialog, have, pass, before, network, endOf } = await withCall()
    have()
    await pass(6_000)
    have(OLD)
    await pass(10_000)
    assert.deepEqual([dialog.reinvites.length, dialog.byes, endOf()], [0, 0, undefined])
    assert.equal(network.agent(AOR), before)
  })

  it('no address for a while, then another one', async () => {
    const { dialog, have, pass, endOf } = await withCall()
    dialog.answers.push(agreed())
    have()
    await pass(6_000)
    have(NEW)
    await pass(10_000)
    assert.deepEqual([dialog.reinvites.length, endOf()], [1, undefined])
  })

  it('and again another one', async () => {
    const { dialog, have, pass, endOf, network, media } = await withCall()
    dialog.answers.push(agreed(), agreed())
    have(NEW)
    await pass(10_000)
    have('192.0.2.78')
    await pass(10_000)
    assert.deepEqual([dialog.reinvites.length, endOf()], [2, undefined])
    assert.deepEqual(network.agent(AOR).adopted, [dialog])
    assert.equal(media.sessions[0]?.local.host, '192.0.2.78')
    assert.equal(network.live.length, 1)
  })

  it('waits for the registrar, 3 s at most', async () => {
    const { dialog, have, pass, network } = await withCall()
    dialog.answers.push(agreed())
    network.registrar = undefined
    have(NEW)
    await pass(4_500)
    assert.equal(dialog.reinvites.length, 0)
    await pass(5_500)
    assert.equal(dialog.reinvites.length, 1)
  })

  it('a peer that refuses gets a BYE from the new address, and the end says why', async () => {
    const { dialog, have, pass, endOf, network } = await withCall()
    dialog.answers.push(response(488, { reason: 'Not Acceptable Here' }))
    have(NEW)
    await pass(10_000)
    const { by, cause, sipCode, reason } = endOf() ?? {}
    assert.deepEqual([by, cause, sipCode], ['error', 'failed', 488])
    assert.match(reason ?? '', /^the local address of the call is gone: the peer did not accept the new address: 488/)
    assert.deepEqual([dialog.byes, network.agent(AOR).adopted], [1, [dialog]])
  })

  it('an account that has no socket there ends its calls', async () => {
    const { dialog, have, pass, endOf, network, commands } = await withCall({ bindPort: 5070 })
    have(NEW)
    await network.open({ host: NEW, listeners: [{ protocol: 'udp', port: 5070 }], userAgent: '' })
    await pass(10_000)
    assert.match(endOf()?.reason ?? '', /^the local address of the call is gone/)
    assert.equal(dialog.byes, 1)
    assert.throws(() => commands.registration({ accountId: 'a1' }), { code: 'TRANSPORT' })
  })

  it('a call on an address that somebody has fixed waits for that address', async () => {
    const { network, commands, clock, calls } = makeEngine()
    network.addresses = ['127.0.0.1', OLD]
    await commands.setAccount(account({ transport: transport({ bindAddress: OLD }) }))
    await commands.dial({ accountId: 'a1', target: '1' })
    const dialog = network.agent(AOR).invite0.answer(sdpBody(peerSdp))
    network.addresses = ['127.0.0.1', NEW]
    network.localAddress = NEW
    clock.advance(10_000)
    await settled()
    assert.deepEqual([dialog.reinvites.length, calls.at(-1)?.type], [0, 'call.answered'])
  })
})
