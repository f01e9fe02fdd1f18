/** Calls that are redirected, over real sockets and through the whole engine. */
import assert from 'node:assert/strict'
import { startLocalEngine } from '../../../src/engine/client.js'
import type { Engine } from '../../../src/engine/protocol.js'
import { ANSWER, BY_FLOW, engineInit, Heard, loopbackAccount, twoAccounts } from '../../support/engine-pair.js'
import { RawPeer } from '../../support/raw-peer.js'

describe('redirection, engine to engine and peer', () => {
  let engine: Engine
  let heard: Heard
  let target: string
  let peer: RawPeer

  beforeEach(async () => {
    engine = await startLocalEngine(engineInit())
    heard = new Heard(engine)
    ;({ target } = await twoAccounts(engine, ANSWER))
    peer = await RawPeer.open()
  })

  afterEach(() => Promise.all([engine.close(), peer.close()]))

  const dial = (to: string, accountId = 'caller') => engine.call('dial', { accountId, target: to })

  it('a 302 of a peer is followed to who answers, in one call', async () => {
    const placed = dial(peer.uri)
    const first = await peer.requests.next()
    peer.answer(first, 302, { contact: target })
    const ack = await peer.requests.next()
    assert.equal(ack.message.method, 'ACK')
    const { callId } = await placed
    const answered = await heard.next('call.answered', (event) => event.callId === callId)
    assert.equal(answered.call.sipCallId, first.message.callId)
    assert.equal(answered.call.to.uri, peer.uri)
    await engine.call('hangup', { callId })
    const ended = await heard.next('call.ended', (event) => event.callId === callId)
    assert.equal(ended.cdr.cause, 'normal')
    const inbound = await heard.next('call.ended', (event) => event.call.direction === 'inbound')
    assert.equal(inbound.cdr.sipCallId, ended.cdr.sipCallId)
    assert.equal(inbound.cdr.toUri, peer.uri, 'To stays what it was (RFC 3261 8.1.3.4)')
  })

  it('a Contact out of our reach is passed over for the next one; where there is none the end says why', async () => {
    const outOfReach = ['sip:a@127.0.0.1;transport=tls', 'sip:a@[2001:db8::1]', 'sip:a@x.invalid;transport=ws']
    for (const [contacts, reached] of [
      [[...outOfReach, target], true],
      [outOfReach, false],
    ] as const) {
      const placed = dial(peer.uri)
      const invite = await peer.requests.next()
      const headers = contacts.map((uri) => `Contact: <${uri}>`)
      peer.answer(invite, 302, { contact: false, headers })
      const { callId } = await placed
      if (reached) {
        await heard.next('call.answered', (event) => event.callId === callId)
        await engine.call('hangup', { callId })
      }
      const { end } = await heard.next('call.ended', (event) => event.callId === callId)
      if (reached) assert.equal(end.cause, 'normal')
      else assert.deepEqual([end.by, end.cause, end.sipCode], ['error', 'failed', 503])
      if (!reached) assert.match(end.reason, /x\.invalid;transport=ws names no host that exists/)
      assert.equal((await peer.requests.next()).message.method, 'ACK')
    }
  })

  it('we redirect a caller, who follows: redirect to dial, both ours', async () => {
    const { local } = await engine.call('setAccount', loopbackAccount('front'))
    await engine.call('setInbound', { accountId: 'front', rule: BY_FLOW })
    const { callId } = await dial(`sip:front@${local.host}:${local.port}`)
    const incoming = await heard.next('call.incoming', (event) => event.call.account.id === 'front')
    await engine.call('redirect', { callId: incoming.callId, targets: [target], reason: 'At the other desk' })
    const refused = await heard.next('call.ended', (event) => event.callId === incoming.callId)
    assert.deepEqual([refused.end.sipCode, refused.end.reason], [302, 'At the other desk'])
    const answered = await heard.next('call.answered', (event) => event.callId === callId)
    assert.equal(answered.call.direction, 'outbound')
    await engine.call('hangup', { callId })
  })

  it('an account that follows none ends with 302; a setting that changes nothing on the wire', async () => {
    const before = await engine.call('setAccount', loopbackAccount('caller'))
    const after = await engine.call('setAccount', loopbackAccount('caller', { redirects: 'refuse' }))
    assert.deepEqual(after, before)
    const placed = dial(peer.uri)
    peer.answer(await peer.requests.next(), 302, { contact: target })
    const { callId } = await placed
    const { end } = await heard.next('call.ended', (event) => event.callId === callId)
    assert.deepEqual([end.by, end.cause, end.sipCode], ['remote', 'failed', 302])
  })

  it('the same caller goes on: From with its tag, To and Call-ID stay, CSeq counts up, past challenges too', async () => {
    await engine.call(
      'setAccount',
      loopbackAccount('caller', { aor: `caller@127.0.0.1:${peer.port}`, password: 'secret' }),
    )
    const placed = dial('1000')
    peer.answer(await invite(peer), 407, { headers: [CHALLENGE(407, 'n1')] })
    const challenged = await invite(peer)
    peer.answer(challenged, 302, { contact: `sip:1001@127.0.0.1:${peer.port}` })
    const redirected = await invite(peer)
    peer.answer(redirected, 302, { contact: `sip:1002@127.0.0.1:${peer.port}` })
    const again = await invite(peer)
    peer.answer(again, 486)
    const { callId } = await placed
    await heard.next('call.ended', (event) => event.callId === callId)
    const identity = ({ message }: typeof again) => [message.fromTag, message.header('to'), message.callId]
    assert.deepEqual(identity(redirected), identity(challenged))
    assert.deepEqual(identity(again), identity(challenged))
    assert.deepEqual(
      [challenged, redirected, again].map(({ message }) => message.cseq),
      [2, 3, 4],
    )
  })

  describe('what the account must not call', () => {
    let elsewhere: RawPeer

    beforeEach(async () => {
      elsewhere = await RawPeer.open('127.0.0.2')
    })

    afterEach(() => elsewhere.close())

    /** A call to the peer, which answers with these contacts, all of them at `elsewhere`. */
    async function redirected(contacts: readonly string[]) {
      const placed = dial(peer.uri)
      peer.answer(await peer.requests.next(), 300, {
        contact: false,
        headers: [`Contact: ${contacts.map((uri) => `<${uri}>`).join(', ')}`],
      })
      return (await placed).callId
    }

    async function endOf(callId: string) {
      return (await heard.next('call.ended', (event) => event.callId === callId)).end
    }

    it('is not called for a peer that says so: http', async () => {
      const at = `127.0.0.2:${elsewhere.port}`
      const callId = await redirected([`http://${at}/`])
      assert.equal((await endOf(callId)).sipCode, 300)
      assert.deepEqual(await engine.call('calls', null), [])
      assert.deepEqual(elsewhere.texts, [])
      assert.ok(heard.events.every((event) => event.call.direction === 'outbound'))
      assert.deepEqual(
        peer.texts.map((text) => text.split(' ', 1)[0]),
        ['INVITE', 'ACK'],
      )
    })

    it('is not called outside of the own domain, if only that may be called; maddr leads out of it too', async () => {
      await engine.call('setAccount', loopbackAccount('caller', { redirects: 'own-domain' }))
      const outside = [`sip:a@127.0.0.2:${elsewhere.port}`, `sip:a@127.0.0.1:${elsewhere.port};maddr=127.0.0.2`]
      const refused = await redirected(outside)
      const end = await endOf(refused)
      assert.deepEqual([end.sipCode, end.contacts], [300, outside])
      assert.deepEqual(elsewhere.texts, [])
      peer.texts.length = 0
      assert.equal((await peer.requests.next()).message.method, 'ACK')
      const followed = await redirected([...outside, target])
      await heard.next('call.answered', (event) => event.callId === followed)
      await engine.call('hangup', { callId: followed })
    })

    it('is called without the headers and the method that the peer wrote into the address', async () => {
      const at = `127.0.0.2:${elsewhere.port}`
      const callId = await redirected([`sip:a@${at};method=BYE?X-Evil=1&Route=%3Csip:evil%3E`])
      const invited = await elsewhere.requests.next()
      assert.equal(invited.message.method, 'INVITE')
      assert.equal(invited.message.uri.text, `sip:a@${at}`)
      assert.doesNotMatch(invited.text, /evil/i)
      elsewhere.answer(invited, 486)
      assert.equal((await endOf(callId)).cause, 'busy')
    })

    it('is not called for a peer that says so: emergency and blocked numbers, in any spelling', async () => {
      const at = `127.0.0.2:${elsewhere.port}`
      const rules = { blockedTargets: ['0900*', '*@*.evil.example'] }
      const dialPlan = { stripPrefix: '', addPrefix: '', countryCode: '49' }
      await engine.call('setAccount', loopbackAccount('caller', { ...rules, dialPlan }))
      const users = ['112', '%31%31%32', '+49112', '0900123', '+49900123', '+49-900-123', '00499001']
      const callId = await redirected([...users.map((user) => `sip:${user}@${at}`), 'tel:112', 'sip:x@a.evil.example'])
      const { by, cause, sipCode } = await endOf(callId)
      assert.deepEqual([by, cause, sipCode], ['remote', 'failed', 300])
      assert.deepEqual(elsewhere.texts, [])
    })

    it('is left out: the next address that may be called is', async () => {
      const at = `127.0.0.2:${elsewhere.port}`
      await engine.call('setAccount', loopbackAccount('caller', { allowedTargets: [`raw@*`, `nice@*`] }))
      const callId = await redirected([`sip:112@${at}`, `sip:bad@${at}`, `sip:nice@${at}`])
      const invited = await elsewhere.requests.next()
      assert.equal(invited.message.uri.text, `sip:nice@${at}`)
      elsewhere.answer(invited, 486)
      assert.equal((await endOf(callId)).cause, 'busy')
      assert.equal(elsewhere.texts.filter((text) => text.startsWith('INVITE')).length, 1)
    })
  })

  const CHALLENGE = (status: number, nonce: string) =>
    `${status === 407 ? 'Proxy' : 'WWW'}-Authenticate: Digest realm="pbx", nonce="${nonce}", algorithm=MD5, qop="auth"`

  /** The next INVITE of any peer; the ACKs between are skipped. */
  async function invite(at: RawPeer) {
    for (;;) {
      const request = await at.requests.next()
      if (request.message.method === 'INVITE') return request
    }
  }

  it('every hop of our own proxy may challenge; a stranger who is redirected to gets no credentials', async () => {
    const stranger = await RawPeer.open('127.0.0.2')
    const aor = `caller@127.0.0.1:${peer.port}`
    await engine.call('setAccount', loopbackAccount('caller', { aor, password: 'secret' }))
    const placed = dial('1000')
    for (let hop = 0; hop < 4; hop++) {
      let request = await invite(peer)
      if (request.message.header('proxy-authorization') === undefined) {
        peer.answer(request, 407, { headers: [CHALLENGE(407, `nonce${hop}`)] })
        request = await invite(peer)
      }
      assert.match(request.message.header('proxy-authorization') ?? '', /response="[0-9a-f]{32}"/, `hop ${hop}`)
      const contact = hop < 3 ? `sip:${1001 + hop}@127.0.0.1:${peer.port}` : stranger.uri
      peer.answer(request, 302, { contact })
    }
    for (const status of [407, 401]) {
      const request = await invite(stranger)
      assert.doesNotMatch(request.text, /authorization:|secret/i)
      if (status === 407) {
        // Nor does it get the credentials by redirecting us to another of its addresses.
        stranger.answer(request, 302, { contact: `sip:other@127.0.0.2:${stranger.port}` })
      } else {
        stranger.answer(request, status, { headers: [CHALLENGE(status, 'evil')] })
      }
    }
    const { callId } = await placed
    const { end } = await heard.next('call.ended', (event) => event.callId === callId)
    assert.deepEqual([end.by, end.sipCode], ['remote', 401])
    assert.equal(stranger.texts.filter((text) => text.startsWith('INVITE')).length, 2)
    assert.doesNotMatch(stranger.texts.join(''), /authorization:/i)
    await stranger.close()
  })

  it('numbers are dialled as the dial plan writes them, and a changed plan counts at once', async () => {
    const dialPlan = { stripPrefix: '9', addPrefix: '', countryCode: '49' }
    const aor = `caller@127.0.0.1:${peer.port}`
    await engine.call('setAccount', loopbackAccount('caller', { aor, dialPlan }))
    const dialled = async (to: string) => {
      void dial(to).then(({ callId }) => engine.call('hangup', { callId }))
      const invite = await peer.requests.next()
      peer.answer(invite, 486)
      await peer.requests.next()
      return invite.message.uri.text
    }
    assert.equal(await dialled('9 030 123456'), `sip:+4930123456@127.0.0.1:${peer.port}`)
    const changed = { ...dialPlan, addPrefix: '0' }
    await engine.call('setAccount', loopbackAccount('caller', { aor, dialPlan: changed }))
    assert.equal(await dialled('030 123456'), `sip:0004930123456@127.0.0.1:${peer.port}`)
    assert.equal(await dialled(`sip:9030123456@127.0.0.1:${peer.port}`), `sip:9030123456@127.0.0.1:${peer.port}`)
  })
})
