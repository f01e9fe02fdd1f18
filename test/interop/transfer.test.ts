/** Transfers with real peers: baresip asks for one and follows one; Linphone joins two calls and is joined. */
import assert from 'node:assert/strict'
import type { AccountConfig } from '../../src/engine/protocol.js'
import { measureTone } from '../support/audio.js'
import { Baresip } from '../support/peers/baresip.js'
import { Kamailio } from '../support/peers/kamailio.js'
import { Linphone } from '../support/peers/linphone.js'
import { peerFolder } from '../support/peers/peer-folder.js'
import '../support/peers/root-hooks.js'
import { Phone } from '../support/phone.js'

const ITS_HZ = 1000

const phoneOf = (user: string, account: Partial<AccountConfig> = {}): Promise<Phone> =>
  Phone.start({
    folder: peerFolder.folder(user),
    trace: true,
    inbound: {},
    account: { aor: `${user}@127.0.0.1`, transfers: 'follow', ...account },
  })

/** What a call hears while the peer sends its tone. */
async function heard(phone: Phone, callId: string): Promise<number> {
  return measureTone(await phone.hear(callId, 1200), ITS_HZ).share
}

const transferred = async (phone: Phone, callId: string) => (await phone.event('call.ended', { callId })).end.cause

describe('blind transfer with baresip', function () {
  this.timeout(40_000)
  let bob: Baresip
  let phones: Phone[] = []

  beforeEach(async () => {
    bob = await Baresip.start({ name: 'bob', sends: { toneHz: ITS_HZ }, record: false, autoAnswer: true })
    phones = await Promise.all(['alice', 'carol'].map((user) => phoneOf(user)))
  })

  afterEach(async () => {
    await Promise.all(phones.map((phone) => phone.close()))
    await bob.stop()
  })

  it('we transfer baresip: it calls the target and reports; its tone arrives there', async () => {
    const [alice, carol] = phones as [Phone, Phone]
    const callId = await alice.dial(bob.uri)
    await alice.event('call.media', { callId })
    const result = await alice.call('transfer', { callId, target: `sip:carol@${carol.address}` })
    assert.deepEqual([result.outcome, result.status], ['transferred', 200])
    assert.equal(await transferred(alice, callId), 'transferred')
    const { callId: atCarol } = await carol.event('call.answered')
    await carol.event('call.media', { callId: atCarol })
    assert.ok((await heard(carol, atCarol)) > 0.9)
    await carol.call('hangup', { callId: atCarol })
  })

  it('baresip transfers us: the call keeps its id and goes on with the target', async () => {
    const [alice, carol] = phones as [Phone, Phone]
    const callId = await alice.dial(bob.uri)
    await alice.event('call.media', { callId })
    await bob.control.command('transfer', `sip:carol@${carol.address}`)
    await alice.event('call.transferred', { callId })
    const { callId: atCarol } = await carol.event('call.answered')
    await bob.control.event('CALL_CLOSED')
    const source = { kind: 'tone' as const, hz: [ITS_HZ], durationMs: 1000 }
    const playing = carol.call('play', { callId: atCarol, mediaId: 't', source, repeat: 0 })
    assert.ok((await heard(alice, callId)) > 0.9)
    await alice.call('hangup', { callId })
    await playing
    assert.equal((await carol.event('call.ended', { callId: atCarol })).end.cause, 'normal')
  })
})

describe('attended transfer with Linphone', function () {
  this.timeout(60_000)
  let registrar: Kamailio
  let bob: Linphone
  let phones: Phone[] = []

  beforeEach(async () => {
    registrar = await Kamailio.registrar({ challengeCalls: true })
    const { address } = registrar
    const registered = (user: string, password: string) =>
      phoneOf(user, {
        aor: `${user}@sip.test`,
        password,
        register: true,
        inboundFrom: 'known',
        proxy: { id: 'p', name: 'p', hops: [`sip:${address};lr`] },
      })
    const itsAccount = { address, aor: 'bob@sip.test', realm: 'sip.test', password: 'secret-b' }
    const starting = Linphone.start({
      ...{ name: 'linphone', toneHz: ITS_HZ, protocol: 'udp', autoAnswer: true },
      registrar: itsAccount,
    })
    phones = await Promise.all([registered('alice', 'secret-a'), registered('u1', 'pw')])
    bob = await starting
    await Promise.all(phones.map((phone) => phone.registration('registered')))
  })

  afterEach(async () => {
    await Promise.all(phones.map((phone) => phone.close()))
    await bob.stop()
    await registrar.stop()
  })

  it('we join Linphone with our other call: its INVITE with Replaces takes the place of us there', async () => {
    const [alice, carol] = phones as [Phone, Phone]
    const callId = await alice.dial('bob')
    await alice.event('call.media', { callId })
    const consultation = await alice.dial('u1')
    await alice.event('call.answered', { callId: consultation })
    const { callId: atCarol } = await carol.event('call.answered')
    const result = await alice.call('transfer', { callId, toCallId: consultation })
    assert.deepEqual([result.outcome, result.status], ['transferred', 200])
    const { from } = await carol.event('call.replaced', { callId: atCarol })
    assert.equal(from.user, 'bob')
    for (const each of [callId, consultation]) assert.equal(await transferred(alice, each), 'transferred')
    assert.ok((await heard(carol, atCarol)) > 0.9)
    await carol.call('hangup', { callId: atCarol })
  })

  it('Linphone joins its two calls with us: we call the target with Replaces and go on with it', async () => {
    const [alice, carol] = phones as [Phone, Phone]
    const callId = await alice.dial('bob')
    await alice.event('call.media', { callId })
    await bob.line(/Media streams established/)
    bob.command('pause')
    await alice.event('call.held', { callId })
    bob.command('call sip:u1@sip.test')
    const { callId: atCarol } = await carol.event('call.answered')
    await carol.event('call.media', { callId: atCarol })
    bob.command('transfer 1 --to-call 2')
    await alice.event('call.transferred', { callId })
    const { from } = await carol.event('call.replaced', { callId: atCarol })
    assert.equal(from.user, 'alice')
    const source = { kind: 'tone' as const, hz: [ITS_HZ], durationMs: 1000 }
    const playing = carol.call('play', { callId: atCarol, mediaId: 't', source, repeat: 0 })
    assert.ok((await heard(alice, callId)) > 0.9)
    await alice.call('hangup', { callId })
    await playing
  })
})
