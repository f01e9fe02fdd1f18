/** The first of two registrars fails while a call runs; SRV records of a DNS server name both (RFC 3263). */
import assert from 'node:assert/strict'
import { measureTone } from '../support/audio.js'
import { DnsServer } from '../support/dns-server.js'
import { tell } from '../support/figures.js'
import { Kamailio } from '../support/peers/kamailio.js'
import { peerFolder } from '../support/peers/peer-folder.js'
import '../support/peers/root-hooks.js'
import { Phone } from '../support/phone.js'

const PROMISED = { silentSec: 35, closedSec: 5 }
const TONE_HZ = 700
const HEARD_MS = 1_000
/** Both phones refresh their registrations soon, so that they notice a silent registrar of UDP. */
const EXPIRES_SEC = 12

describe('the first of two Kamailios, which SRV records name, during a call', function () {
  this.timeout(90_000)

  for (const protocol of ['udp', 'tcp'] as const)
    for (const fails of ['falls silent', 'ends'] as const)
      it(`${fails}, by ${protocol.toUpperCase()}: the call goes on, we register at the second, and calls go there`, async () => {
        const [dns, first, second] = await Promise.all([
          DnsServer.start(),
          Kamailio.registrar({ name: 'first' }),
          Kamailio.registrar({ name: 'second' }),
        ])
        dns.a('a.sip.test', first.host).a('b.sip.test', second.host)
        const service = `_sip._${protocol}.sip.test`
        dns
          .srv(service, 'a.sip.test', first.port, { priority: 1 })
          .srv(service, 'b.sip.test', second.port, { priority: 2 })
        const start = (user: 'alice' | 'bob') =>
          Phone.start({
            folder: peerFolder.folder('phone'),
            dnsServers: [dns.address],
            transport: { ports: { udp: 0, tcp: 0 } },
            account: {
              aor: `${user}@sip.test`,
              password: user === 'alice' ? 'secret-a' : 'secret-b',
              protocol,
              register: true,
              expiresSec: EXPIRES_SEC,
            },
            inbound: {},
          })
        const [alice, bob] = [await start('alice'), await start('bob')]
        await Promise.all([alice, bob].map((phone) => phone.registration('registered')))
        assert.equal((await first.bindings('alice')).length, 1)
        const callId = await bob.dial('alice')
        await bob.event('call.answered', { callId })
        const { callId: taken } = await alice.event('call.answered')
        const source = { kind: 'tone' as const, hz: [TONE_HZ], durationMs: 80_000 }
        void bob.call('play', { callId, mediaId: 'tone', source }).catch(() => undefined)

        const failedMs = performance.now()
        if (fails === 'ends') await first.stop()
        else first.process.freeze()
        const sec = await Promise.all([alice, bob].map((phone) => registeredAt(second, phone, failedMs)))
        const { share } = measureTone(await alice.hear(taken, HEARD_MS), TONE_HZ)
        const again = await bob.dial('alice')
        await bob.event('call.answered', { callId: again })
        await bob.call('hangup', { callId: again })
        tell(
          `a registrar ${fails}, by ${protocol}: registered at the second after`,
          `${sec.map((s) => s.toFixed(1)).join(' and ')} s`,
          `${PROMISED.silentSec} s`,
        )
        assert.ok(share >= 0.95, `of the sound after it ${share} is the tone`)
        assert.ok(Math.max(...sec) <= PROMISED.silentSec)
        await Promise.all([alice.close(), bob.close()])
        await Promise.all([dns.close(), first.stop(), second.stop()])
      })
})

/** How long after the failure this registrar has a binding of the phone. */
async function registeredAt(registrar: Kamailio, phone: Phone, failedMs: number): Promise<number> {
  const user = phone.account.aor.split('@')[0] ?? ''
  while ((await registrar.bindings(user)).length === 0) {
    if (performance.now() - failedMs > 40_000)
      assert.fail(`${user} is not registered: ${JSON.stringify(phone.registrations)}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return (performance.now() - failedMs) / 1000
}
