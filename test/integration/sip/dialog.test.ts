import assert from 'node:assert/strict'
import type { ParsedRequest } from '../../../src/sip/message/parsed-message.js'
import { T1, TRANSACTION_MS } from '../../../src/sip/transaction/timers.js'
import { type IncomingRequest, isLocal, type SipDialog } from '../../../src/sip/types.js'
import { FakeClock } from '../../support/fake-clock.js'
import { RawPeer, type Received } from '../../support/raw-peer.js'
import { requestText, SDP } from '../../support/sip-messages.js'
import { ANSWER, answerBy, establish, OFFER, Party } from '../../support/sip-parties.js'
import { called } from '../../support/wait.js'

const nextOffer = (dialog: SipDialog): Promise<IncomingRequest> => called(dialog.handlers, 'request')

describe('a dialog between two endpoints', () => {
  let alice: Party
  let bob: Party
  let callerDialog: SipDialog
  let calleeDialog: SipDialog

  beforeEach(async () => {
    ;[alice, bob] = await Promise.all([Party.open('alice'), Party.open('bob')])
    ;({ callerDialog, calleeDialog } = await establish(alice, bob))
  })

  afterEach(() => Promise.all([alice.close(), bob.close()]))

  it('carries re-INVITEs both ways, each acknowledged', async () => {
    for (const [asks, answers] of [
      [callerDialog, calleeDialog],
      [calleeDialog, callerDialog],
    ] as const) {
      const offered = nextOffer(answers)
      const acknowledged = called(answers.handlers, 'acknowledged')
      const result = asks.reinvite(OFFER)
      const offer = await offered
      assert.deepEqual([offer.request.method, offer.request.body?.content], ['INVITE', OFFER.content])
      offer.accept({ body: ANSWER })
      const response = await result
      assert.ok(!isLocal(response))
      assert.deepEqual([response.status, response.body?.content], [200, ANSWER.content])
      await acknowledged
    }
  })

  it('refuses a re-INVITE where nobody takes it, and lives on', async () => {
    assert.equal((await callerDialog.reinvite(OFFER)).status, 488)
    const offered = nextOffer(calleeDialog)
    const again = callerDialog.reinvite(OFFER)
    ;(await offered).reject(491, { headers: [['Retry-After', '1']] })
    assert.equal((await again).status, 491)
    assert.equal((await callerDialog.bye()).status, 200)
  })

  it('answers 491 where re-INVITEs cross (RFC 3261 14.2)', async () => {
    const both = await Promise.all([callerDialog.reinvite(OFFER), calleeDialog.reinvite(OFFER)])
    assert.deepEqual(
      both.map((r) => r.status),
      [491, 491],
    )
  })

  it('lets nobody start a re-INVITE within another', async () => {
    const offered = nextOffer(calleeDialog)
    const first = callerDialog.reinvite(OFFER)
    await assert.rejects(callerDialog.reinvite(OFFER), { code: 'WRONG_STATE' })
    ;(await offered).accept({ body: ANSWER })
    await first
  })

  it('answers a re-INVITE without offer with our own offer, and hands on the answer in the ACK', async () => {
    const offered = nextOffer(calleeDialog)
    const result = callerDialog.reinvite({ contentType: 'application/sdp', content: '' })
    const offer = await offered
    assert.equal(offer.request.body, undefined)
    offer.accept({ body: ANSWER })
    assert.equal((await result).status, 200)
  })

  it('ends a pending re-INVITE with 487 when it is hung up', async () => {
    const offered = nextOffer(calleeDialog)
    const reinvite = callerDialog.reinvite(OFFER)
    const offer = await offered
    assert.equal((await callerDialog.bye()).status, 200)
    assert.equal((await reinvite).status, 487)
    offer.accept({ body: ANSWER }) // too late, and ignored
  })

  it('carries UPDATE', async () => {
    const offered = nextOffer(calleeDialog)
    const result = callerDialog.update(OFFER)
    const offer = await offered
    assert.equal(offer.request.method, 'UPDATE')
    offer.accept({ body: ANSWER })
    const response = await result
    assert.ok(!isLocal(response))
    assert.deepEqual([response.status, response.body?.content], [200, ANSWER.content])
    assert.equal(response.header('contact'), `<${bob.agent.contactUri}>`)
  })

  it('carries INFO, OPTIONS and MESSAGE', async () => {
    const body = { contentType: 'application/dtmf-relay', content: 'Signal=5\r\nDuration=160\r\n' }
    assert.equal((await callerDialog.request('INFO', { body })).status, 200)
    calleeDialog.handlers.request = (incoming) =>
      answerBy(incoming, incoming.request.body?.content === body.content ? 200 : 415)
    assert.equal((await callerDialog.request('INFO', { body })).status, 200)
    assert.equal((await callerDialog.request('INFO')).status, 415)
    assert.equal((await callerDialog.request('OPTIONS')).status, 200)
    assert.equal((await callerDialog.request('MESSAGE')).status, 405)
    bob.request = () => 200
    assert.equal((await callerDialog.request('MESSAGE')).status, 200)
    // RFC 6665 4.5.2: no subscription shares a dialog.
    assert.equal((await callerDialog.request('SUBSCRIBE')).status, 489)
  })

  it('survives handlers that break', async () => {
    calleeDialog.handlers = {
      request() {
        throw new Error('broken')
      },
      bye() {
        throw new Error('broken')
      },
    }
    assert.equal((await callerDialog.request('INFO')).status, 500)
    assert.equal((await callerDialog.reinvite(OFFER)).status, 500)
    assert.equal((await callerDialog.bye()).status, 200)
  })

  it('gives 200 to both BYEs that cross, and tells no bye to those who hung up themselves', async () => {
    let told = 0
    callerDialog.handlers.bye = () => told++
    calleeDialog.handlers.bye = () => told++
    const both = await Promise.all([callerDialog.bye(), calleeDialog.bye()])
    assert.deepEqual([...both.map((r) => r.status), told], [200, 200, 0])
  })

  it('hangs up once, and sends nothing after that', async () => {
    const byes = await Promise.all([callerDialog.bye(), callerDialog.bye()])
    assert.equal(byes[0], byes[1])
    assert.equal(alice.lines('out').filter((line) => line.startsWith('BYE')).length, 1)
    assert.deepEqual(await callerDialog.request('INFO'), { status: 503, reason: 'Dialog has ended', local: true })
    assert.equal((await callerDialog.reinvite(OFFER)).status, 503)
    assert.equal((await calleeDialog.bye()).status, 503)
  })

  it('refuses headers that would inject others', async () => {
    await assert.rejects(callerDialog.request('INFO', { headers: [['X', 'a\nb']] }), { code: 'BAD_HEADER' })
    await assert.rejects(callerDialog.bye({ headers: [['Via', 'x']] }), { code: 'BAD_HEADER' })
  })
})

