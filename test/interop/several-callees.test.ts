/** Kamailio in front of several: as load balancer whose one node is dead, and as proxy that rings two telephones at once. */
import assert from 'node:assert/strict'
import { Kamailio } from '../support/peers/kamailio.js'
import { peerFolder } from '../support/peers/peer-folder.js'
import '../support/peers/root-hooks.js'
import { Sipp } from '../support/peers/sipp.js'
import * as sip from '../support/peers/sipp-scenario.js'
import { Phone } from '../support/phone.js'
import { until } from '../support/wait.js'

const CALLS = 6

describe('Kamailio in front of several', function () {
  this.timeout(40_000)

  const callerBehind = (proxy: Kamailio, aor: string) =>
    Phone.start({
      folder: peerFolder.folder('phone'),
      trace: true,
      account: { aor, proxy: { id: 'p', name: 'p', hops: [proxy.address] } },
    })

  it('as load balancer: we answer its OPTIONS, and with one of our engines dead every call reaches the other', async () => {
    const node = () =>
      Phone.start({ folder: peerFolder.folder('node'), trace: true, inbound: {}, account: { anyUser: true } })
    const [first, second] = [await node(), await node()]
    const dispatcher = await Kamailio.dispatcher({ nodes: [first.address, second.address] })
    await until(async () => (await dispatcher.rpc('dispatcher.list')).match(/FLAGS: AP/g)?.length === 2, 'both nodes')
    const caller = await callerBehind(dispatcher, 'caller@sip.test')
    const place = async (): Promise<void> => {
      const callId = await caller.dial('someone')
      await caller.event('call.answered', { callId })
      await caller.call('hangup', { callId })
      const { end } = await caller.event('call.ended', { callId })
      assert.equal(end.cause, 'normal')
    }
    const invitesOf = (phone: Phone) => phone.messages('in', /^INVITE /).length
    for (let n = 0; n < CALLS; n++) await place()
    assert.deepEqual([first, second].map(invitesOf), [CALLS / 2, CALLS / 2])

    await first.close()
    await Promise.all(Array.from({ length: CALLS }, place))
    assert.equal(invitesOf(second), CALLS / 2 + CALLS)
    await Promise.all([caller.close(), second.close(), dispatcher.stop()])
  })

  it('as proxy that forks: of two SIPp that both answer one keeps the call, and the other gets ACK and BYE', async () => {
    const proxy = await Kamailio.registrar()
    // Neither rings: a proxy sends no CANCEL where it has heard nothing (RFC 3261 9.1). So the second answer is on its way whatever it does.
    const taken = [sip.answer(), sip.tolerateInvite, sip.expectRequest('ACK'), sip.expectRequest('BYE'), sip.accept]
    const start = (name: string, afterMs: number) =>
      Sipp.start({ name, steps: [sip.expectRequest('INVITE'), sip.pause(afterMs), ...taken], trace: true })
    const callees = [await start('fork-a', 0), await start('fork-b', 200)]
    for (const { address } of callees) await proxy.bind('bob', `sip:bob@${address}`)
    const caller = await callerBehind(proxy, 'alice@sip.test')

    const callId = await caller.dial('bob')
    await caller.event('call.answered', { callId })
    const got = (callee: Sipp, method: string) =>
      callee.messages().filter(({ direction, startLine }) => direction === 'received' && startLine.startsWith(method))
    const bothGot = (method: string, counts: readonly number[]) =>
      until(
        () =>
          callees
            .map((callee) => got(callee, method).length)
            .toSorted()
            .join() === counts.join(),
        `${method} to both callees: ${counts}`,
      )
    await bothGot('ACK', [1, 1])
    await bothGot('BYE', [0, 1])
    const answers = new Set(caller.messages('in', /^SIP\/2\.0 200 /).filter((text) => /^CSeq: \d+ INVITE/m.test(text)))
    assert.equal(answers.size, 2)
    await caller.call('hangup', { callId })
    const { end } = await caller.event('call.ended', { callId })
    assert.deepEqual([end.by, end.cause], ['local', 'normal'])
    await bothGot('BYE', [1, 1])
    await caller.close()
    await Promise.all([...callees.map((callee) => callee.stop()), proxy.stop()])
  })
})
