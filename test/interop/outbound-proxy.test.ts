/** A loose outbound proxy in front of another one that refuses requests without its Route (RFC 3261 8.1.2, 12.2.1.1, 16.12). */
import assert from 'node:assert/strict'
import type { AccountConfig } from '../../src/engine/protocol.js'
import { measureTone } from '../support/audio.js'
import { Baresip } from '../support/peers/baresip.js'
import { freePort } from '../support/peers/free-port.js'
import { Kamailio } from '../support/peers/kamailio.js'
import { peerFolder } from '../support/peers/peer-folder.js'
import '../support/peers/root-hooks.js'
import { Phone } from '../support/phone.js'

describe('Kamailio as outbound proxy', function () {
  this.timeout(30_000)
  let registrar: Kamailio
  let edge: Kamailio

  before(async () => {
    const edgePort = await freePort()
    registrar = await Kamailio.registrar({ onlyFrom: `127.0.0.1:${edgePort}`, challengeCalls: true })
    edge = await Kamailio.edge({ next: registrar.address, port: edgePort, mustRoute: true })
  })
  after(() => Promise.all([edge.stop(), registrar.stop()]))

  const start = (account: Partial<AccountConfig>) =>
    Phone.start({
      folder: peerFolder.folder('phone'),
      trace: true,
      account: { aor: 'alice@sip.test', password: 'secret-a', register: true, inboundFrom: 'known', ...account },
      inbound: {},
    })
  const behindProxy = () => start({ proxy: { id: 'edge', name: 'edge', hops: [`sip:${edge.address};lr`] } })

  it('is refused by both without a Route', async () => {
    for (const direct of [registrar, edge]) {
      const phone = await start({ registrar: direct.address })
      const { status, reason } = await phone.registration('failed')
      console.log(`      directly to ${direct === edge ? 'the edge' : 'the registrar'}: ${status} ${reason}`)
      assert.equal(status, 403)
      await phone.close()
    }
  })

  it('registers by Route', async () => {
    const phone = await behindProxy()
    await phone.registration('registered')
    assert.equal((await registrar.bindings('alice')).length, 1)
    const [register = ''] = phone.messages('out', /^REGISTER /)
    assert.match(register, /^REGISTER sip:sip\.test SIP\/2\.0/)
    assert.match(register, new RegExp(`^Route: <sip:${edge.address};lr>`, 'm'))
    await phone.call('unregister', { accountId: phone.accountId })
    assert.deepEqual(await registrar.bindings('alice'), [])
    await phone.close()
  })

  it('connects two accounts of one engine on one socket', async () => {
    const phone = await behindProxy()
    const bob = { ...phone.account, id: 'bob', name: 'bob', aor: 'bob@sip.test', password: 'secret-b' }
    const rule = { mode: 'answer', sendRinging: true, decideMs: 5000, rejectStatus: 486, owner: null } as const
    await phone.call('setAccount', bob)
    await phone.call('setInbound', { accountId: bob.id, rule })
    await phone.registration('registered', { count: 2 })
    const callId = await phone.dial('bob')
    const inbound = await phone.event('call.answered', { where: (event) => event.callId !== callId })
    await phone.event('call.answered', { callId })
    const source = { kind: 'tone' as const, hz: [850], durationMs: 4000 }
    const play = phone.call('play', { callId: inbound.callId, mediaId: 'tone', source })
    const tone = measureTone(await phone.hear(callId, 1500), 850)
    await phone.call('hangup', { callId })
    assert.equal((await play).ended, 'hangup')
    const { end } = await phone.event('call.ended', { callId: inbound.callId })
    assert.deepEqual([end.by, end.cause], ['remote', 'normal'])
    console.log(`      850 Hz: share ${tone.share.toFixed(4)}`)
    assert.ok(tone.share >= 0.95)
    await phone.close()
    assert.deepEqual(await registrar.bindings('bob'), [])
  })

  it('calls through it, challenged with 407, and is called through it', async () => {
    const phone = await behindProxy()
    const bob = await Baresip.start({
      name: 'bob',
      sends: { toneHz: 1000 },
      autoAnswer: true,
      aor: 'sip:bob@sip.test',
      account: `auth_user=bob;auth_pass=secret-b;outbound="sip:${edge.address};lr";regint=60`,
    })
    await Promise.all([phone.registration('registered'), bob.registered()])

    const callId = await phone.dial('sip:bob@sip.test')
    await phone.event('call.answered', { callId })
    assert.equal(phone.messages('in', /^SIP\/2\.0 407/).length, 1)
    const tone = measureTone(await phone.hear(callId, 1500), 1000)
    console.log(`      outbound: bob's 1 kHz: share ${tone.share.toFixed(4)} of ${tone.soundMs} ms`)
    assert.ok(tone.share >= 0.95)
    // RFC 3261 12.1.2: BYE follows the recorded route of the 200, in reverse order.
    await phone.call('hangup', { callId })
    await bob.control.event('CALL_CLOSED')
    const [bye = ''] = phone.messages('out', /^BYE /)
    const [answer = ''] = phone.messages('in', /^SIP\/2\.0 200/).filter((text) => /^CSeq: \d+ INVITE/im.test(text))
    const recorded = hops(answer, 'Record-Route')
    assert.ok(recorded.length >= 2)
    assert.deepEqual(hops(bye, 'Route'), recorded.toReversed())

    const closed = bob.control.events.length
    await bob.control.command('dial', 'sip:alice@sip.test')
    const { call } = await phone.event('call.answered', { where: (event) => event.call.direction === 'inbound' })
    assert.equal(call.from.user, 'bob')
    await bob.control.event('CALL_ESTABLISHED', { since: closed })
    await phone.call('hangup', { callId: call.id })
    await bob.control.event('CALL_CLOSED', { since: closed })
    console.log(`      inbound: from ${call.from.uri}, ended by us through both proxies`)
    await phone.close()
    assert.deepEqual(await registrar.bindings('alice'), [])
    await bob.stop()
  })
})