describe('a dialog with a peer that says what the test wants', () => {
  let peer: RawPeer
  let bob: Party
  let clock: FakeClock

  beforeEach(async () => {
    clock = new FakeClock()
    peer = await RawPeer.open()
    bob = await Party.open('bob', { clock })
  })

  afterEach(() => Promise.all([peer.close(), bob.close()]))

  const port = () => bob.endpoint.local.port
  let branches = 0
  let cseq = 1

  const request = (method: string, dialog?: SipDialog, more: { headers?: string[]; cseq?: number } = {}): string =>
    requestText({
      method,
      uri: bob.address,
      via: peer.via(`d${++branches}`),
      callId: dialog?.sipCallId ?? `dialog${branches}@test`,
      to: dialog ? `<sip:bob@example.com>;tag=${dialog.localTag}` : '<sip:bob@example.com>',
      cseq: `${more.cseq ?? ++cseq} ${method}`,
      ...(method === 'INVITE' ? { body: SDP } : {}),
      ...(more.headers ? { headers: more.headers } : {}),
    }).replace('<sip:alice@192.0.2.1:5060>', `<${peer.uri}>`)

  /** The peer has called, and has its 200 but has sent no ACK. */
  async function answered(headers: string[] = []) {
    const inviteCseq = ++cseq
    await peer.ask(request('INVITE', undefined, { headers, cseq: inviteCseq }), port())
    const dialog = (await bob.invites.next()).accept({ body: ANSWER })
    await peer.responses.next()
    const ack = () => peer.send(request('ACK', dialog, { cseq: inviteCseq }), port())
    return { dialog, ack }
  }

  async function established(headers: string[] = []) {
    const { dialog, ack } = await answered(headers)
    const acknowledged = called(dialog.handlers, 'acknowledged')
    ack()
    await acknowledged
    return dialog
  }

  it('waits with BYE for the ACK (RFC 3261 15)', async () => {
    const { dialog, ack } = await answered()
    const bye = dialog.bye()
    assert.equal((await peer.ask(request('OPTIONS'), port())).status, 200)
    assert.equal(peer.requests.waiting.length, 0)
    ack()
    const received = await peer.requests.next()
    assert.equal(received.message.method, 'BYE')
    peer.answer(received, 200)
    assert.equal((await bye).status, 200)
  })

  it('keeps the order of Record-Route, and sends to the first (RFC 3261 12.1.1)', async () => {
    const hops = [`<sip:127.0.0.1:${peer.port};lr>`, '<sip:far.example.com;lr>']
    const dialog = await established([`Record-Route: ${hops.join(', ')}`])
    const bye = dialog.bye()
    const received = await peer.requests.next()
    assert.deepEqual(received.message.headers('route'), hops)
    assert.equal(received.message.uri.text, peer.uri)
    peer.answer(received, 200)
    await bye
  })

  it('answers 500 to a request that is out of order, and takes the next', async () => {
    const dialog = await established()
    assert.equal((await peer.ask(request('INFO', dialog, { cseq: 1 }), port())).status, 500)
    assert.equal((await peer.ask(request('UPDATE', dialog, { cseq: 1 }), port())).status, 500)
    assert.equal((await peer.ask(request('INFO', dialog), port())).status, 200)
  })

  it('says what it takes with 405 and 415 (RFC 3261 21.4.6, 21.4.13)', async () => {
    const dialog = await established()
    dialog.handlers.request = (incoming) => incoming.reject(415)
    for (const method of ['PUBLISH', 'MESSAGE']) {
      const refused = await peer.ask(request(method, dialog), port())
      assert.equal(refused.status, 405)
      assert.match(refused.header('allow') ?? '', /INVITE, ACK, CANCEL, BYE/, method)
    }
    const refused = await peer.ask(request('INFO', dialog), port())
    assert.deepEqual([refused.status, refused.header('accept')], [415, 'application/dtmf-relay, application/dtmf'])
  })

  it('moves with the Contact of re-INVITE and UPDATE', async () => {
    const dialog = await established()
    dialog.handlers.request = (offer) => offer.accept({ body: ANSWER })
    for (const method of ['INVITE', 'UPDATE']) {
      const moved = await RawPeer.open()
      await peer.ask(request(method, dialog).replace(`<${peer.uri}>`, `<${moved.uri}>`), port())
      peer.send(request('ACK', dialog, { cseq }), port())
      const info = dialog.request('INFO')
      moved.answer(await moved.requests.next(), 200)
      assert.equal((await info).status, 200)
      await moved.close()
    }
  })

  it('moves with the Contact of the 2xx to our re-INVITE, and the ACK goes there', async () => {
    const dialog = await established()
    const moved = await RawPeer.open()
    const result = dialog.reinvite(OFFER)
    peer.answer(await peer.requests.next(), 200, { contact: moved.uri, body: SDP })
    assert.equal((await moved.requests.next()).message.method, 'ACK')
    assert.equal((await result).status, 200)
    clock.advance(200_000) // nothing is left that would give the re-INVITE up
    const info = dialog.request('INFO')
    const next = await moved.requests.next()
    assert.equal(next.message.method, 'INFO')
    moved.answer(next, 200)
    assert.equal((await info).status, 200)
    await moved.close()
  })

  it('answers an UPDATE without an offer itself, and 491 to one that crosses a re-INVITE', async () => {
    const dialog = await established()
    dialog.handlers.request = () => assert.fail('there is no offer')
    const answer = await peer.ask(request('UPDATE', dialog), port())
    assert.deepEqual([answer.status, answer.body], [200, ''])
    const reinvite = dialog.reinvite(OFFER)
    const ours = await peer.requests.next()
    assert.equal((await peer.ask(request('UPDATE', dialog), port())).status, 491)
    peer.answer(ours, 200, { body: SDP })
    assert.equal((await reinvite).status, 200)
  })

  it('takes a second re-INVITE while the first waits with 500 and Retry-After', async () => {
    const dialog = await established()
    const offered = nextOffer(dialog)
    await peer.ask(request('INVITE', dialog), port())
    const offer = await offered
    const second = await peer.ask(request('INVITE', dialog), port())
    assert.deepEqual([second.status, second.header('retry-after') !== undefined], [500, true])
    assert.equal((await peer.ask(request('UPDATE', dialog), port())).status, 500)
    offer.reject(488)
    assert.equal((await peer.responses.next()).message.status, 488)
  })

  it('lets the peer cancel its re-INVITE', async () => {
    const dialog = await established()
    const offered = nextOffer(dialog)
    const reinvite = request('INVITE', dialog)
    await peer.ask(reinvite, port())
    await offered
    peer.send(reinvite.replace(/^INVITE/, 'CANCEL').replace(' INVITE\r', ' CANCEL\r'), port())
    const answers = [(await peer.responses.next()).message, (await peer.responses.next()).message]
    assert.deepEqual(answers.map((a) => [a.status, a.method]).sort(), [
      [200, 'CANCEL'],
      [487, 'INVITE'],
    ])
  })

  it('sends a request again with credentials, CSeq rising', async () => {
    const seen: string[] = []
    await bob.close()
    bob = await Party.open('bob', {
      clock,
      agent: {
        authenticator: {
          answer(challenges, { method }) {
            seen.push(`${method} ${challenges[0]?.realm}`)
            return [['Proxy-Authorization', 'Digest x']]
          },
        },
      },
    })
    const dialog = await established()
    const challenge = { headers: ['Proxy-Authenticate: Digest realm="p", nonce="n"'] }
    const twice = async (answer: (request: Received<ParsedRequest>) => void): Promise<void> => {
      const first = await peer.requests.next()
      peer.answer(first, 407, challenge)
      let second = await peer.requests.next()
      if (second.message.method === 'ACK') second = await peer.requests.next()
      assert.equal(second.message.cseq, first.message.cseq + 1)
      assert.equal(second.message.header('proxy-authorization'), 'Digest x')
      answer(second)
    }
    const info = dialog.request('INFO')
    await twice((request) => peer.answer(request, 200))
    assert.equal((await info).status, 200)
    const reinvite = dialog.reinvite(OFFER)
    await twice((request) => peer.answer(request, 200, { body: SDP }))
    assert.equal((await reinvite).status, 200)
    assert.equal((await peer.requests.next()).message.method, 'ACK')
    const bye = dialog.bye()
    await twice((request) => peer.answer(request, 200))
    assert.equal((await bye).status, 200)
    assert.deepEqual(seen, ['INFO p', 'INVITE p', 'BYE p'])
  })

  it('is lost where the peer knows nothing of it (481), and is told so once', async () => {
    const dialog = await established()
    const lost: number[] = []
    dialog.handlers.lost = (response) => lost.push(response.status)
    const info = dialog.request('INFO')
    peer.answer(await peer.requests.next(), 481)
    assert.equal((await info).status, 481)
    const bye = await peer.requests.next()
    assert.equal(bye.message.method, 'BYE') // RFC 3261 12.2.1.2
    peer.answer(bye, 481)
    assert.equal((await dialog.bye()).status, 481)
    assert.deepEqual(lost, [481])
  })

  it('gives a re-INVITE up where only a provisional response ever comes', async () => {
    const dialog = await established()
    const lost = called(dialog.handlers, 'lost')
    const result = dialog.reinvite(OFFER)
    peer.answer(await peer.requests.next(), 100, { contact: false })
    assert.equal((await peer.ask(request('OPTIONS'), port())).status, 200)
    clock.advance(64_000)
    assert.deepEqual(await result, { status: 408, reason: 'Request Timeout', local: true })
    assert.equal((await lost).status, 408)
  })

  it('ends for those who wait when the endpoint closes', async () => {
    const dialog = await established()
    const info = dialog.request('INFO')
    const reinvite = dialog.reinvite(OFFER)
    await bob.close()
    assert.deepEqual([(await info).status, (await reinvite).status, (await dialog.bye()).status], [503, 503, 503])
    assert.equal(clock.pending, 0)
  })

  describe('when 64*T1 are over', () => {
    it('repeats the 2xx, tells that no ACK came, and can then be ended', async () => {
      const { dialog } = await answered()
      const timeout = called(dialog.handlers, 'ackTimeout')
      clock.advance(T1)
      assert.equal((await peer.responses.next()).message.status, 200)
      clock.advance(TRANSACTION_MS)
      await timeout
      const bye = dialog.bye()
      peer.answer(await peer.requests.next(), 200)
      assert.equal((await bye).status, 200)
    })

    it('ends by itself where nobody listens for the missing ACK', async () => {
      await answered()
      clock.advance(TRANSACTION_MS)
      assert.equal((await peer.requests.next()).message.method, 'BYE')
    })

    it('says nothing of a missing ACK after a BYE', async () => {
      const { dialog } = await answered()
      let timeouts = 0
      dialog.handlers.ackTimeout = () => timeouts++
      const hungUp = called(dialog.handlers, 'bye')
      peer.send(request('BYE', dialog), port())
      await hungUp
      const { dialog: other } = await answered()
      const missed = called(other.handlers, 'ackTimeout')
      clock.advance(TRANSACTION_MS)
      await missed
      assert.equal(timeouts, 0)
    })

    it('tells that no ACK came to the 2xx of a re-INVITE', async () => {
      const dialog = await established()
      dialog.handlers.request = (offer) => offer.accept({ body: ANSWER })
      const timeout = called(dialog.handlers, 'ackTimeout')
      await peer.ask(request('INVITE', dialog), port())
      clock.advance(TRANSACTION_MS)
      await timeout
    })

    it('gives 408 where nobody answers: INVITE (Timer B), other requests (Timer F)', async () => {
      const { outcome } = bob.call(peer.uri)
      clock.advance(TRANSACTION_MS)
      assert.deepEqual((await outcome).response, { status: 408, reason: 'Request Timeout', local: true })
      const dialog = await established()
      const info = dialog.request('INFO')
      clock.advance(TRANSACTION_MS)
      assert.deepEqual(await info, { status: 408, reason: 'Request Timeout', local: true })
    })
  })
})
