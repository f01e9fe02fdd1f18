import assert from 'node:assert/strict'
import { isLocal } from '../../../src/sip/types.js'
import { ANSWER, establish, OFFER, Party } from '../../support/sip-parties.js'
import { called } from '../../support/wait.js'

describe('a call between two endpoints', () => {
  let alice: Party
  let bob: Party

  beforeEach(async () => {
    ;[alice, bob] = await Promise.all([Party.open('alice'), Party.open('bob')])
  })

  afterEach(() => Promise.all([alice.close(), bob.close()]))

  it('is set up and hung up by the caller', async () => {
    const { progress, outcome } = alice.call(bob.address)
    const invite = await bob.invites.next()
    assert.equal(invite.request.body?.content, OFFER.content)
    assert.equal(invite.request.from.uri, 'sip:alice@example.com')
    invite.progress(180)
    const ringing = await progress.next()
    assert.deepEqual([ringing.status, ringing.reason], [180, 'Ringing'])
    const dialog = invite.accept({ body: ANSWER })
    const acknowledged = called(dialog.handlers, 'acknowledged')
    const hungUp = called(dialog.handlers, 'bye')
    const result = await outcome
    assert.ok(result.kind === 'answered')
    assert.equal(result.response.body?.content, ANSWER.content)
    await acknowledged
    assert.equal(result.dialog.remoteTag, dialog.localTag)
    assert.equal((await result.dialog.bye()).status, 200)
    assert.equal((await hungUp).method, 'BYE')
    assert.deepEqual(
      alice.lines('out').map((line) => line.split(' ')[0]),
      ['INVITE', 'ACK', 'BYE'],
    )
  })

  it('is hung up by the callee', async () => {
    const { callerDialog, calleeDialog } = await establish(alice, bob)
    const hungUp = called(callerDialog.handlers, 'bye')
    const response = await calleeDialog.bye({ headers: [['Reason', 'Q.850;cause=16']] })
    assert.ok(!isLocal(response))
    assert.equal(response.status, 200)
    await hungUp
    assert.match(bob.wire.findLast((line) => line.text.startsWith('BYE'))?.text ?? '', /^Reason: Q.850;cause=16\r$/m)
  })

  it('is rejected', async () => {
    const { outcome } = alice.call(bob.address)
    ;(await bob.invites.next()).reject(486, { reason: 'Not now', headers: [['Retry-After', '60']] })
    const result = await outcome
    assert.ok(result.kind === 'failed' && !isLocal(result.response))
    assert.deepEqual(
      [result.response.status, result.response.reason, result.response.header('retry-after')],
      [486, 'Not now', '60'],
    )
    assert.match(alice.lines('out').at(-1) ?? '', /^ACK /)
  })

  it('is redirected', async () => {
    const { outcome } = alice.call(bob.address)
    ;(await bob.invites.next()).reject(302, { headers: [['Contact', '<sip:else@192.0.2.1>']] })
    const result = await outcome
    assert.ok(result.kind === 'failed' && !isLocal(result.response))
    assert.deepEqual([result.response.status, result.response.headers('contact')], [302, ['<sip:else@192.0.2.1>']])
  })

  it('is cancelled while it rings', async () => {
    const { invite: outgoing, progress, outcome } = alice.call(bob.address)
    const invite = await bob.invites.next()
    const cancelled = called(invite.handlers, 'cancelled')
    invite.progress(180)
    await progress.next()
    outgoing.cancel('SIP;cause=200;text="Call completed elsewhere"')
    outgoing.cancel()
    assert.deepEqual(await cancelled, ['SIP;cause=200;text="Call completed elsewhere"'])
    const result = await outcome
    assert.deepEqual([result.kind, result.response.status], ['failed', 487])
    assert.throws(() => invite.accept({ body: ANSWER }), { code: 'WRONG_STATE' })
    invite.reject(486) // the flow may decide too late
    assert.deepEqual(
      alice.lines('out').map((line) => line.split(' ')[0]),
      ['INVITE', 'CANCEL', 'ACK'],
    )
  })

  it('is cancelled at once, and the CANCEL waits for a provisional response (RFC 3261 9.1)', async () => {
    const { invite: outgoing, outcome } = alice.call(bob.address)
    outgoing.cancel()
    assert.deepEqual((await outcome).response.status, 487)
    assert.match(alice.lines('in')[0] ?? '', / 100 /)
  })

  it('ends with BYE where the 200 crosses the CANCEL', async () => {
    const { invite: outgoing, outcome, progress } = alice.call(bob.address)
    const invite = await bob.invites.next()
    invite.progress(180)
    await progress.next()
    const dialog = invite.accept({ body: ANSWER })
    const hungUp = called(dialog.handlers, 'bye')
    outgoing.cancel()
    const result = await outcome
    assert.deepEqual([result.kind, result.response.status], ['failed', 487])
    await hungUp
    const sent = alice.lines('out').map((line) => line.split(' ')[0])
    assert.ok(sent.includes('ACK') && sent.includes('BYE'))
  })

  it('gives 404 for a user that does not exist, 503 for an address that refuses', async () => {
    const unknown = await alice.call(bob.address.replace('bob', 'nobody')).outcome
    assert.equal(unknown.response.status, 404)
    const refused = await alice.call('sip:x@127.0.0.1;transport=sctp').outcome
    assert.equal(refused.response.status, 503)
    assert.match(refused.response.reason, /asks for another transport than UDP/)
  })
})
