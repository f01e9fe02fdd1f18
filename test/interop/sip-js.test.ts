/** The user agent of sip.js, as it runs in a browser, over our WebSocket listener (RFC 7118): it is reached by its flow only. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { SessionState } from 'sip.js'
import { DigestAuthenticator } from '../../src/account/digest-authenticator.js'
import { Registration } from '../../src/account/registration.js'
import { systemClock } from '../../src/base/clock.js'
import { silentLogger } from '../../src/base/logger.js'
import { authority } from '../support/certificates.js'
import { Kamailio } from '../support/peers/kamailio.js'
import '../support/peers/root-hooks.js'
import { reinvite, SipJsPhone, stateOf } from '../support/peers/sip-js.js'
import { ANSWER, OFFER, Party } from '../support/sip-parties.js'
import { called, until } from '../support/wait.js'

for (const protocol of ['ws', 'wss'] as const)
  describe(`sip.js over our listener, by ${protocol}`, () => {
    let bob: Party
    let phone: SipJsPhone

    beforeEach(async () => {
      bob = await Party.open('bob', { protocol })
      const server = `${protocol}://127.0.0.1:${bob.endpoint.local.port}/`
      phone = await SipJsPhone.start({
        server,
        uri: 'sip:browser@example.com',
        ca: readFileSync(authority.caFile, 'utf8'),
      })
    })
    afterEach(async () => {
      await phone.stop()
      await bob.close()
    })

    /** A call from the browser. */
    const callFromBrowser = async () => {
      const calling = phone.call(`sip:bob@127.0.0.1:${bob.endpoint.local.port}`)
      const incoming = await bob.invites.next()
      assert.match(incoming.request.header('Contact') ?? '', /\.invalid;transport=ws/)
      const dialog = incoming.accept({ body: ANSWER })
      return { call: await calling, dialog, source: incoming.request.source }
    }

    it('calls us; we send INFO, a re-INVITE and BYE by its flow', async () => {
      const { call, dialog } = await callFromBrowser()
      assert.equal((await dialog.reinvite(OFFER)).status, 200)
      assert.equal((await dialog.request('INFO')).status, 200)
      const over = stateOf(call, SessionState.Terminated)
      assert.equal((await dialog.bye()).status, 200)
      await over
      const sent = bob.wire.filter(({ direction }) => direction === 'out').map(({ remote }) => remote)
      assert.equal(new Set(sent).size, 1)
    })

    it('calls us, sends a re-INVITE and ends the call', async () => {
      const { call, dialog } = await callFromBrowser()
      dialog.handlers.request = (request) => request.accept({ body: ANSWER })
      assert.equal(await reinvite(call), 200)
      const bye = called(dialog.handlers, 'bye', 'the BYE of sip.js')
      await call.bye()
      await bye
    })

    it('is called by its flow, and ends the call; it answers our OPTIONS', async () => {
      const { dialog, source } = await callFromBrowser()
      await dialog.bye()
      const target = `sip:${phone.contactUser}@${source.host}:${source.port};transport=${protocol}`
      assert.equal(
        (await bob.agent.request({ method: 'OPTIONS', target, sipCallId: 'o', cseq: 1 })).response.status,
        200,
      )
      const { outcome } = bob.call(target)
      const invitation = await phone.invitations.next()
      await invitation.accept()
      const answered = await outcome
      assert.ok(answered.kind === 'answered')
      // sip.js refuses a re-INVITE until it has worked on the ACK (RFC 6337 4.3).
      await stateOf(invitation, SessionState.Established)
      assert.equal((await answered.dialog.request('INFO')).status, 200)
      assert.equal((await answered.dialog.reinvite(OFFER)).status, 200)
      const bye = called(answered.dialog.handlers, 'bye', 'the BYE of sip.js')
      await invitation.bye()
      await bye
    })
  })

describe('sip.js and we, both registered by WebSocket at Kamailio', function () {
  this.timeout(20_000)
  let kamailio: Kamailio
  let alice: Party
  let phone: SipJsPhone
  let registration: Registration

  before(async () => {
    kamailio = await Kamailio.registrar({ webSocket: true })
    alice = await Party.open('alice', {
      agent: {
        aor: 'sip:alice@sip.test',
        protocol: 'ws',
        routeSet: [`<sip:${kamailio.address};transport=ws;lr>`],
        authenticator: new DigestAuthenticator(
          {},
          { username: 'alice', password: 'secret-a' },
          { realm: '', viaProxy: true, isOurs: (host) => host === kamailio.host },
        ),
      },
    })
    registration = new Registration(
      { clock: systemClock, log: silentLogger, userAgent: alice.agent },
      { aor: 'sip:alice@sip.test', registrar: 'sip:sip.test', host: '127.0.0.1', expiresSec: 60 },
    )
    phone = await SipJsPhone.start({
      server: `ws://${kamailio.address}/`,
      uri: 'sip:bob@sip.test',
      password: 'secret-b',
    })
  })
  after(async () => {
    registration?.close()
    await Promise.all([phone?.stop(), alice?.close()])
    await kamailio.stop()
  })

  it('have a Contact below .invalid (RFC 7118 5)', async () => {
    assert.equal(await phone.register(), 200)
    registration.register()
    await until(() => registration.state.state === 'registered', 'our registration')
    const [binding] = await kamailio.bindings('alice')
    assert.match(binding?.contact ?? '', /^sip:alice-contact@[a-z0-9]+\.invalid;transport=ws$/)
  })

  it('we call sip.js: re-INVITE and BYE go through the proxy, which has recorded its route', async () => {
    const { outcome } = alice.call('sip:bob@sip.test')
    const invitation = await phone.invitations.next()
    await invitation.accept()
    const answered = await outcome
    assert.ok(answered.kind === 'answered')
    await stateOf(invitation, SessionState.Established)
    assert.equal((await answered.dialog.request('INFO')).status, 200)
    assert.equal((await answered.dialog.reinvite(OFFER)).status, 200)
    const over = stateOf(invitation, SessionState.Terminated)
    assert.equal((await answered.dialog.bye()).status, 200)
    await over
  })

  it('sip.js calls us: its re-INVITE and our BYE arrive', async () => {
    const calling = phone.call('sip:alice@sip.test')
    const incoming = await alice.invites.next()
    const dialog = incoming.accept({ body: ANSWER })
    const call = await calling
    dialog.handlers.request = (request) => request.accept({ body: ANSWER })
    assert.equal(await reinvite(call), 200)
    const over = stateOf(call, SessionState.Terminated)
    assert.equal((await dialog.bye()).status, 200)
    await over
    const protocols = new Set(alice.wire.map(({ protocol }) => protocol))
    assert.deepEqual([...protocols], ['ws'])
  })
})