/** `hops`: as an account names them. `records`: whether the near proxy, the far one and the registrar record themselves as strict routers. */
const CHAINS = {
  loose: { hops: ['', ''], records: [false, false, false] },
  strict: { hops: [';strict', ';strict'], records: [true, true, true] },
  'a loose and a strict one': { hops: ['', ';strict'], records: [true, false, true] },
  'a strict and a loose one': { hops: [';strict', ''], records: [false, true, false] },
}

describe('Kamailio as chain of two outbound proxies', function () {
  this.timeout(30_000)

  for (const [kind, { hops: marks, records }] of Object.entries(CHAINS)) {
    it(`${kind}: registers and calls through both, and is called through both`, async () => {
      const [farPort, registrarPort] = [await freePort(), await freePort()]
      const [nearStrict = false, farStrict = false, strict = false] = records
      const registrar = await Kamailio.registrar({ port: registrarPort, onlyFrom: `127.0.0.1:${farPort}`, strict })
      const edge = { mustRoute: true, name: 'far', next: registrar.address, port: farPort, strict: farStrict }
      const far = await Kamailio.edge(edge)
      const near = await Kamailio.edge({ name: 'near', next: far.address, mustRoute: true, strict: nearStrict })
      const start = (user: string) =>
        Phone.start({
          folder: peerFolder.folder(user),
          trace: true,
          account: {
            aor: `${user}@sip.test`,
            password: `secret-${user[0]}`,
            register: true,
            inboundFrom: 'known',
            proxy: { id: 'chain', name: 'chain', hops: [`sip:${near.address}${marks[0]}`, far.address + marks[1]] },
          },
          inbound: {},
        })
      const [alice, bob] = await Promise.all([start('alice'), start('bob')])
      await Promise.all([alice.registration('registered'), bob.registration('registered')])
      const [register = ''] = alice.messages('out', /^REGISTER /)
      const routes = [near, far].map(({ address }, at) =>
        marks[at] === '' ? `<sip:${address};lr>` : `<sip:${address}>`,
      )
      // RFC 3261 12.2.1.1, which holds for every request with a route set (8.1.1.1).
      const way = marks[0] === '' ? ['<sip:sip.test>', ...routes] : [...routes, '<sip:sip.test>']
      assert.deepEqual(wayOf(register), way)

      const callId = await alice.dial('bob')
      await alice.event('call.answered', { callId })
      const { callId: bobs } = await bob.event('call.answered')
      await alice.call('hangup', { callId })
      await bob.event('call.ended', { callId: bobs })
      const [bye = ''] = alice.messages('out', /^BYE /)
      const [answer = ''] = alice.messages('in', /^SIP\/2\.0 200/).filter((text) => /^CSeq: \d+ INVITE/im.test(text))
      const recorded = hops(answer, 'Record-Route').toReversed()
      const remoteTarget = hops(answer, 'Contact')
      console.log(`      ${kind}: BYE ${wayOf(bye)[0]} by ${recorded.length} proxies`)
      assert.deepEqual(wayOf(bye), nearStrict ? [...recorded, ...remoteTarget] : [...remoteTarget, ...recorded])
      assert.ok(recorded.length >= 5)

      const second = await bob.dial('alice')
      await alice.event('call.answered', { skip: 1 })
      const { callId: inbound } = await alice.event('call.answered', {
        where: ({ call }) => call.direction === 'inbound',
      })
      await alice.call('hangup', { callId: inbound })
      await bob.event('call.ended', { callId: second })
      await Promise.all([alice.close(), bob.close()])
      assert.deepEqual([...(await registrar.bindings('alice')), ...(await registrar.bindings('bob'))], [])
      await Promise.all([near.stop(), far.stop(), registrar.stop()])
    })
  }
})

/** The Request-URI, then the routes. */
const wayOf = (request: string): string[] => [`<${/sip:\S+/.exec(request)?.[0]}>`, ...hops(request, 'Route')]

const hops = (message: string, header: string): string[] =>
  [...message.matchAll(new RegExp(`^${header}: *(.*)$`, 'gim'))].flatMap((line) => line[1]?.match(/<[^>]*>/g) ?? [])
