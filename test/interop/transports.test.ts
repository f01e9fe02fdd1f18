/** TCP, TLS and IPv6 with other people's software: Kamailio and baresip; SIPp's calls are in sipp-calls. */
import assert from 'node:assert/strict'
import type { TransportConfig } from '../../src/engine/protocol.js'
import type { SipProtocol } from '../../src/sip/types.js'
import { measureTone } from '../support/audio.js'
import { authority } from '../support/certificates.js'
import { Baresip } from '../support/peers/baresip.js'
import { Kamailio } from '../support/peers/kamailio.js'
import { peerFolder } from '../support/peers/peer-folder.js'
import '../support/peers/root-hooks.js'
import { Phone, type PhoneInit } from '../support/phone.js'
import { testTls } from '../support/sip-parties.js'

const ITS_HZ = 1000
const OUR_HZ = 600
const SOUND_MS = 1000

const WAYS = [
  { protocol: 'tcp', host: '127.0.0.1' },
  { protocol: 'udp', host: '::1' },
  { protocol: 'tcp', host: '::1' },
  { protocol: 'tls', host: '127.0.0.1' },
  { protocol: 'tls', host: '::1' },
] as const
/** baresip has none of these. */
const WEB_WAYS = [
  { protocol: 'ws', host: '127.0.0.1' },
  { protocol: 'ws', host: '::1' },
  { protocol: 'wss', host: '127.0.0.1' },
  { protocol: 'wss', host: '::1' },
] as const

describe('TCP, TLS and IPv6', function () {
  this.timeout(60_000)

  for (const { protocol, host } of WAYS) {
    const way = `${protocol.toUpperCase()} at ${host}`
    const tls = protocol === 'tls' ? { tls: testTls() } : {}
    const transport: Partial<TransportConfig> = { ports: { [protocol]: 0 }, bindAddress: host, ...tls }
    const parameter = protocol !== 'udp' ? `;transport=${protocol}` : ''
    const certificate = protocol === 'tls' ? authority.make() : undefined
    const start = (init: Partial<PhoneInit> = {}) =>
      Phone.start({ folder: peerFolder.folder('phone'), transport, ...init })

    it(`Kamailio registers us by ${way}, and calls come and go by the way that we registered`, () =>
      callsThroughKamailio(protocol, host))

    it(`baresip is called, and calls, with sound both ways, by ${way}`, async () => {
      const phone = await start({ inbound: {} })
      const sends = { toneHz: ITS_HZ }
      const bob = await Baresip.start({
        name: 'bob',
        sends,
        record: true,
        autoAnswer: true,
        protocol,
        host,
        ...(certificate && { certificate }),
      })
      const talk = async (callId: string): Promise<number> => {
        const source = { kind: 'tone' as const, hz: [OUR_HZ], durationMs: SOUND_MS }
        const [file] = await Promise.all([
          phone.hear(callId, SOUND_MS),
          phone.call('play', { callId, mediaId: 'tone', source }),
        ])
        await phone.call('hangup', { callId })
        return measureTone(file, ITS_HZ).share
      }
      const callId = await phone.dial(`${bob.uri}${parameter}`)
      await phone.event('call.answered', { callId })
      const heard = [await talk(callId)]
      await bob.control.event('CALL_CLOSED')
      const since = bob.control.events.length
      await bob.control.command('dial', `sip:ringflow@${phone.address}${parameter}`)
      const inbound = await phone.event('call.answered', { where: ({ call }) => call.direction === 'inbound' })
      heard.push(await talk(inbound.callId))
      await bob.control.event('CALL_CLOSED', { since })
      await phone.close()
      await bob.stop()
      const heardByBob = bob.heard().map((file) => measureTone(file, OUR_HZ).share)
      const figures = (shares: number[]) => shares.map((share) => share.toFixed(3)).join(' and ')
      console.log(`      baresip by ${way}: of what we hear ${figures(heard)} is its tone, ours ${figures(heardByBob)}`)
      assert.equal(heardByBob.length, 2)
      assert.ok([...heard, ...heardByBob].every((share) => share >= 0.95))
    })
  }

  for (const { protocol, host } of WEB_WAYS)
    it(`Kamailio registers us by ${protocol.toUpperCase()} at ${host}, and calls come and go by the connection that we opened`, () =>
      callsThroughKamailio(protocol, host))

  it('Kamailio restarts: over TCP we are registered again within 35 s', async () => {
    const first = await Kamailio.registrar()
    const account = { aor: 'alice@sip.test', password: 'secret-a', register: true, protocol: 'tcp' } as const
    const transport: Partial<TransportConfig> = { ports: { udp: 0, tcp: 0 } }
    const phone = await start({ transport, account: { ...account, registrar: first.address } })
    await phone.registration('registered')
    const { port } = first
    await first.stop()
    const stoppedMs = performance.now()
    const second = await Kamailio.registrar({ port })
    await phone.registration('registered', { count: 2, timeoutMs: 35_000 })
    console.log(`      registered again after ${((performance.now() - stoppedMs) / 1000).toFixed(1)} s (35 s)`)
    assert.equal((await second.bindings('alice')).length, 1)
    await phone.close()
    await second.stop()
  })

  const start = (init: Partial<PhoneInit>) => Phone.start({ folder: peerFolder.folder('phone'), ...init })
})

