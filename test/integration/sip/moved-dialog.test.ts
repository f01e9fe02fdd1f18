/** A dialog whose local address is gone goes on from another endpoint: RFC 3261 12.2.1.1, 14.1. */
import assert from 'node:assert/strict'
import { type IncomingOffer, isLocal, type SipDialog } from '../../../src/sip/types.js'
import { RawPeer } from '../../support/raw-peer.js'
import { requestText, SDP } from '../../support/sip-messages.js'
import { ANSWER, establish, OFFER, Party } from '../../support/sip-parties.js'
import { called } from '../../support/wait.js'

const OLD = '127.0.0.1'
const NEW = '127.0.0.2'

describe('a dialog that moves to another endpoint', () => {
  let alice: Party
  let moved: Party
  let bob: Party

  beforeEach(async () => {
    ;[alice, moved, bob] = await Promise.all([
      Party.open('alice', { host: OLD }),
      Party.open('alice', { host: NEW }),
      Party.open('bob'),
    ])
  })

  afterEach(() => Promise.all([alice.close(), moved.close(), bob.close()]))

  const offerTo = (dialog: SipDialog): Promise<IncomingOffer> => called(dialog.handlers, 'reinvite')

  /** The ACK to the re-INVITE before may be on its way still. */
  async function reinviteOnceFree(dialog: SipDialog): Promise<void> {
    while ((await dialog.reinvite(OFFER).catch(() => undefined)) === undefined) await new Promise(setImmediate)
  }

  async function callAnsweredBy(peer: RawPeer): Promise<SipDialog> {
    const { outcome } = alice.call(peer.uri)
    peer.answer(await peer.requests.next(), 200, { body: ANSWER.content })
    const result = await outcome
    assert.ok(result.kind === 'answered')
    await peer.requests.next() // ACK
    return result.dialog
  }

  for (const side of ['caller', 'callee'] as const) {
    it(`of a ${side}: same tags, next CSeq, new Via and Contact; requests of the peer follow it`, async () => {
      const { callerDialog, calleeDialog } = await (side === 'caller' ? establish(alice, bob) : establish(bob, alice))
      const [ours, theirs] = side === 'caller' ? [callerDialog, calleeDialog] : [calleeDialog, callerDialog]
      moved.agent.adopt(ours)
      await alice.close()

      const offered = offerTo(theirs)
      const answered = ours.reinvite(OFFER)
      const offer = await offered
      const { request } = offer
      assert.equal(request.source.host, NEW)
      assert.match(request.header('Via') ?? '', new RegExp(`^SIP/2.0/UDP ${NEW}:${moved.endpoint.local.port};`))
      assert.match(request.header('Contact') ?? '', new RegExp(`@${NEW}:${moved.endpoint.local.port}`))
      assert.equal(request.from.tag, ours.localTag)
      const acknowledged = called(theirs.handlers, 'acknowledged')
      offer.accept({ body: ANSWER })
      assert.equal((await answered).status, 200)
      await acknowledged

      const back = offerTo(ours)
      const theirOffer = theirs.reinvite(OFFER)
      ;(await back).accept({ body: ANSWER })
      const response = await theirOffer
      assert.ok(!isLocal(response))
      assert.deepEqual([response.status, response.source.host], [200, NEW])
      const bye = called(ours.handlers, 'bye')
      assert.equal((await theirs.bye()).status, 200)
      await bye
    })
  }

  it('with our re-INVITE in progress: it is given up, the next one goes out', async () => {
    const { callerDialog, calleeDialog } = await establish(alice, bob)
    const unheard = offerTo(calleeDialog)
    const first = callerDialog.reinvite(OFFER)
    await unheard
    let lost = false
    callerDialog.handlers.lost = () => {
      lost = true
    }
    moved.agent.adopt(callerDialog)
    const response = await first
    assert.deepEqual([response.status, isLocal(response)], [503, true])
    ;(await unheard).accept({ body: ANSWER }) // goes to where nobody is
    const second = callerDialog.reinvite(OFFER)
    // RFC 3261 14.2: bob waits for the ACK to his first answer.
    assert.equal((await second).status, 500)
    assert.equal(lost, false)
  })

  it('what was asked from the old address and never answered does not end it', async () => {
    const peer = await RawPeer.open()
    const dialog = await callAnsweredBy(peer)
    let lost = false
    dialog.handlers.lost = () => {
      lost = true
    }
    const asked = dialog.request('OPTIONS')
    const options = await peer.requests.next()
    moved.agent.adopt(dialog)
    peer.answer(options, 481)
    assert.equal((await asked).status, 481)
    assert.equal(lost, false)
    const bye = dialog.bye()
    const last = await peer.requests.next()
    assert.deepEqual([last.message.method, last.from.host], ['BYE', NEW])
    await peer.close()
    await moved.close()
    assert.equal((await bye).status, 503)
  })

  it('before its ACK has come: it goes on all the same', async () => {
    const { outcome } = bob.call(alice.address)
    const dialog = (await alice.invites.next()).accept({ body: ANSWER })
    moved.agent.adopt(dialog)
    const result = await outcome
    assert.ok(result.kind === 'answered')
    const offered = offerTo(result.dialog)
    const answered = dialog.reinvite(OFFER)
    ;(await offered).accept({ body: ANSWER })
    assert.equal((await answered).status, 200)

    // The next ACK is not a late one for the first answer.
    const acknowledged = called(dialog.handlers, 'acknowledged')
    const asked = offerTo(dialog)
    const back = reinviteOnceFree(result.dialog)
    ;(await asked).accept({ body: ANSWER })
    await Promise.all([back, acknowledged])
    assert.equal((await dialog.bye()).status, 200)
  })

  it('with a re-INVITE of the peer that has its answer and no ACK yet: ours goes out', async () => {
    const peer = await RawPeer.open()
    const dialog = await callAnsweredBy(peer)
    dialog.handlers.reinvite = (offer) => offer.accept({ body: ANSWER })
    const theirs = requestText({
      via: peer.via('theirs'),
      from: `<${peer.uri}>;tag=${dialog.remoteTag}`,
      to: `<sip:alice@example.com>;tag=${dialog.localTag}`,
      callId: dialog.sipCallId,
      body: SDP,
    }).replace('<sip:alice@192.0.2.1:5060>', `<${peer.uri}>`)
    const { port } = alice.endpoint.local
    assert.equal((await peer.ask(theirs, port)).statusCode, 200)
    moved.agent.adopt(dialog)
    const answered = dialog.reinvite(OFFER)
    const ours = await peer.requests.next()
    assert.deepEqual([ours.message.method, ours.from.host], ['INVITE', NEW])
    await Promise.all([moved.close(), peer.close()])
    await answered
  })

  it('one that has ended stays where it was', async () => {
    const { callerDialog } = await establish(alice, bob)
    await callerDialog.bye()
    moved.agent.adopt(callerDialog)
    assert.equal((await callerDialog.request('OPTIONS')).status, 503)
  })
})
