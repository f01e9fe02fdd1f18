/** RFC 3261 17.1.3, 18.1.2, 8.1.3.3: a response belongs to a request by its Via and method, and to nothing else that it resembles. */
import assert from 'node:assert/strict'
import type { ParsedRequest } from '../../../src/sip/message/parsed-message.js'
import { FakeClock } from '../../support/fake-clock.js'
import { RawPeer, type Received } from '../../support/raw-peer.js'
import { heard, settled } from '../../support/settled.js'
import { SDP } from '../../support/sip-messages.js'
import { OFFER, Party } from '../../support/sip-parties.js'

/** What is wrong, and how the text of a right response becomes so. */
const FORGERIES: Record<string, (text: string) => string> = {
  'an unknown branch': (text) => text.replace(/;branch=z9hG4bK[^;\r]*/, '$&x'),
  'a branch that is the beginning of our branch': (text) => text.replace(/(;branch=z9hG4bK[^;\r]*)[^;\r]/, '$1'),
  'no branch': (text) => text.replace(/;branch=[^;\r]*/, ''),
  'another CSeq method': (text) => text.replace(/(CSeq: \d+) [A-Z]+/, '$1 MESSAGE'),
  'another host in Via': (text) => text.replace(/(Via: SIP\/2.0\/UDP )[^:;]*/, '$1192.0.2.9'),
  'another port in Via': (text) => text.replace(/(Via: SIP\/2.0\/UDP [^:;]*):\d+/, '$1:5099'),
  'a second Via below ours': (text) =>
    text.replace(/Via: .*\r\n/, '$&Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKother\r\n'),
  'a second Via in the line of our Via': (text) =>
    text.replace(/(Via: .*)\r\n/, '$1, SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKo\r\n'),
  'a second Via above ours': (text) => text.replace(/Via: /, 'Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKother\r\n$&'),
  'another CSeq number': (text) => text.replace(/CSeq: (\d+)/, (_, cseq) => `CSeq: ${Number(cseq) + 1}`),
  'another Call-ID': (text) => text.replace(/Call-ID: /, '$&x'),
  'another From tag': (text) => text.replace(/(From: .*;tag=)/, '$1x'),
}

describe('a response that has', () => {
  let peer: RawPeer
  let alice: Party
  let clock: FakeClock

  beforeEach(async () => {
    clock = new FakeClock()
    peer = await RawPeer.open()
    alice = await Party.open('alice', { clock })
  })
  afterEach(() => Promise.all([peer.close(), alice.close()]))

  const forge = (request: Received<ParsedRequest>, forgery: (text: string) => string, statuses: readonly number[]) => {
    for (const status of statuses) {
      const text = peer.answerText(request, status, { toTag: 'forged', ...(status === 200 ? { body: SDP } : {}) })
      assert.notEqual(forgery(text), text)
      peer.send(forgery(text), request.from.port)
    }
  }

  for (const [what, forgery] of Object.entries(FORGERIES)) {
    it(`${what}: the INVITE is repeated as if it had not come, and its own answer is taken`, async () => {
      const { progress, outcome } = alice.call(peer.uri)
      const invite = await peer.requests.next()
      forge(invite, forgery, [100, 180, 200, 407, 486, 603])
      await settled(peer, alice)
      assert.deepEqual([progress.waiting.length, heard(peer, 'ACK'), heard(peer, 'BYE')], [0, 0, 0])
      clock.advance(500)
      assert.equal((await peer.requests.next()).text, invite.text, 'Timer A still runs')
      peer.answer(invite, 200, { body: SDP })
      const result = await outcome
      assert.ok(result.kind === 'answered')
      assert.equal(result.dialog.remoteTag, 'raw')
      assert.equal((await peer.requests.next()).message.toTag, 'raw')
    })

    it(`${what}: a request within a dialog waits for its own answer, and the dialog stands`, async () => {
      const { outcome } = alice.call(peer.uri)
      const invite = await peer.requests.next()
      peer.answer(invite, 200, { body: SDP })
      const result = await outcome
      assert.ok(result.kind === 'answered')
      await peer.requests.next()
      let lost = false
      result.dialog.handlers.lost = () => {
        lost = true
      }
      // After its 2xx the INVITE has no more answers but 2xx of its own.
      forge(invite, forgery, [200])
      const info = result.dialog.request('INFO')
      const asked = await peer.requests.next()
      forge(asked, forgery, [481, 408, 200])
      const reinvite = result.dialog.reinvite(OFFER)
      const invited = await peer.requests.next()
      forge(invited, forgery, [200, 481, 491])
      await settled(peer, alice)
      assert.deepEqual([lost, peer.requests.waiting.length], [false, 0])
      peer.answer(asked, 415)
      assert.equal((await info).status, 415)
      peer.answer(invited, 488)
      assert.equal((await reinvite).status, 488)
    })
  }
})

describe('a response that is right', () => {
  let peer: RawPeer
  let alice: Party

  beforeEach(async () => {
    peer = await RawPeer.open()
    alice = await Party.open('alice', { clock: new FakeClock() })
  })
  afterEach(() => Promise.all([peer.close(), alice.close()]))

  it('is taken from another address than the one that was asked: its Via says what it answers (RFC 3261 18.1.2)', async () => {
    const elsewhere = await RawPeer.open('127.0.0.3')
    const { progress, outcome } = alice.call(peer.uri)
    const invite = await peer.requests.next()
    elsewhere.answer(invite, 180, { contact: peer.uri })
    assert.deepEqual((await progress.next()).source, { protocol: 'udp', host: elsewhere.host, port: elsewhere.port })
    elsewhere.answer(invite, 200, { contact: peer.uri, body: SDP })
    const result = await outcome
    assert.ok(result.kind === 'answered')
    assert.equal((await peer.requests.next()).message.method, 'ACK')
    const info = result.dialog.request('INFO')
    elsewhere.answer(await peer.requests.next(), 200)
    assert.equal((await info).status, 200)
    await elsewhere.close()
  })

  it('is taken once: a second final answer of another status changes nothing (17.1.1.2, 17.1.2.2)', async () => {
    const ends: (number | string)[] = []
    alice.agent.invite(
      { target: peer.uri, body: OFFER, sipCallId: 'twice@test' },
      { progress() {}, answered: () => ends.push('answered'), failed: ({ status }) => ends.push(status) },
    )
    const invite = await peer.requests.next()
    for (const status of [486, 603, 180, 486]) peer.answer(invite, status)
    await settled(peer, alice)
    assert.deepEqual(ends, [486])

    const asked = alice.agent.request({ method: 'OPTIONS', target: peer.uri, sipCallId: 'options@test', cseq: 1 })
    while (peer.requests.waiting.at(-1)?.message.method !== 'OPTIONS') await peer.everything.next()
    const options = peer.requests.waiting.at(-1)
    assert.ok(options)
    for (const status of [404, 200]) peer.answer(options, status)
    assert.equal((await asked).response.status, 404)
  })

  it('is taken with its Via in a shorter form, other white space and case (7.3.1)', async () => {
    const { outcome } = alice.call(peer.uri)
    const invite = await peer.requests.next()
    const text = peer
      .answerText(invite, 486)
      .replace(/^Via: SIP\/2.0\/UDP /m, 'v:  sip / 2.0 / udp   ')
      .replace(';branch=', ' ; Branch = ')
      .replace('CSeq: 1 INVITE', 'cseq:   1    INVITE')
      .replace('Call-ID:', 'i :')
    peer.send(text, invite.from.port)
    assert.equal((await outcome).response.status, 486)
  })
})
