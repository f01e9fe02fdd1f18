/** RFC 3261 12.2.1.2, 12.2.2, RFC 3311 5, RFC 6141 4: what moves the remote target of a dialog, and what does not. Both roles. */
import assert from 'node:assert/strict'
import type { SipDialog } from '../../../src/sip/types.js'
import { FakeClock } from '../../support/fake-clock.js'
import { RawCaller } from '../../support/raw-call.js'
import { RawFork } from '../../support/raw-fork.js'
import { RawPeer } from '../../support/raw-peer.js'
import { SDP } from '../../support/sip-messages.js'
import { ANSWER, OFFER, Party } from '../../support/sip-parties.js'
import { called } from '../../support/wait.js'

/** The peer's side of the dialog, whichever role it has. */
interface PeerSide {
  ask(
    method: string,
    parts?: { contact?: string; body?: string; headers?: readonly string[] },
  ): Promise<{ status: number }>
  send(method: string, parts?: { cseq?: number }): void
  cseq: number
}

for (const role of ['caller', 'callee'] as const) {
  describe(`the remote target, with the peer as ${role},`, () => {
    let peer: RawPeer
    let bob: Party
    let dialog: SipDialog
    let side: PeerSide
    let moves = 0

    beforeEach(async () => {
      peer = await RawPeer.open()
      bob = await Party.open('bob', { clock: new FakeClock() })
      if (role === 'caller') {
        const caller = RawCaller.of(peer, bob)
        dialog = await caller.establishedWith(bob)
        side = caller
      } else {
        const { outcome } = bob.call(peer.uri)
        const fork = new RawFork(peer, await peer.requests.next(), { tag: 'callee', contact: peer.uri })
        fork.answer(200, { body: SDP })
        const result = await outcome
        assert.ok(result.kind === 'answered')
        dialog = result.dialog
        assert.equal((await peer.requests.next()).message.method, 'ACK')
        side = fork
      }
    })
    afterEach(() => Promise.all([peer.close(), bob.close()]))

    const newContact = () => `sip:moved${++moves}@127.0.0.1:${peer.port}`

    /** Where our next request goes. */
    async function target(): Promise<string> {
      const info = dialog.request('INFO')
      const received = await peer.requests.next()
      assert.equal(received.message.method, 'INFO')
      peer.answer(received, 200, { contact: 'sip:not-a-refresh@192.0.2.1' })
      assert.equal((await info).status, 200)
      return received.message.uri.text
    }

    it('moves with the peer’s re-INVITE and UPDATE that are taken', async () => {
      dialog.handlers.request = (offer) => offer.accept({ body: ANSWER })
      for (const [method, body] of [
        ['INVITE', SDP],
        ['UPDATE', SDP],
        ['UPDATE', ''],
      ] as const) {
        const contact = newContact()
        assert.equal((await side.ask(method, { contact, body })).status, 200)
        if (method === 'INVITE') side.send('ACK', { cseq: side.cseq })
        assert.equal(await target(), contact, method)
      }
    })

    for (const method of ['INVITE', 'UPDATE']) {
      it(`stays where ${method} is refused`, async () => {
        const before = await target()
        dialog.handlers.request = (offer) => offer.reject(488)
        assert.equal((await side.ask(method, { contact: newContact(), body: SDP })).status, 488)
        assert.equal(await target(), before)
      })
    }

    it('stays while a re-INVITE has no answer, and moves with its 2xx', async () => {
      const before = await target()
      const contact = newContact()
      const offered = called(dialog.handlers, 'request')
      const answer = side.ask('INVITE', { contact, body: SDP })
      const offer = await offered
      const info = dialog.request('INFO')
      const received = await peer.requests.next()
      assert.equal(received.message.uri.text, before)
      peer.answer(received, 200)
      assert.equal((await info).status, 200)
      offer.accept({ body: ANSWER })
      assert.equal((await answer).status, 200)
      side.send('ACK', { cseq: side.cseq })
      assert.equal(await target(), contact)
    })

    it('stays with INFO, OPTIONS, MESSAGE and NOTIFY, whatever Contact they carry', async () => {
      bob.request = () => 200
      const before = await target()
      for (const method of ['INFO', 'OPTIONS', 'MESSAGE', 'NOTIFY']) {
        const headers = method === 'NOTIFY' ? ['Event: x', 'Subscription-State: active'] : []
        await side.ask(method, { contact: newContact(), headers })
        assert.equal(await target(), before, method)
      }
    })

    for (const [method, status, isMove] of [
      ['INVITE', 200, true],
      ['INVITE', 488, false],
      ['UPDATE', 200, true],
      ['UPDATE', 488, false],
    ] as const) {
      it(`${isMove ? 'moves' : 'stays'} with a ${status} to our ${method}`, async () => {
        const before = await target()
        const contact = newContact()
        const asked = method === 'INVITE' ? dialog.reinvite(OFFER) : dialog.request(method)
        peer.answer(await peer.requests.next(), status, { contact, body: method === 'INVITE' && isMove ? SDP : '' })
        assert.equal((await asked).status, status)
        if (method === 'INVITE') {
          const ack = (await peer.requests.next()).message
          assert.deepEqual([ack.method, ack.uri.text], ['ACK', isMove ? contact : before])
        }
        assert.equal(await target(), isMove ? contact : before)
      })
    }

    it('stays where the 2xx to our re-INVITE has no Contact', async () => {
      const before = await target()
      const asked = dialog.reinvite(OFFER)
      peer.answer(await peer.requests.next(), 200, { contact: false, body: SDP })
      assert.equal((await asked).status, 200)
      assert.equal((await peer.requests.next()).message.uri.text, before)
      assert.equal(await target(), before)
    })
  })
}