/** Two accounts register by this protocol, and one calls the other. */
async function callsThroughKamailio(protocol: SipProtocol, host: string): Promise<void> {
  const isSecure = protocol === 'tls' || protocol === 'wss'
  const isWeb = protocol === 'ws' || protocol === 'wss'
  // The setting of the account names the protocol of the web, a parameter of the URI the others.
  const parameter = protocol === 'udp' || isWeb ? '' : `;transport=${protocol}`
  // A WebSocket client listens at no port of that protocol.
  const ports = isWeb ? { udp: 0 } : { [protocol]: 0 }
  const transport = { ports, bindAddress: host, ...(isSecure && { tls: testTls() }) }
  const registrar = await Kamailio.registrar({
    host,
    challengeCalls: true,
    webSocket: isWeb,
    ...(isSecure && { tls: authority.make() }),
  })
  const account = {
    password: 'secret-a',
    registrar: `${registrar.address}${parameter}`,
    register: true,
    inboundFrom: 'known' as const,
    ...(isWeb && { protocol }),
    proxy: { id: 'p', name: 'p', hops: [`sip:${registrar.address}${parameter};lr`] },
  }
  const start = (init: Partial<PhoneInit>) =>
    Phone.start({ folder: peerFolder.folder('phone'), transport, trace: true, inbound: {}, ...init })
  const alice = await start({ account: { ...account, aor: 'alice@sip.test' } })
  const bob = await start({ account: { ...account, aor: 'bob@sip.test', password: 'secret-b' } })
  await Promise.all([alice.registration('registered'), bob.registration('registered')])
  const [binding] = await registrar.bindings('alice')
  // RFC 7118 5
  if (isWeb) assert.match(binding?.contact ?? '', /@[a-z0-9]+\.invalid;transport=ws$/)
  else assert.ok(binding?.contact.endsWith(`@${alice.address}${parameter}`), binding?.contact)
  const callId = await bob.dial('alice')
  await bob.event('call.answered', { callId })
  const [invite = ''] = alice.messages('in', /^INVITE /)
  assert.match(invite, new RegExp(`^Via: SIP/2.0/${protocol.toUpperCase()} `, 'm'))
  if (protocol !== 'udp') {
    const [register] = alice.traces.filter(({ text }) => text.startsWith('REGISTER'))
    const [incoming] = alice.traces.filter(({ text }) => text.startsWith('INVITE'))
    assert.equal(incoming?.remote, register?.remote)
  }
  await bob.call('hangup', { callId })
  await alice.event('call.ended')
  await Promise.all([alice.close(), bob.close()])
  assert.deepEqual(await registrar.bindings('alice'), [])
  await registrar.stop()
}
