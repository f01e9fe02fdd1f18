/** TCP and IPv6 with other people's software: SIPp, Kamailio, baresip. */
import assert from 'node:assert/strict'
import { newId } from '../../src/base/ids.js'
import type { TransportConfig } from '../../src/engine/protocol.js'
import { measureTone } from '../support/audio.js'
import { Baresip } from '../support/peers/baresip.js'
import { Kamailio } from '../support/peers/kamailio.js'
import { peerFolder } from '../support/peers/peer-folder.js'
import '../support/peers/root-hooks.js'
import { Sipp } from '../support/peers/sipp.js'
import { plainCallee, plainCaller } from '../support/peers/sipp-plain.js'
import { Phone, type PhoneInit } from '../support/phone.js'

const RATE = 200
const ITS_HZ = 1000

const WAYS = [
  { protocol: 'tcp', host: '127.0.0.1', calls: 1_000 },
  { protocol: 'udp', host: '::1', calls: 200 },
  { protocol: 'tcp', host: '::1', calls: 200 },
] as const

describe('TCP and IPv6', function () {
  this.timeout(60_000)

  for (const { protocol, host, calls } of WAYS) {
    const way = `${protocol.toUpperCase()} at ${host}`
    const transport: Partial<TransportConfig> = { protocol, bindAddress: host }
    const parameter = protocol === 'tcp' ? ';transport=tcp' : ''
    const start = (init: Partial<PhoneInit> = {}) =>
      Phone.start({ folder: peerFolder.folder('phone'), transport, ...init })

    it(`SIPp calls us ${calls} times by ${way}`, async () => {
      const phone = await start({ inbound: {}, keepEvents: false })
      const ended = new Promise<void>((resolve) => {
        let count = 0
        phone.engine.on('call', ({ type }) => {
          if (type === 'call.ended' && ++count === calls) resolve()
        })
      })
      const how = { protocol, host, calls, rate: RATE, holdMs: 100 }
      const figures = await Sipp.run({ name: 'caller', steps: plainCaller, target: phone.address, ...how })
      console.log(`      in by ${way}: ${figures.ok} of ${figures.created}, ${figures.retransmissions} retransmissions`)
      assert.deepEqual([figures.created, figures.ok, figures.failed], [calls, calls, 0])
      await ended
      await phone.close()
    })

    it(`we call SIPp ${calls} times by ${way}`, async () => {
      const phone = await start({ keepEvents: false })
      // Of a thousand calls' events none is looked at twice.
      const answered = new Map<string, () => void>()
      phone.engine.on('call', ({ type, callId }) => {
        if (type === 'call.answered') answered.get(callId)?.()
      })
      const callee = await Sipp.start({ name: 'callee', steps: plainCallee, calls, protocol, host })
      const one = async (): Promise<void> => {
        const callId = newId()
        const isAnswered = new Promise<void>((resolve) => answered.set(callId, resolve))
        await phone.dial(`sip:service@${callee.address}${parameter}`, { callId })
        await isAnswered
        await phone.call('hangup', { callId })
      }
      for (let n = 0; n < calls; n += 10) await Promise.all(Array.from({ length: 10 }, one))
      const figures = await callee.finished()
      console.log(
        `      out by ${way}: ${figures.ok} of ${figures.created}, ${figures.retransmissions} retransmissions`,
      )
      assert.deepEqual([figures.created, figures.ok, figures.failed], [calls, calls, 0])
      await phone.close()
    })

    it(`Kamailio registers us by ${way}, and calls come and go by the way that we registered`, async () => {
      const registrar = await Kamailio.registrar({ host, challengeCalls: true })
      const account = {
        password: 'secret-a',
        registrar: `${registrar.address}${parameter}`,
        register: true,
        inboundFrom: 'known' as const,
        proxy: { id: 'p', name: 'p', hops: [`sip:${registrar.address}${parameter};lr`] },
      }
      const alice = await start({ trace: true, inbound: {}, account: { ...account, aor: 'alice@sip.test' } })
      const bob = await start({ account: { ...account, aor: 'bob@sip.test', password: 'secret-b' } })
      await Promise.all([alice.registration('registered'), bob.registration('registered')])
      const [binding] = await registrar.bindings('alice')
      assert.ok(binding?.contact.endsWith(`@${alice.address}${parameter}`), binding?.contact)
      const callId = await bob.dial('alice')
      await bob.event('call.answered', { callId })
      const [invite = ''] = alice.messages('in', /^INVITE /)
      assert.match(invite, new RegExp(`^Via: SIP/2.0/${protocol.toUpperCase()} `, 'm'))
      if (protocol === 'tcp') {
        const [register] = alice.traces.filter(({ text }) => text.startsWith('REGISTER'))
        const [incoming] = alice.traces.filter(({ text }) => text.startsWith('INVITE'))
        assert.equal(incoming?.remote, register?.remote)
      }
      await bob.call('hangup', { callId })
      await alice.event('call.ended')
      await Promise.all([alice.close(), bob.close()])
      assert.deepEqual(await registrar.bindings('alice'), [])
      await registrar.stop()
    })

    it(`baresip is called, and calls, with sound, by ${way}`, async () => {
      const phone = await start({ inbound: {} })
      const bob = await Baresip.start({ name: 'bob', sends: { toneHz: ITS_HZ }, autoAnswer: true, protocol, host })
      const callId = await phone.dial(`${bob.uri}${parameter}`)
      await phone.event('call.answered', { callId })
      const tone = measureTone(await phone.hear(callId, 1000), ITS_HZ)
      await phone.call('hangup', { callId })
      await bob.control.event('CALL_CLOSED')
      const since = bob.control.events.length
      await bob.control.command('dial', `sip:ringflow@${phone.address}${parameter}`)
      const inbound = await phone.event('call.answered', { where: ({ call }) => call.direction === 'inbound' })
      const heard = measureTone(await phone.hear(inbound.callId, 1000), ITS_HZ)
      await phone.call('hangup', { callId: inbound.callId })
      await bob.control.event('CALL_CLOSED', { since })
      console.log(
        `      baresip by ${way}: its tone is ${tone.share.toFixed(3)} and ${heard.share.toFixed(3)} of the sound`,
      )
      assert.ok(tone.share >= 0.95 && heard.share >= 0.95)
      await phone.close()
      await bob.stop()
    })
  }

  it('Kamailio restarts: over TCP we are registered again within 35 s', async () => {
    const first = await Kamailio.registrar()
    const account = { aor: 'alice@sip.test', password: 'secret-a', register: true, protocol: 'tcp' } as const
    const transport: Partial<TransportConfig> = { protocol: 'udp+tcp' }
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
