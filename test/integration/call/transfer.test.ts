/** Blind and attended transfer between engines over real SIP and RTP: who hears whom at the end, what the records say, what stays. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AccountConfig } from '../../../src/engine/protocol.js'
import { measureTone } from '../../support/audio.js'
import { Phone } from '../../support/phone.js'

describe('transfer between engines', () => {
  let folder: string
  let alice: Phone
  let bob: Phone
  let carol: Phone

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'ringflow-transfer-'))
  })

  after(() => rmSync(folder, { recursive: true, force: true }))

  async function phones(account: Partial<AccountConfig> = {}): Promise<void> {
    const start = (changes: Partial<AccountConfig>) =>
      Phone.start({ folder, trace: true, inbound: {}, account: { orphanedCalls: 'hangup', ...changes } })
    ;[alice, bob, carol] = await Promise.all([
      start({ aor: 'alice@127.0.0.1', transfers: 'follow', ...account }),
      start({ aor: 'bob@127.0.0.1' }),
      start({ aor: 'carol@127.0.0.1' }),
    ])
  }

  afterEach(async () => {
    for (const phone of [alice, bob, carol])
      assert.deepEqual(await phone.call('calls', null), [], 'a call is left over')
    await Promise.all([alice, bob, carol].map((phone) => phone.close()))
  })

  const to = (phone: Phone): string => `sip:${phone.account.aor.split('@')[0]}@${phone.address}`

  /** The call of `from` to `phone`, answered on both sides. */
  async function talking(from: Phone, phone: Phone) {
    const out = await from.dial(to(phone))
    await from.event('call.answered', { callId: out })
    const { callId: incoming } = await phone.event('call.answered', {
      where: ({ call }) => call.direction === 'inbound' && call.state === 'answered',
      skip: phone.events.filter(({ type }) => type === 'call.ended').length === 0 ? 0 : 0,
    })
    return { out, incoming }
  }

  /** Both play a tone to each other, and each records the tone of the other. */
  async function hearEachOther(one: Phone, oneCall: string, other: Phone, otherCall: string): Promise<void> {
    const play = (phone: Phone, callId: string, hz: number) =>
      phone.call('play', {
        ...{ callId, mediaId: `tone-${hz}`, repeat: 0 },
        source: { kind: 'tone', hz: [hz], durationMs: 1000 },
      })
    const played = [play(one, oneCall, 1000), play(other, otherCall, 425)]
    const [atOne, atOther] = await Promise.all([one.hear(oneCall, 1500), other.hear(otherCall, 1500)])
    assert.ok(measureTone(atOne, 425).share > 0.8, `${atOne} has no tone of 425 Hz`)
    assert.ok(measureTone(atOther, 1000).share > 0.8, `${atOther} has no tone of 1000 Hz`)
    await Promise.all([one.call('stopPlay', { callId: oneCall }), other.call('stopPlay', { callId: otherCall })])
    await Promise.all(played)
  }

  it('blind: Bob transfers Alice to Carol; Alice keeps her call, and she and Carol hear each other', async () => {
    await phones()
    const { out, incoming } = await talking(alice, bob)
    const result = await bob.call('transfer', { callId: incoming, target: to(carol) })
    assert.deepEqual([result.outcome, result.status], ['transferred', 200])
    const { to: target, call } = await alice.event('call.transferred', { callId: out })
    assert.equal(target.uri, to(carol))
    const { callId: atCarol, call: carols } = await carol.event('call.answered')
    assert.equal(call.sipCallId, carols.sipCallId)
    const { end, cdr } = await bob.event('call.ended', { callId: incoming })
    assert.deepEqual([end.by, end.cause, cdr.cause], ['local', 'transferred', 'transferred'])
    assert.ok((await bob.event('call.transfer-progress', { callId: incoming })).status < 200)
    assert.match(carol.messages('in', /^INVITE /)[0] ?? '', /\r\nReferred-By: <sip:bob@127\.0\.0\.1>\r\n/)
    await hearEachOther(alice, out, carol, atCarol)
    await alice.call('hangup', { callId: out })
    const { end: last } = await carol.event('call.ended')
    assert.deepEqual([last.by, last.cause], ['remote', 'normal'])
    assert.equal(alice.events.filter(({ type }) => type === 'call.ended').length, 1)
  })

  it('blind, failed: the target refuses, and the call goes on', async () => {
    await phones()
    await carol.call('setInbound', {
      accountId: carol.accountId,
      rule: { mode: 'reject', sendRinging: false, decideMs: 0, rejectStatus: 486, owner: null },
    })
    const { out, incoming } = await talking(alice, bob)
    const result = await bob.call('transfer', { callId: incoming, target: to(carol) })
    assert.deepEqual([result.outcome, result.status], ['failed', 486])
    assert.equal((await alice.event('call.transfer-failed', { callId: out })).status, 486)
    await hearEachOther(alice, out, bob, incoming)
    await alice.call('hangup', { callId: out })
    await bob.event('call.ended')
    await carol.event('call.ended')
  })

  it('a REFER is declined unless the account allows it, and the call goes on', async () => {
    await phones({ transfers: 'deny' })
    const { out, incoming } = await talking(alice, bob)
    const result = await bob.call('transfer', { callId: incoming, target: to(carol) })
    assert.deepEqual([result.outcome, result.status], ['failed', 603])
    assert.deepEqual(carol.events, [])
    await alice.call('hangup', { callId: out })
    await bob.event('call.ended')
  })

  it('toll fraud: a REFER to a target that the account may not call is refused with 403', async () => {
    await phones({ blockedTargets: ['0900*'] })
    const { out, incoming } = await talking(alice, bob)
    for (const target of [`sip:0900123@${carol.address}`, `sip:112@${carol.address}`]) {
      // Bob himself would not be allowed to dial 112 either, so he sends the REFER with his own rules open.
      await bob.call('setAccount', { ...bob.account, allowEmergency: true })
      const result = await bob.call('transfer', { callId: incoming, target })
      assert.deepEqual([result.outcome, result.status], ['failed', 403], target)
    }
    assert.deepEqual(carol.events, [])
    await alice.call('hangup', { callId: out })
    await bob.event('call.ended')
  })

  it('by the flow: it accepts or declines the transfer that the peer asks for', async () => {
    await phones({ transfers: 'flow' })
    const { out, incoming } = await talking(alice, bob)
    const declined = bob.call('transfer', { callId: incoming, target: to(carol) })
    const asked = await alice.event('call.transfer-request', { callId: out })
    assert.deepEqual([asked.to.uri, asked.attended, asked.referredBy], [to(carol), false, '<sip:bob@127.0.0.1>'])
    await alice.call('denyTransfer', { callId: out })
    assert.equal((await declined).status, 603)
    await assert.rejects(alice.call('acceptTransfer', { callId: out }), { code: 'WRONG_STATE' })
    const accepted = bob.call('transfer', { callId: incoming, target: to(carol) })
    await alice.event('call.transfer-request', { callId: out, skip: 1 })
    await alice.call('acceptTransfer', { callId: out })
    assert.equal((await accepted).outcome, 'transferred')
    await alice.event('call.transferred', { callId: out })
    await alice.call('hangup', { callId: out })
    await carol.event('call.ended')
  })

  it('attended: Bob talks to Alice and to Carol and joins them; both keep their calls', async () => {
    await phones()
    const { out, incoming } = await talking(alice, bob)
    const consultation = await bob.dial(to(carol))
    await bob.event('call.answered', { callId: consultation })
    const { callId: atCarol } = await carol.event('call.answered')
    const result = await bob.call('transfer', { callId: incoming, toCallId: consultation })
    assert.deepEqual([result.outcome, result.status], ['transferred', 200])
    await alice.event('call.transferred', { callId: out })
    const replaced = await carol.event('call.replaced', { callId: atCarol })
    assert.equal(replaced.from.user, 'alice')
    for (const callId of [incoming, consultation])
      assert.equal((await bob.event('call.ended', { callId })).end.cause, 'transferred')
    await hearEachOther(alice, out, carol, atCarol)
    await carol.call('hangup', { callId: atCarol })
    assert.equal((await alice.event('call.ended', { callId: out })).end.cause, 'normal')
    assert.equal(carol.events.filter(({ type }) => type === 'call.incoming' || type === 'call.ended').length, 2)
  })
})
