import assert from 'node:assert/strict'
import { TRANSACTION_MS } from '../../../../src/sip/transaction/timers.js'
import type { OutgoingInvite, SipDialog } from '../../../../src/sip/types.js'
import { MemoryWire, turn } from '../../../support/memory-wire.js'
import { SDP } from '../../../support/sip-messages.js'
import { OFFER } from '../../../support/sip-parties.js'

describe('SentInvite', () => {
  let wire: MemoryWire
  let told: string[]
  let dialog: SipDialog | undefined
  let invite: OutgoingInvite
  let first: string

  beforeEach(() => {
    wire = new MemoryWire()
    told = []
    dialog = undefined
    const handlers = {
      progress: ({ status }: { status: number }) => told.push(`progress ${status}`),
      answered: (made: SipDialog) => {
        dialog = made
        told.push('answered')
      },
      failed: ({ status }: { status: number }) => told.push(`failed ${status}`),
    }
    invite = wire.endpoint.agent.invite(
      { target: 'sip:peer@192.0.2.1:5060', body: OFFER, sipCallId: 'call@test' },
      handlers,
    )
    first = wire.last('INVITE')
    wire.out.length = 0
  })

  afterEach(() => wire.endpoint.close())

  const answer = (status: number, toTag: string): void =>
    wire.answer(first.replace(/(\r\nTo: [^\r]*)/, `$1;tag=${toTag}`), status, status === 200 ? { body: SDP } : {})

  const methods = (): string[] => wire.sent().map((line) => line.split(' ', 1)[0] ?? '')

  it('has an early dialog for each To tag (RFC 3261 12.1.2); 199 ends one (RFC 6228), the others end 64*T1 after the 2xx (13.2.2.4)', async () => {
    answer(180, 'a')
    answer(183, 'b')
    answer(180, 'a')
    answer(180, 'c')
    assert.equal(wire.endpoint.dialogs.size, 3)
    answer(199, 'b')
    assert.equal(wire.endpoint.dialogs.size, 2)
    answer(200, 'c')
    await turn()
    assert.equal(wire.endpoint.dialogs.size, 2)
    wire.clock.advance(TRANSACTION_MS)
    assert.equal(wire.endpoint.dialogs.size, 1)
    assert.equal(dialog?.remoteTag, 'c')
    assert.deepEqual(told, ['progress 180', 'progress 183', 'progress 180', 'progress 180', 'progress 199', 'answered'])
    assert.deepEqual(methods(), ['ACK'])
  })

  it('ends all early dialogs with a failure', () => {
    answer(180, 'a')
    answer(180, 'b')
    answer(486, 'b')
    assert.deepEqual([wire.endpoint.dialogs.kept, told.at(-1)], [0, 'failed 486'])
  })

  it('keeps no more early dialogs than a proxy makes, and answers all that come', async () => {
    for (let n = 0; n < 500; n++) answer(180, `t${n}`)
    assert.equal(wire.endpoint.dialogs.size, 64)
    assert.equal(told.length, 500)
    answer(200, 't499')
    await turn()
    wire.clock.advance(TRANSACTION_MS)
    assert.deepEqual([wire.endpoint.dialogs.size, dialog?.remoteTag], [1, 't499'])
  })

  it('several 2xx: the first is the call, each other one gets an ACK and a BYE, once (13.2.2.4)', async () => {
    answer(200, 'a')
    await turn()
    answer(200, 'b')
    await turn()
    answer(200, 'b')
    answer(200, 'a')
    await turn()
    assert.deepEqual(methods().sort(), ['ACK', 'ACK', 'ACK', 'ACK', 'BYE'])
    assert.deepEqual([told, dialog?.remoteTag], [['answered'], 'a'])
  })

  it('sends ACK and BYE to no more forks than a proxy makes, and repeats the ACK of each of these', async () => {
    for (let n = 0; n < 500; n++) answer(200, `t${n}`)
    await turn()
    const acks = methods().filter((method) => method === 'ACK')
    const byes = 63 // the first 2xx is the call
    assert.deepEqual([acks.length, wire.endpoint.dialogs.size], [64, byes + 1])
    answer(200, 't63')
    answer(200, 't64')
    await turn()
    assert.deepEqual(methods(), ['ACK'])
  })

  it('a 2xx after a failure is ended as well', async () => {
    answer(486, 'a')
    answer(200, 'b')
    await turn()
    assert.deepEqual(methods().sort(), ['ACK', 'ACK', 'BYE'])
    assert.deepEqual(told, ['failed 486'])
  })

  it('a re-INVITE that overtakes the answer gets 491, and is taken after it (14.2)', async () => {
    const fromTag = invite.fromTag
    const early = { sipCallId: 'call@test', localTag: fromTag, remoteTag: 'a', handlers: {} } as never
    wire.receive(wire.request('INVITE', { dialog: early, body: SDP }))
    assert.equal(wire.sent()[0]?.slice(8, 11), '491')
    answer(200, 'b')
    await turn()
    wire.sent()
    wire.receive(wire.request('INVITE', { dialog: early, body: SDP }))
    assert.equal(wire.sent()[0]?.slice(8, 11), '481', 'the INVITE has its answer')
  })

  it('refuses an offer in its early dialog with 491 (RFC 3311 5.2), and answers a refresh', () => {
    answer(183, 'a')
    wire.sent()
    const early = { sipCallId: 'call@test', localTag: invite.fromTag, remoteTag: 'a', handlers: {} } as never
    for (const body of [SDP, '']) wire.receive(wire.request('UPDATE', { dialog: early, body }))
    assert.deepEqual(
      wire.sent().map((line) => line.slice(8, 11)),
      ['491', '200'],
    )
  })

  it('is cancelled once, when a provisional response has come, with the reason given', () => {
    invite.cancel('SIP;cause=200')
    invite.cancel()
    assert.deepEqual(methods(), [])
    answer(100, 'a')
    assert.match(wire.last('CANCEL'), /\r\nReason: SIP;cause=200\r\n/)
    answer(180, 'a')
    invite.cancel()
    assert.deepEqual(methods(), ['CANCEL'])
    answer(487, 'a')
    assert.deepEqual(told, ['failed 487'])
  })

  it('ends a 2xx that crosses the CANCEL: ACK, BYE, and failed 487', async () => {
    answer(180, 'a')
    invite.cancel()
    answer(200, 'a')
    await turn()
    assert.deepEqual(methods(), ['CANCEL', 'ACK', 'BYE'])
    assert.deepEqual(told, ['progress 180', 'failed 487'])
    assert.equal(dialog, undefined)
  })

  it('sends no CANCEL after its answer', async () => {
    answer(180, 'a')
    answer(200, 'a')
    await turn()
    wire.sent()
    invite.cancel()
    assert.deepEqual(methods(), [])
  })

  it('tells its authenticator of what was accepted', async () => {
    answer(200, 'a')
    await turn()
    assert.deepEqual(wire.accepted, ['INVITE'])
  })

  it('can be cancelled when it was sent again with credentials', () => {
    wire.credentials = [['Authorization', 'Digest x']]
    wire.answer(first, 401, { headers: ['WWW-Authenticate: Digest realm="r", nonce="n"'] })
    first = wire.last('INVITE')
    wire.sent()
    answer(180, 'a')
    invite.cancel()
    assert.match(wire.last('CANCEL'), /\r\nCSeq: 2 CANCEL\r\n/)
  })
})
