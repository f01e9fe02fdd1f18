/** RFC 3261 17.2, 8.2.2.2, 12.2.2: requests that come again, in their time and long after it; CSeq numbers of the peer. */
import assert from 'node:assert/strict'
import type { SipDialog } from '../../../src/sip/types.js'
import { FakeClock } from '../../support/fake-clock.js'
import { RawCaller } from '../../support/raw-call.js'
import { rawCallForEachTest } from '../../support/raw-call-for-each-test.js'
import { RawPeer } from '../../support/raw-peer.js'
import { heard, settled } from '../../support/settled.js'
import { SDP } from '../../support/sip-messages.js'
import { ANSWER, Party } from '../../support/sip-parties.js'
import { toldBy } from '../../support/told-by.js'
import { called } from '../../support/wait.js'

/** 64*T1, after which no transaction is left. */
const TRANSACTION_MS = 32_000

describe('a request that comes again', () => {
  let peer: RawPeer
  let bob: Party
  let clock: FakeClock
  let caller: RawCaller

  rawCallForEachTest((scene) => {
    ;({ peer, bob, clock, caller } = scene)
  })

  const again = async (text: string) => {
    peer.send(text, bob.endpoint.local.port)
    await settled(peer, bob)
  }

  /** The peer's call, acknowledged; `text` is its INVITE. */
  async function established(): Promise<{ dialog: SipDialog; text: string }> {
    const text = caller.text('INVITE', { body: SDP })
    peer.send(text, bob.endpoint.local.port)
    const dialog = (await bob.invites.next()).accept({ body: ANSWER })
    assert.equal((await caller.final('INVITE')).status, 200)
    const acknowledged = called(dialog.handlers, 'acknowledged')
    caller.send('ACK')
    await acknowledged
    return { dialog, text }
  }

  it('INVITE, after its refusal and ACK: nothing for T4 (Timer I), and a call of its own after that', async () => {
    const text = caller.text('INVITE', { body: SDP, branch: 'replay' })
    peer.send(text, bob.endpoint.local.port)
    ;(await bob.invites.next()).reject(486)
    assert.equal((await caller.final('INVITE')).status, 486)
    caller.send('ACK', { branch: 'replay', cseq: 1 })
    await settled(peer, bob)
    const before = peer.texts.length
    clock.advance(4_999)
    await again(text)
    assert.deepEqual([bob.invites.waiting.length, peer.texts.length], [0, before + 1], 'the probe only')
    clock.advance(TRANSACTION_MS)
    await again(text)
    const second = await bob.invites.next()
    second.reject(480)
    assert.equal((await caller.final('INVITE')).status, 480)
  })

  it('INVITE, after its 2xx and ACK: nothing at all while the transaction lives (RFC 6026, Timer L)', async () => {
    const { text } = await established()
    for (const ms of [0, 10_000, 21_000]) {
      clock.advance(ms)
      await again(text)
    }
    assert.deepEqual([heard(peer, 'SIP/2.0 200', ' INVITE\r'), bob.invites.waiting.length], [1, 0])
  })

  it('INVITE, long after its 2xx: a call of its own, of which the first one notices nothing', async () => {
    const { dialog, text } = await established()
    const told = toldBy(dialog)
    clock.advance(TRANSACTION_MS)
    await again(text)
    const second = (await bob.invites.next()).accept({ body: ANSWER })
    assert.notEqual(second.localTag, dialog.localTag)
    assert.equal((await caller.ask('BYE', { toTag: second.localTag })).status, 200)
    assert.equal((await caller.ask('INFO', { toTag: dialog.localTag })).status, 200)
    assert.deepEqual(told, ['info'])
  })

  it('BYE: the same 200 while its transaction lives, 481 after that; the call is told once', async () => {
    const { dialog } = await established()
    let byes = 0
    dialog.handlers.bye = () => byes++
    const text = caller.text('BYE')
    peer.send(text, bob.endpoint.local.port)
    const first = await peer.responses.next()
    assert.equal(first.message.status, 200)
    clock.advance(TRANSACTION_MS - 1)
    peer.send(text, bob.endpoint.local.port)
    assert.equal((await peer.responses.next()).text, first.text)
    clock.advance(1)
    assert.equal((await peer.ask(text, bob.endpoint.local.port)).status, 481)
    assert.equal(byes, 1)
  })

  it('BYE, with a new branch: 481, because the dialog has ended', async () => {
    await established()
    assert.equal((await caller.ask('BYE', { cseq: 2 })).status, 200)
    assert.equal((await caller.ask('BYE', { cseq: 2 })).status, 481)
  })

  it('INFO: told once, answered alike each time, and out of order once its transaction is gone', async () => {
    const { dialog } = await established()
    let infos = 0
    dialog.handlers.request = (incoming) => {
      infos++
      incoming.accept()
    }
    const text = caller.text('INFO')
    for (let n = 0; n < 3; n++) assert.equal((await peer.ask(text, bob.endpoint.local.port)).status, 200)
    assert.equal((await caller.ask('INFO')).status, 200)
    clock.advance(TRANSACTION_MS)
    assert.equal((await peer.ask(text, bob.endpoint.local.port)).status, 500)
    assert.equal(infos, 2)
  })

  it('ACK to a 2xx: told once', async () => {
    const { dialog } = await established()
    let acknowledged = 0
    dialog.handlers.acknowledged = () => acknowledged++
    for (let n = 0; n < 3; n++) caller.send('ACK', { cseq: 1 })
    await settled(peer, bob)
    assert.equal(acknowledged, 0)
  })
})

