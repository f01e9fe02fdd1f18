/** Transfers over real sockets with a peer that says what it likes: REFER from strangers, to forbidden targets and with smuggled headers; Replaces. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Phone } from '../../support/phone.js'
import { RawCaller } from '../../support/raw-call.js'
import { RawPeer } from '../../support/raw-peer.js'
import { SDP } from '../../support/sip-messages.js'

describe('a peer that transfers or takes over calls', () => {
  let folder: string
  let phone: Phone
  let peer: RawPeer

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ringflow-hostile-'))
    phone = await Phone.start({
      folder,
      trace: true,
      inbound: {},
      account: { aor: 'bob@127.0.0.1', transfers: 'follow', blockedTargets: ['0900*'], ringTimeoutMs: 60_000 },
    })
  })

  after(async () => {
    await phone.close()
    rmSync(folder, { recursive: true, force: true })
  })

  beforeEach(async () => {
    peer = await RawPeer.open()
  })

  afterEach(() => peer.close())

  const port = (): number => Number(phone.address.split(':')[1])
  const caller = (): RawCaller => new RawCaller(peer, { uri: `sip:bob@${phone.address}`, port: port() })

  async function established(): Promise<RawCaller> {
    const call = caller()
    assert.equal((await call.ask('INVITE', { body: SDP })).status, 200)
    call.send('ACK')
    return call
  }

  /** No INVITE has left the phone. */
  const assertNoCall = () => assert.deepEqual(phone.messages('out', /^INVITE /), [])

  it('gets 403 to a REFER outside of calls, and 481 to REFER and NOTIFY with guessed tags', async () => {
    const call = await established()
    const refer = { headers: [`Refer-To: <${peer.uri}>`] }
    const stranger = caller()
    assert.equal((await stranger.ask('REFER', refer)).status, 403)
    assert.equal((await call.ask('REFER', { ...refer, toTag: 'guessed' })).status, 481)
    const forged = { headers: ['Event: refer', 'Subscription-State: terminated'], body: '' }
    assert.equal((await call.ask('NOTIFY', { ...forged, toTag: 'guessed' })).status, 481)
    assert.equal((await call.ask('NOTIFY', forged)).status, 481, 'we have sent no REFER')
    assertNoCall()
    assert.equal((await call.ask('BYE')).status, 200)
  })

  it('gets 403 to a REFER to a premium or an emergency number, also in other spellings, and 400 or 501 to nonsense', async () => {
    const call = await established()
    const at = `127.0.0.1:${peer.port}`
    for (const [referTo, status] of [
      [`<sip:0900123@${at}>`, 403],
      [`<sip:%30900-123@${at}>`, 403],
      [`<sip:112@${at}>`, 403],
      ['<tel:112>', 403],
      [`<sip:c@${at};method=BYE>`, 501],
      [`<sip:c@${at}?Replaces=%zz>`, 400],
      ['nonsense', 400],
    ] as const)
      assert.equal((await call.ask('REFER', { headers: [`Refer-To: ${referTo}`] })).status, status, referTo)
    assertNoCall()
    assert.equal((await call.ask('BYE')).status, 200)
  })

  it('smuggles no header into our INVITE, and gets the reports of it', async () => {
    const call = await established()
    const headers = [`Refer-To: <${peer.uri}?X-Evil=1&Route=%3Csip%3Aevil%3E&Subject=a%0D%0AX-Evil%3A%201>`]
    assert.equal((await call.ask('REFER', { headers })).status, 202)
    let invite = await peer.requests.next()
    const notifies: string[] = []
    while (invite.message.method !== 'INVITE') {
      if (invite.message.method === 'NOTIFY') notifies.push(invite.message.body)
      peer.answer(invite, 200)
      invite = await peer.requests.next()
    }
    assert.doesNotMatch(invite.text, /evil|Subject/i)
    peer.answer(invite, 486, { toTag: 'target' })
    while (!notifies.at(-1)?.includes('486')) {
      const notify = await peer.requests.next()
      if (notify.message.method !== 'NOTIFY') continue
      notifies.push(notify.message.body)
      peer.answer(notify, 200)
    }
    assert.match(notifies[0] ?? '', /^SIP\/2\.0 100 /)
    assert.equal((await call.ask('BYE')).status, 200)
  })

  it('takes over a call by Replaces only if it names the dialog exactly; the earlier peer gets BYE', async () => {
    const call = await established()
    const { callId, call: before } = await phone.event('call.answered', {
      where: (event) => event.call.sipCallId === call.callId,
    })
    for (const [replaces, status] of [
      [`${call.callId};to-tag=caller;from-tag=${call.toTag}`, 481],
      [`${call.callId};to-tag=${call.toTag};from-tag=other`, 481],
      [`${call.callId};to-tag=${call.toTag};from-tag=caller;early-only`, 486],
      [`${call.callId};to-tag=${call.toTag}`, 400],
    ] as const) {
      const wrong = caller()
      assert.equal(
        (await wrong.ask('INVITE', { body: SDP, headers: [`Replaces: ${replaces}`] })).status,
        status,
        replaces,
      )
      wrong.send('ACK', { cseq: 1 })
    }
    const next = caller()
    const headers = [`Replaces: ${call.callId};from-tag=caller;to-tag=${call.toTag}`, 'Require: replaces']
    assert.equal((await next.ask('INVITE', { body: SDP, headers })).status, 200)
    next.send('ACK')
    const bye = await peer.requests.next()
    assert.deepEqual([bye.message.method, bye.message.callId], ['BYE', call.callId])
    peer.answer(bye, 200)
    const { call: now } = await phone.event('call.replaced', { callId })
    assert.deepEqual([before.id, now.sipCallId], [callId, next.callId])
    assert.equal((await next.ask('BYE')).status, 200)
    assert.equal((await phone.event('call.ended', { callId })).end.cause, 'normal')
    assert.deepEqual(await phone.call('calls', null), [])
  })
})
