/** The user agent of sip.js, as it runs in a browser, over our WebSocket listener (RFC 7118): it is reached by its flow only. */
import assert from 'node:assert/strict'
import { SessionState } from 'sip.js'
import { reinvite, SipJsPhone, stateOf } from '../support/peers/sip-js.js'
import { ANSWER, OFFER, Party } from '../support/sip-parties.js'
import { called } from '../support/wait.js'

describe('sip.js over our WebSocket listener', () => {
  let bob: Party
  let phone: SipJsPhone

  beforeEach(async () => {
    bob = await Party.open('bob', { protocol: 'ws' })
    const server = `ws://127.0.0.1:${bob.endpoint.local.port}/`
    phone = await SipJsPhone.start({ server, uri: 'sip:browser@example.com' })
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
    const target = `sip:${phone.contactUser}@${source.host}:${source.port};transport=ws`
    assert.equal((await bob.agent.request({ method: 'OPTIONS', target, sipCallId: 'o', cseq: 1 })).response.status, 200)
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