describe('the CSeq of a request within a dialog', () => {
  let peer: RawPeer
  let bob: Party
  let caller: RawCaller
  let dialog: SipDialog
  let told: string[]

  beforeEach(async () => {
    peer = await RawPeer.open()
    bob = await Party.open('bob', { clock: new FakeClock() })
    caller = RawCaller.of(peer, bob)
    caller.cseq = 100
    caller.send('INVITE', { body: SDP, cseq: 100 })
    dialog = (await bob.invites.next()).accept({ body: ANSWER })
    await caller.final('INVITE')
    const acknowledged = called(dialog.handlers, 'acknowledged')
    caller.send('ACK')
    await acknowledged
    told = toldBy(dialog)
  })
  afterEach(() => Promise.all([peer.close(), bob.close()]))

  const ask = async (method: string, cseq: number) =>
    (await caller.ask(method, { cseq, ...(method === 'INVITE' ? { body: SDP } : {}) })).status

  it('may leave numbers out, and comes from one count for all methods (12.2.2)', async () => {
    for (const [method, cseq, status] of [
      ['INFO', 101, 200],
      ['OPTIONS', 5_000, 200],
      ['INFO', 4_999, 500],
      ['UPDATE', 5_001, 200],
      ['INFO', 70_000, 200],
    ] as const) {
      assert.equal(await ask(method, cseq), status, `${method} ${cseq}`)
    }
    assert.deepEqual(told, ['info', 'info'])
  })

  it('that is lower: 500, whatever the method, and the call is told nothing', async () => {
    for (const method of ['BYE', 'INVITE', 'UPDATE', 'INFO', 'OPTIONS']) {
      assert.equal(await ask(method, 99), 500, method)
      assert.equal(await ask(method, 1), 500, method)
    }
    assert.deepEqual(told, [])
  })

  it('that is used a second time, by another transaction: refused', async () => {
    assert.equal(await ask('INFO', 101), 200)
    for (const method of ['INFO', 'BYE', 'INVITE', 'UPDATE']) {
      assert.ok([482, 500].includes(await ask(method, 101)), method)
    }
    assert.deepEqual(told, ['info'])
  })

  it('of a request that was refused counts as well (12.2.2)', async () => {
    dialog.handlers.request = (incoming) => incoming.reject(415)
    assert.equal(await ask('INFO', 200), 415)
    assert.equal(await ask('INFO', 199), 500)
    assert.equal(await ask('INFO', 201), 415)
  })

  it('may jump as far as there are numbers, and is 400 beyond (8.1.1.5)', async () => {
    assert.equal(await ask('INFO', 2 ** 31 - 1), 200)
    for (const cseq of ['2147483648', '4294967296', '9007199254740992', '100000000000000000000']) {
      peer.send(caller.text('INFO', { cseq: 7 }).replace('CSeq: 7 ', `CSeq: ${cseq} `), bob.endpoint.local.port)
      await settled(peer, bob)
      assert.equal(heard(peer, 'SIP/2.0 400', `CSeq: ${cseq} INFO`), 1, cseq)
    }
    assert.equal(await ask('INFO', 2 ** 31 - 2), 500)
    assert.deepEqual(told, ['info'])
  })

  it('of our requests counts apart from the peer’s, and rises by one', async () => {
    assert.equal(await ask('INFO', 9_000), 200)
    const seen: number[] = []
    for (const method of ['INFO', 'UPDATE', 'OPTIONS']) {
      const asked = dialog.request(method)
      const received = await peer.requests.next()
      seen.push(received.message.cseq)
      peer.answer(received, 200)
      await asked
    }
    const [first = 0] = seen
    assert.deepEqual(seen, [first, first + 1, first + 2])
    assert.ok(first < 2 ** 31)
  })
})
