/** RFC 3261 14, 22.2: re-INVITEs that cross, and requests within a dialog that are challenged. As caller and as callee. */
import assert from 'node:assert/strict'
import type { ParsedRequest } from '../../../src/sip/message/parsed-message.js'
import type { FinalResponse, SipDialog } from '../../../src/sip/types.js'
import { FakeClock } from '../../support/fake-clock.js'
import { RawCaller } from '../../support/raw-call.js'
import { RawFork } from '../../support/raw-fork.js'
import { RawPeer, type Received } from '../../support/raw-peer.js'
import { heard, settled } from '../../support/settled.js'
import { SDP } from '../../support/sip-messages.js'
import { OFFER, Party } from '../../support/sip-parties.js'
import { toldBy } from '../../support/told-by.js'
import { called } from '../../support/wait.js'

for (const role of ['caller', 'callee'] as const) {
  describe(`a dialog that the peer is the ${role} of`, () => {
    let peer: RawPeer
    let bob: Party
    let dialog: SipDialog
    let side: RawCaller | RawFork
    /** CSeq of our last request within the dialog. */
    let lastCseq: number

    beforeEach(async () => {
      peer = await RawPeer.open()
      const credentials = ({ status, realm }: { status: number; realm: string }) =>
        [status === 407 ? 'Proxy-Authorization' : 'Authorization', `Digest realm="${realm}"`] as const
      bob = await Party.open('bob', {
        clock: new FakeClock(),
        agent: { authenticator: { answer: (challenges) => challenges.map(credentials) } },
      })
      if (role === 'caller') {
        side = RawCaller.of(peer, bob)
        dialog = await side.establishedWith(bob)
      } else {
        const { outcome } = bob.call(peer.uri)
        side = new RawFork(peer, await peer.requests.next(), { tag: 'callee', contact: peer.uri })
        side.answer(200, { body: SDP })
        const result = await outcome
        assert.ok(result.kind === 'answered')
        dialog = result.dialog
        await peer.requests.next() // ACK
      }
      const info = dialog.request('INFO')
      const first = await peer.requests.next()
      lastCseq = first.message.cseq
      peer.answer(first, 200)
      await info
    })
    afterEach(() => Promise.all([peer.close(), bob.close()]))

    it('gives 491 to a re-INVITE that crosses ours, takes 491 to ours, and goes on with the next of either side', async () => {
      const told = toldBy(dialog)
      const ours = dialog.reinvite(OFFER)
      const asked = await peer.requests.next()
      assert.equal((await side.ask('INVITE', { body: SDP })).status, 491)
      side.send('ACK', { cseq: side.cseq })
      assert.equal((await side.ask('UPDATE', { body: SDP })).status, 491)
      peer.answer(asked, 491)
      const ack = (await peer.requests.next()).message
      assert.deepEqual([ack.method, ack.via.branch, ack.cseq], ['ACK', asked.message.via.branch, asked.message.cseq])
      assert.equal((await ours).status, 491)
      assert.deepEqual(told, [])

      assert.equal((await side.ask('INVITE', { body: SDP })).status, 200)
      const acknowledged = called(dialog.handlers, 'acknowledged')
      side.send('ACK', { cseq: side.cseq })
      await acknowledged
      const again = dialog.reinvite(OFFER)
      const second = await peer.requests.next()
      assert.equal(second.message.cseq, asked.message.cseq + 1)
      peer.answer(second, 200, { body: SDP })
      assert.equal((await again).status, 200)
    })

    it('takes INFO and OPTIONS of the peer while our re-INVITE has no answer', async () => {
      const ours = dialog.reinvite(OFFER)
      const asked = await peer.requests.next()
      peer.answer(asked, 100, { contact: false })
      for (const method of ['INFO', 'OPTIONS']) assert.equal((await side.ask(method)).status, 200)
      peer.answer(asked, 200, { body: SDP })
      assert.equal((await ours).status, 200)
    })

    it('ends with the peer’s BYE while our re-INVITE has no answer', async () => {
      const ours = dialog.reinvite(OFFER)
      const asked = await peer.requests.next()
      const bye = called(dialog.handlers, 'bye')
      assert.equal((await side.ask('BYE')).status, 200)
      await bye
      peer.answer(asked, 487)
      assert.ok((await ours).status >= 400)
      await settled(peer, bob)
      assert.deepEqual([heard(peer, 'BYE'), heard(peer, 'ACK', asked.message.via.branch ?? 'a branch')], [0, 1])
    })

    const requests: [method: string, ask: () => Promise<FinalResponse>][] = [
      ['INFO', () => dialog.request('INFO')],
      ['UPDATE', () => dialog.update(OFFER)],
      ['INVITE', () => dialog.reinvite(OFFER)],
      ['BYE', () => dialog.bye()],
    ]
    for (const [method, ask] of requests) {
      it(`sends ${method} again with credentials to 401 and to 407: new branch, CSeq one higher, same tags`, async () => {
        const answer = ask()
        const next = async (cseq: number): Promise<Received<ParsedRequest>> => {
          const received = await peer.requests.next()
          const { message } = received
          assert.deepEqual([message.method, message.cseq], [method, cseq])
          assert.deepEqual([message.fromTag, message.toTag], [dialog.localTag, dialog.remoteTag])
          return received
        }
        /** RFC 3261 17.1.1.3: the ACK to a failure has its CSeq and its branch. */
        const acknowledged = async ({ message }: Received<ParsedRequest>) => {
          if (method !== 'INVITE') return
          const ack = (await peer.requests.next()).message
          assert.deepEqual([ack.method, ack.cseq, ack.via.branch], ['ACK', message.cseq, message.via.branch])
        }
        const first = await next(lastCseq + 1)
        peer.answer(first, 407, { headers: ['Proxy-Authenticate: Digest realm="p", nonce="n"'] })
        await acknowledged(first)
        const second = await next(lastCseq + 2)
        assert.equal(second.message.header('proxy-authorization'), 'Digest realm="p"')
        peer.answer(second, 401, { headers: ['WWW-Authenticate: Digest realm="w", nonce="n"'] })
        await acknowledged(second)
        const third = await next(lastCseq + 3)
        assert.equal(third.message.header('proxy-authorization'), 'Digest realm="p"')
        assert.equal(third.message.header('authorization'), 'Digest realm="w"')
        assert.equal(new Set([first, second, third].map(({ message }) => message.via.branch)).size, 3)
        assert.deepEqual([second.message.body, third.message.body], [first.message.body, first.message.body])
        peer.answer(third, 200, { body: method === 'INVITE' || method === 'UPDATE' ? SDP : '' })
        assert.equal((await answer).status, 200)
        if (method === 'BYE') return
        if (method === 'INVITE') assert.equal((await peer.requests.next()).message.cseq, lastCseq + 3)
        const info = dialog.request('OPTIONS')
        const after = await peer.requests.next()
        assert.equal(after.message.cseq, lastCseq + 4)
        peer.answer(after, 200)
        await info
      })
    }
  })
}
