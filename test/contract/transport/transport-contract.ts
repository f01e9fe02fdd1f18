/** What every transport has to do alike, one suite for all of them. */
import assert from 'node:assert/strict'
import { systemClock } from '../../../src/base/clock.js'
import { hostPort, uriHost } from '../../../src/base/host-port.js'
import { silentLogger } from '../../../src/base/logger.js'
import { openSipEndpoint, type SipEndpointDeps } from '../../../src/sip/endpoint.js'
import { familyOf } from '../../../src/sip/transport/address.js'
import type { SipEndpointInit, SipProtocol } from '../../../src/sip/types.js'

import { ANSWER, establish, listenersAt, Party, testTls } from '../../support/sip-parties.js'

export interface TransportUnderTest {
  name: string
  protocol: SipProtocol
  host: string
  /** In place of real sockets. */
  openTransports?: SipEndpointDeps['openTransports']
}

export function transportContract({ name, protocol, host, openTransports }: TransportUnderTest): void {
  describe(`transport contract: ${name}`, () => {
    const opened: Party[] = []
    const deps = openTransports ? { openTransports } : {}
    const party = async (user: string, init: Parameters<typeof Party.open>[1] = {}): Promise<Party> => {
      const it = await Party.open(user, { protocol, host, ...deps, ...init })
      opened.push(it)
      return it
    }
    const open = (init: Partial<SipEndpointInit> = {}) =>
      openSipEndpoint(
        { clock: systemClock, log: silentLogger, ...deps },
        { host, listeners: listenersAt(0, protocol), userAgent: 'contract', tls: testTls(), ...init },
      )
    afterEach(async () => {
      await Promise.all(opened.splice(0).map((it) => it.close()))
    })

    it('listens where it says', async () => {
      const endpoint = await open()
      assert.equal(endpoint.local.protocol, protocol)
      assert.equal(endpoint.local.host, host)
      assert.ok(endpoint.local.port > 0)
      assert.deepEqual(endpoint.advertised, { host, port: endpoint.local.port })
      await endpoint.close()
    })

    it('says what to do where the port is taken, and gives it back when it closes', async () => {
      const first = await open()
      const { port } = first.local
      await assert.rejects(open({ listeners: listenersAt(port, protocol) }), {
        code: 'TRANSPORT',
        message: `cannot listen on ${protocol} ${hostPort({ host, port })}: another program, or another transport node, uses this address: choose another port (or 0 for any)`,
      })
      assert.equal(first.close(), first.close())
      await first.close()
      const again = await open({ listeners: listenersAt(port, protocol) })
      await again.close()
    })

    it('carries a call from INVITE to BYE, from both sides', async () => {
      const [alice, bob] = [await party('alice'), await party('bob')]
      const first = await establish(alice, bob)
      assert.equal((await first.callerDialog.bye()).status, 200)
      const second = await establish(alice, bob)
      assert.equal((await second.calleeDialog.bye()).status, 200)
      const third = await establish(bob, alice)
      assert.equal((await third.callerDialog.request('INFO')).status, 200)
      assert.equal((await third.callerDialog.bye()).status, 200)
    })

    it('names itself rightly in Via and Contact', async () => {
      const [alice, bob] = [await party('alice'), await party('bob')]
      const { callerDialog } = await establish(alice, bob)
      await callerDialog.bye()
      const requests = alice.wire.filter(({ direction, text }) => direction === 'out' && !text.startsWith('SIP/2.0'))
      assert.ok(requests.length >= 3)
      const sentBy = `${uriHost(host)}:${alice.endpoint.local.port}`
      for (const { text } of requests) {
        assert.ok(text.includes(`\r\nVia: SIP/2.0/${protocol.toUpperCase()} ${sentBy};branch=z9hG4bK`), text)
      }
      const parameter = protocol === 'udp' ? '' : `;transport=${protocol}`
      assert.ok(requests[0]?.text.includes(`\r\nContact: <sip:alice-contact@${sentBy}${parameter}>`))
    })

    it('stamps received and rport, and tells where a request came from', async () => {
      const [alice, bob] = [await party('alice'), await party('bob')]
      bob.request = (request) => {
        assert.deepEqual([request.source.protocol, request.source.host], [protocol, host])
        const [via = ''] = request.headers('Via')
        assert.ok(via.includes(`;received=${host};rport=${request.source.port}`), via)
        return 202
      }
      const { response } = await alice.agent.request({
        method: 'MESSAGE',
        target: bob.address,
        sipCallId: 'x',
        cseq: 1,
        body: { contentType: 'text/plain', content: 'Grüße ☎' },
      })
      assert.equal(response.status, 202)
      assert.ok(!('local' in response))
      assert.deepEqual(response.source, { protocol, host, port: bob.endpoint.local.port })
    })

    it('cancels, refuses and acknowledges', async () => {
      const [alice, bob] = [await party('alice'), await party('bob')]
      const busy = alice.call(bob.address)
      ;(await bob.invites.next()).reject(486)
      const refused = await busy.outcome
      assert.ok(refused.kind === 'failed' && refused.response.status === 486)
      const ringing = alice.call(bob.address)
      const invite = await bob.invites.next()
      invite.progress(180)
      await ringing.progress.next()
      ringing.invite.cancel()
      const cancelled = await ringing.outcome
      assert.ok(cancelled.kind === 'failed' && cancelled.response.status === 487)
    })

    it('keeps the order of what is sent at once', async () => {
      const [alice, bob] = [await party('alice'), await party('bob')]
      const seen: number[] = []
      bob.request = (request) => {
        seen.push(request.cseq)
        return 200
      }
      const all = Array.from({ length: 20 }, (_, n) =>
        alice.agent.request({ method: 'MESSAGE', target: bob.address, sipCallId: `x${n}`, cseq: n + 1 }),
      )
      assert.ok((await Promise.all(all)).every(({ response }) => response.status === 200))
      assert.deepEqual(
        seen,
        Array.from({ length: 20 }, (_, n) => n + 1),
      )
    })

    it('gives 503 for a host of the other family and for one that cannot be resolved', async () => {
      const resolve = () => Promise.reject(new Error('no such host'))
      const alice = await party('alice', { resolve })
      const other = familyOf(host) === 4 ? '[::1]' : '127.0.0.1'
      for (const target of [`sip:x@${other}`, 'sip:x@nowhere.invalid']) {
        const { response } = await alice.agent.request({ method: 'OPTIONS', target, sipCallId: 'x', cseq: 1 })
        assert.deepEqual([response.status, 'local' in response], [503, true])
      }
    })

    it('resolves names in its own family', async () => {
      const bob = await party('bob')
      const asked: unknown[] = []
      const resolve = async (...question: unknown[]): Promise<string> => {
        asked.push(question)
        return host
      }
      const alice = await party('alice', { resolve })
      const target = bob.address.replace(uriHost(host), 'bob.test')
      const { outcome } = alice.call(target)
      ;(await bob.invites.next()).accept({ body: ANSWER })
      const result = await outcome
      assert.ok(result.kind === 'answered')
      assert.deepEqual(asked, [['bob.test', familyOf(host)]])
      await result.dialog.bye()
    })

    it('asks nobody any more once it is closed', async () => {
      const [alice, bob] = [await party('alice'), await party('bob')]
      const pending = alice.call(bob.address)
      await bob.invites.next()
      await alice.close()
      const result = await pending.outcome
      assert.ok(result.kind === 'failed' && result.response.status === 503)
      const init = { aor: 'sip:a@b', displayName: '', contactUser: 'a', routeSet: [] }
      const agent = {
        ...init,
        authenticator: { answer: () => undefined },
        handlers: { admit: () => ({ admit: true }) as const, invite() {} },
      }
      assert.throws(() => alice.endpoint.createUserAgent(agent), { code: 'CLOSED' })
    })
  })
}
