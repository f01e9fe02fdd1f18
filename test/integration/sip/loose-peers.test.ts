/** Peers that do what RFC 3261 allows but few do, and peers that leave out what it asks for. */
import assert from 'node:assert/strict'
import { isLocal, type SipDialog } from '../../../src/sip/types.js'
import { FakeClock } from '../../support/fake-clock.js'
import { RawCaller } from '../../support/raw-call.js'
import { RawPeer } from '../../support/raw-peer.js'
import { requestText, SDP } from '../../support/sip-messages.js'
import { ANSWER, OFFER, Party } from '../../support/sip-parties.js'
import { called } from '../../support/wait.js'

describe('a peer that', () => {
  let peer: RawPeer
  let bob: Party
  let clock: FakeClock
  let caller: RawCaller
  let branches = 0

  const newCaller = () => RawCaller.of(peer, bob)

  beforeEach(async () => {
    clock = new FakeClock()
    peer = await RawPeer.open()
    bob = await Party.open('bob', { clock })
    caller = newCaller()
  })
  afterEach(() => Promise.all([peer.close(), bob.close()]))

  /** The peer's call, answered, without its ACK. */
  const answered = (parts: Parameters<RawCaller['send']>[1] = {}): Promise<SipDialog> => caller.answeredBy(bob, parts)

  const established = (): Promise<SipDialog> => caller.establishedWith(bob)

  /** Our call, answered with this To tag ('' for none), acknowledged. */
  async function placed(toTag: string) {
    const { outcome } = bob.call(peer.uri)
    const invite = await peer.requests.next()
    peer.answer(invite, 200, { toTag, body: SDP })
    const result = await outcome
    assert.ok(result.kind === 'answered')
    const ack = await peer.requests.next()
    assert.equal(ack.message.method, 'ACK')
    return { invite, ack, dialog: result.dialog }
  }

  /** A request of the one we have called, in our dialog. */
  const callees = (dialog: SipDialog, method: string, parts: { tag?: string; body?: string; cseq?: number } = {}) =>
    requestText({
      method,
      uri: bob.address,
      via: peer.via(`callee${++branches}`),
      from: `<${peer.uri}>${parts.tag === undefined ? '' : `;tag=${parts.tag}`}`,
      to: `<sip:bob@example.com>;tag=${dialog.localTag}`,
      callId: dialog.sipCallId,
      cseq: `${parts.cseq ?? 1} ${method}`,
      ...(parts.body === undefined ? {} : { body: parts.body }),
    }).replace('sip:alice@192.0.2.1:5060', peer.uri)

  describe('sends UPDATE before the answer', () => {
    it('as the caller: 200 without an offer, and requests go to its new Contact; 500 with one (RFC 3311 5.2)', async () => {
      const moved = await RawPeer.open()
      caller.send('INVITE', { body: SDP })
      const invite = await bob.invites.next()
      invite.progress(180)
      const ringing = await peer.responses.next().then(() => peer.responses.next())
      caller.toTag = ringing.message.toTag
      assert.equal((await caller.ask('UPDATE', { body: SDP })).status, 500)
      const ok = await caller.ask('UPDATE', { contact: moved.uri })
      assert.equal(ok.status, 200)
      assert.equal(ok.header('contact'), `<${bob.agent.contactUri}>`)
      const dialog = invite.accept({ body: ANSWER })
      const acknowledged = called(dialog.handlers, 'acknowledged')
      caller.send('ACK', { cseq: 1, toTag: dialog.localTag })
      await acknowledged
      const info = dialog.request('INFO')
      moved.answer(await moved.requests.next(), 200)
      assert.equal((await info).status, 200)
      await moved.close()
    })

    it('as the called one: 200 without an offer, 491 with one, also to a re-INVITE', async () => {
      const { outcome, progress } = bob.call(peer.uri)
      const invite = await peer.requests.next()
      peer.answer(invite, 180, { toTag: 'early' })
      await progress.next()
      const early = { localTag: invite.message.fromTag, sipCallId: invite.message.callId } as SipDialog
      const { port } = bob.endpoint.local
      const ask = async (method: string, cseq: number, body?: string) =>
        (await peer.ask(callees(early, method, { tag: 'early', cseq, ...(body ? { body } : {}) }), port)).status
      assert.equal(await ask('UPDATE', 1), 200)
      assert.equal(await ask('UPDATE', 2, SDP), 491)
      assert.equal(await ask('INVITE', 3, SDP), 491)
      peer.send(callees(early, 'ACK', { tag: 'early', cseq: 3 }), port)
      peer.answer(invite, 200, { toTag: 'early', body: SDP })
      assert.equal((await outcome).kind, 'answered')
    })
  })

  describe('sends the same Call-ID, From tag and CSeq with another branch (RFC 3261 8.2.2.2)', () => {
    const again = (branch: string) => caller.send('INVITE', { body: SDP, cseq: 1, toTag: '', branch })

    it('gets 482 while the first one is ongoing, and until a refusal has its ACK', async () => {
      caller.send('INVITE', { body: SDP, branch: 'merge-1' })
      const invite = await bob.invites.next()
      again('merge-2')
      assert.equal((await caller.final('INVITE')).status, 482)
      invite.reject(488)
      assert.equal((await caller.final('INVITE')).status, 488)
      again('merge-3')
      assert.equal((await caller.final('INVITE')).status, 482)
    })

    it('makes a new call after a refusal, or a CANCEL, and its ACK', async () => {
      for (const end of ['488', 'CANCEL']) {
        caller = newCaller()
        const branch = `first${end}`
        caller.send('INVITE', { body: SDP, branch })
        const invite = await bob.invites.next()
        if (end === '488') invite.reject(488)
        else caller.send('CANCEL', { branch, cseq: 1 })
        const final = await caller.final('INVITE')
        caller.send('ACK', { branch, cseq: 1 })
        again(`second${end}`)
        const second = await bob.invites.next()
        assert.equal(second.request.callId, invite.request.callId, `after ${final.status}`)
        // The end of the first transaction's timers forgets nothing of the second one.
        clock.advance(5_000)
        again(`third${end}`)
        assert.equal((await caller.final('INVITE')).status, 482)
      }
    })

    it('gets 482 while the call stands, and makes a new one after its BYE', async () => {
      const dialog = await established()
      again('while-it-stands')
      assert.equal((await caller.final('INVITE')).status, 482)
      caller.toTag = dialog.localTag
      assert.equal((await caller.ask('BYE')).status, 200)
      again('after-its-end')
      assert.equal((await bob.invites.next()).request.callId, caller.callId)
      // Timer L of the first INVITE forgets nothing of the second one.
      clock.advance(32_000)
      again('beside-it')
      assert.equal((await caller.final('INVITE')).status, 482)
    })

    it('gets the same answer again to OPTIONS, because the first one is over', async () => {
      for (const branch of ['one', 'two']) {
        assert.equal((await caller.ask('OPTIONS', { cseq: 7, branch })).status, 200)
      }
    })
  })

  describe('leaves out a tag', () => {
    it('in its ACK: it stops our 200 all the same', async () => {
      const dialog = await answered()
      const acknowledged = called(dialog.handlers, 'acknowledged')
      caller.send('ACK', { toTag: '' })
      await acknowledged
    })

    it('in INFO, UPDATE and BYE: they belong to the dialog of its Call-ID and tag, and are answered with our tag', async () => {
      const dialog = await established()
      let infos = 0
      dialog.handlers.request = (incoming) => {
        infos++
        incoming.accept()
      }
      const bye = called(dialog.handlers, 'bye')
      for (const method of ['INFO', 'UPDATE', 'BYE']) {
        const answer = await caller.ask(method, { toTag: '' })
        assert.deepEqual([answer.status, answer.toTag], [200, dialog.localTag], method)
      }
      assert.equal(infos, 1)
      await bye
      assert.equal((await caller.ask('BYE', { toTag: '' })).status, 481, 'there is no dialog any more')
    })

    it('in these, of another Call-ID or with another From tag: 481', async () => {
      await established()
      assert.equal((await caller.ask('BYE', { toTag: '', fromTag: 'foreign' })).status, 481)
      assert.equal((await newCaller().ask('BYE', { toTag: '' })).status, 481)
    })

    it('in its 2xx: the tag is null, and none of our requests has one (RFC 3261 12.1.2, 12.2.1.1)', async () => {
      const { invite, ack, dialog } = await placed('')
      assert.equal(dialog.remoteTag, '')
      assert.equal(ack.message.header('to'), `<${peer.uri}>`)
      peer.answer(invite, 200, { toTag: '', body: SDP })
      assert.equal((await peer.requests.next()).text, ack.text, 'a repeated 2xx is acknowledged again')
      const reinvite = dialog.reinvite(OFFER)
      const second = await peer.requests.next()
      assert.equal(second.message.header('to'), `<${peer.uri}>`)
      peer.answer(second, 200, { toTag: '', body: SDP })
      assert.equal((await peer.requests.next()).message.method, 'ACK')
      assert.equal((await reinvite).status, 200)
      const bye = dialog.bye()
      const last = await peer.requests.next()
      assert.deepEqual([last.message.method, last.message.header('to')], ['BYE', `<${peer.uri}>`])
      peer.answer(last, 200, { toTag: '' })
      assert.equal((await bye).status, 200)
    })

    it('in its 2xx, and then has one or none in its own requests: they belong to the dialog', async () => {
      const { port } = bob.endpoint.local
      for (const tag of [undefined, 'late']) {
        const { dialog } = await placed('')
        dialog.handlers.request = (offer) => offer.accept({ body: ANSWER })
        const told = called(dialog.handlers, 'bye')
        const of = { ...(tag ? { tag } : {}) }
        assert.equal((await peer.ask(callees(dialog, 'INVITE', { ...of, body: SDP }), port)).status, 200)
        peer.send(callees(dialog, 'ACK', of), port)
        const answer = await peer.ask(callees(dialog, 'BYE', { ...of, cseq: 2 }), port)
        assert.equal(answer.status, 200)
        await told
      }
    })
  })

  it('has another From tag than the one of the dialog gets 481 (RFC 3261 12.2.2)', async () => {
    const dialog = await established()
    for (const method of ['BYE', 'INFO', 'UPDATE', 'OPTIONS', 'INVITE']) {
      const answer = await caller.ask(method, { fromTag: 'foreign', ...(method === 'INVITE' ? { body: SDP } : {}) })
      assert.equal(answer.status, 481, method)
    }
    const { dialog: ours } = await placed('callee')
    const { port } = bob.endpoint.local
    assert.equal((await peer.ask(callees(ours, 'BYE', { tag: 'foreign' }), port)).status, 481)
    assert.equal((await caller.ask('OPTIONS')).status, 200, 'the dialog stands')
    assert.equal(dialog.remoteTag, 'caller')
  })

  describe('sends a body without Content-Type', () => {
    const untyped = (text: string) => text.replace('Content-Type: application/sdp\r\n', '')
    const send = (method: string, body: string) =>
      peer.send(untyped(caller.text(method, { body })), bob.endpoint.local.port)

    it('in its ACK: it stops our 200, and SDP is read as SDP', async () => {
      for (const [body, type] of [
        [SDP, 'application/sdp'],
        ['hello', 'application/octet-stream'],
      ] as const) {
        caller = newCaller()
        const dialog = await answered({ body: '' })
        const acknowledged = called(dialog.handlers, 'acknowledged')
        if (body !== SDP) caller.toTag = '' // the one is as likely as the other
        send('ACK', body)
        assert.deepEqual(await acknowledged, { contentType: type, content: body })
      }
    })

    it('in re-INVITE and UPDATE: SDP is an offer; in BYE: it ends the call', async () => {
      const dialog = await established()
      const offers: (string | undefined)[] = []
      dialog.handlers.request = (offer) => {
        offers.push(offer.request.body?.contentType)
        offer.accept({ body: ANSWER })
      }
      send('INVITE', SDP)
      assert.equal((await caller.final('INVITE')).status, 200)
      caller.send('ACK')
      send('UPDATE', SDP)
      assert.equal((await caller.final('UPDATE')).status, 200)
      assert.deepEqual(offers, ['application/sdp', 'application/sdp'])
      send('UPDATE', 'hello')
      assert.equal((await caller.final('UPDATE')).status, 415)
      const bye = called(dialog.handlers, 'bye')
      send('BYE', 'hello')
      assert.equal((await caller.final('BYE')).status, 200)
      await bye
    })

    it('in its INVITE: SDP is read, anything else is 400', async () => {
      send('INVITE', 'hello')
      assert.equal((await caller.final('INVITE')).status, 400)
      caller = newCaller()
      send('INVITE', SDP)
      assert.equal((await bob.invites.next()).request.body?.contentType, 'application/sdp')
    })

    it('in its 2xx: SDP is read', async () => {
      const { outcome } = bob.call(peer.uri)
      const invite = await peer.requests.next()
      const lines = ['SIP/2.0 200 OK', `Via: ${invite.message.header('via')}`, `Contact: <${peer.uri}>`]
      for (const name of ['From', 'Call-ID', 'CSeq']) lines.push(`${name}: ${invite.message.header(name)}`)
      lines.push(`To: ${invite.message.header('to')};tag=raw`, `Content-Length: ${SDP.length}`, '', SDP)
      peer.send(lines.join('\r\n'), bob.endpoint.local.port)
      const { response } = await outcome
      assert.deepEqual(!isLocal(response) && response.body, { contentType: 'application/sdp', content: SDP })
    })
  })

  describe('asks for credentials', () => {
    beforeEach(async () => {
      await bob.close()
      bob = await Party.open('bob', {
        clock,
        agent: {
          authenticator: {
            answer: (challenges) =>
              challenges.map(({ realm, status }) => [status === 407 ? 'Proxy-Authorization' : 'Authorization', realm]),
          },
        },
      })
    })

    /** Challenges the next INVITE and gives the one with credentials. */
    async function challenged() {
      const first = await peer.requests.next()
      peer.answer(first, 407, { headers: ['Proxy-Authenticate: Digest realm="p", nonce="n"'] })
      assert.equal((await peer.requests.next()).message.method, 'ACK')
      const second = await peer.requests.next()
      peer.answer(second, 401, { headers: ['WWW-Authenticate: Digest realm="w", nonce="n"'] })
      assert.equal((await peer.requests.next()).message.method, 'ACK')
      return peer.requests.next()
    }

    it('finds those of the INVITE and of the re-INVITE in the ACKs to their 2xx (RFC 3261 13.2.2.4, 22.1)', async () => {
      const { outcome } = bob.call(peer.uri)
      const acknowledged = async () => {
        peer.answer(await challenged(), 200, { body: SDP })
        const { message } = await peer.requests.next()
        assert.equal(message.method, 'ACK')
        assert.deepEqual([message.headers('proxy-authorization'), message.headers('authorization')], [['p'], ['w']])
      }
      await acknowledged()
      const result = await outcome
      assert.ok(result.kind === 'answered')
      const reinvite = result.dialog.reinvite(OFFER)
      await acknowledged()
      assert.equal((await reinvite).status, 200)
    })

    it('finds those of the INVITE in the ACK to the 2xx of another fork', async () => {
      bob.call(peer.uri)
      const invite = await challenged()
      for (const toTag of ['one', 'two']) {
        peer.answer(invite, 200, { toTag, body: SDP })
        const { message } = await peer.requests.next()
        assert.deepEqual([message.method, message.headers('proxy-authorization')], ['ACK', ['p']], toTag)
      }
    })
  })

  describe('sends a re-INVITE at once', () => {
    it('as the called one, right after its 200: it is answered', async () => {
      const handlers: SipDialog['handlers'] = { request: (offer) => offer.accept({ body: ANSWER }) }
      bob.agent.invite(
        { target: peer.uri, body: OFFER, sipCallId: 'at-once@test' },
        {
          progress() {},
          failed() {},
          answered(dialog) {
            dialog.handlers = handlers
          },
        },
      )
      const invite = await peer.requests.next()
      const dialog = { localTag: invite.message.fromTag, sipCallId: 'at-once@test' } as SipDialog
      peer.answer(invite, 200, { body: SDP })
      const answer = await peer.ask(callees(dialog, 'INVITE', { tag: 'raw', body: SDP }), bob.endpoint.local.port)
      assert.equal(answer.status, 200)
      assert.equal((await peer.requests.next()).message.method, 'ACK')
    })

    it('as the called one, before its 200 has come: 491, which it tries again (14.2)', async () => {
      const { outcome } = bob.call(peer.uri)
      const invite = await peer.requests.next()
      const dialog = { localTag: invite.message.fromTag, sipCallId: invite.message.callId } as SipDialog
      const answer = await peer.ask(callees(dialog, 'INVITE', { tag: 'raw', body: SDP }), bob.endpoint.local.port)
      assert.equal(answer.status, 491)
      peer.answer(invite, 200, { body: SDP })
      assert.equal((await outcome).kind, 'answered')
    })

    it('as the called one, after it has refused: 481, because the INVITE is over', async () => {
      const { outcome } = bob.call(peer.uri)
      const invite = await peer.requests.next()
      const dialog = { localTag: invite.message.fromTag, sipCallId: invite.message.callId } as SipDialog
      peer.answer(invite, 486)
      assert.equal((await outcome).kind, 'failed')
      const answer = await peer.ask(callees(dialog, 'INVITE', { tag: 'raw', body: SDP }), bob.endpoint.local.port)
      assert.equal(answer.status, 481)
    })

    it('as the caller, before its ACK: it is answered, and both ACKs are taken in whatever order', async () => {
      for (const order of [
        [1, 2],
        [2, 1],
        [2], // the first one is lost
      ]) {
        caller = newCaller()
        const dialog = await answered()
        dialog.handlers.request = (offer) => offer.accept({ body: ANSWER })
        assert.equal((await caller.ask('INVITE', { body: SDP })).status, 200)
        const acknowledged = called(dialog.handlers, 'acknowledged')
        for (const cseq of order) caller.send('ACK', { cseq })
        await acknowledged
        const bye = dialog.bye()
        peer.answer(await peer.requests.next(), 200)
        assert.equal((await bye).status, 200)
      }
    })

    it('as the caller, without an offer in its INVITE, before the ACK that brings its answer: 500 with Retry-After (RFC 6337 4.3)', async () => {
      const dialog = await answered({ body: '' })
      dialog.handlers.request = (offer) => offer.accept({ body: ANSWER })
      const early = await caller.ask('INVITE', { body: SDP })
      assert.deepEqual([early.status, early.header('retry-after') !== undefined], [500, true])
      caller.send('ACK', { cseq: 2 })
      const acknowledged = called(dialog.handlers, 'acknowledged')
      caller.send('ACK', { cseq: 1, body: SDP })
      await acknowledged
      assert.equal((await caller.ask('INVITE', { body: SDP })).status, 200)
    })
  })
})
