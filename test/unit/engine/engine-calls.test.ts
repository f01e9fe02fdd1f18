/** The calls of one engine, found by their dialogs. */
import assert from 'node:assert/strict'
import { silentLogger } from '../../../src/base/logger.js'
import type { CallEvent } from '../../../src/call/call-event.js'
import type { AccountEntry } from '../../../src/engine/account-entry.js'
import { type DialogId, EngineCalls } from '../../../src/engine/engine-calls.js'
import { FakeClock } from '../../support/fake-clock.js'
import { FakeMedia } from '../../support/fake-media.js'
import { FakeDialog, FakeIncomingInvite, FakeUserAgent, sdpBody } from '../../support/fake-user-agent.js'
import { uriOf } from '../../support/uri.js'
import { peerSdp } from '../call/call-fixture.js'
import { account, answerRule, settled } from './engine-fixture.js'

function makeCalls() {
  const userAgent = new FakeUserAgent()
  const events: CallEvent[] = []
  const calls = new EngineCalls({
    clock: new FakeClock(),
    log: silentLogger,
    media: new FakeMedia(),
    lookup: async () => [],
    tell: (event) => events.push(event),
    entryOf: () => entry,
  })
  const aor = { uri: 'sip:alice@127.0.0.1', user: 'alice', domain: '127.0.0.1' }
  const lease = { endpoint: { local: { host: '127.0.0.1', port: 5060 } }, fork: () => ({ release: async () => {} }) }
  const target = (uri: string) => ({ uri: uriOf(uri), user: 'bob' })
  const entry = {
    config: account(),
    account: { userAgent, peers: { aor }, target, isKnown: (host: string) => host !== '203.0.113.9' },
    lease,
    mediaAddress: { host: '127.0.0.1' },
  } as unknown as AccountEntry
  return { calls, entry, userAgent, events }
}

const dialogOf = (id: DialogId): FakeDialog => Object.assign(new FakeDialog(), id)
const SAME_CALL_ID = { sipCallId: 'a84b4c76e66710@pc33', localTag: '1928', remoteTag: '314159' }

describe('the calls of an engine, by dialog', () => {
  it('an outbound call is found from its answer to its end, by all three parts of the dialog', async () => {
    const { calls, entry, userAgent, events } = makeCalls()
    const { id: callId } = await calls.dial(entry, { accountId: 'a1', target: 'sip:bob@127.0.0.1' })
    assert.equal(calls.callOfDialog(SAME_CALL_ID), undefined)
    userAgent.invite0.answer(sdpBody(peerSdp()), {}, dialogOf(SAME_CALL_ID))
    assert.equal(calls.callOfDialog(SAME_CALL_ID)?.id, callId)
    for (const other of [{ sipCallId: 'b' }, { localTag: '314159' }, { remoteTag: '1928' }, { remoteTag: '' }])
      assert.equal(calls.callOfDialog({ ...SAME_CALL_ID, ...other }), undefined, JSON.stringify(other))
    await (await calls.get(callId)).hangup()
    assert.equal(events.at(-1)?.type, 'call.ended')
    assert.equal(calls.callOfDialog(SAME_CALL_ID), undefined)
  })

  it('an inbound call is found too, and a peer without a tag as well (RFC 3261 12.1.1)', async () => {
    const { calls, entry, events } = makeCalls()
    const invite = new FakeIncomingInvite(sdpBody(peerSdp()))
    const nullTag = { ...SAME_CALL_ID, remoteTag: '' }
    Object.assign(invite.dialog, nullTag)
    calls.take(entry, invite, answerRule)
    await settled()
    assert.equal(calls.callOfDialog(nullTag)?.id, events[0]?.callId)
    assert.equal(calls.callOfDialog(SAME_CALL_ID), undefined)
    invite.dialog.handlers.bye?.(invite.request)
    await settled()
    assert.equal(events.at(-1)?.type, 'call.ended')
    assert.equal(calls.callOfDialog(nullTag), undefined)
  })

  it('two calls with the same Call-ID are told apart by their tags', async () => {
    const { calls, entry } = makeCalls()
    const ids: (string | undefined)[] = []
    for (const localTag of ['one', 'two']) {
      const invite = new FakeIncomingInvite(sdpBody(peerSdp()))
      Object.assign(invite.dialog, { ...SAME_CALL_ID, localTag })
      calls.take(entry, invite, answerRule)
      await settled()
      ids.push(calls.callOfDialog({ ...SAME_CALL_ID, localTag })?.id)
    }
    assert.ok(ids[0] && ids[1])
    assert.notEqual(ids[0], ids[1])
  })

  it('a call that is never answered has no dialog', async () => {
    const { calls, entry, events } = makeCalls()
    const invite = new FakeIncomingInvite(sdpBody(peerSdp()))
    Object.assign(invite.dialog, SAME_CALL_ID)
    calls.take(entry, invite, { ...answerRule, mode: 'reject' })
    await settled()
    assert.equal(events.at(-1)?.type, 'call.ended')
    assert.equal(calls.callOfDialog(SAME_CALL_ID), undefined)
  })
})

describe('an INVITE with Replaces (RFC 3891 3)', () => {
  const NAMES_IT = `${SAME_CALL_ID.sipCallId};to-tag=${SAME_CALL_ID.localTag};from-tag=${SAME_CALL_ID.remoteTag}`

  async function talking() {
    const scene = makeCalls()
    const { id: callId } = await scene.calls.dial(scene.entry, { accountId: 'a1', target: 'sip:bob@127.0.0.1' })
    const dialog = scene.userAgent.invite0.answer(sdpBody(peerSdp()), {}, dialogOf(SAME_CALL_ID))
    const replace = (replaces: string, change: { source?: string; accountId?: string } = {}) => {
      const invite = new FakeIncomingInvite(sdpBody(peerSdp()), { Replaces: replaces })
      Object.assign(invite.dialog, { sipCallId: 'new', localTag: 'l', remoteTag: 'r' })
      if (change.source) Object.assign(invite.request, { source: { protocol: 'udp', host: change.source, port: 5060 } })
      const entry = change.accountId
        ? ({ ...scene.entry, config: { ...scene.entry.config, id: change.accountId } } as AccountEntry)
        : scene.entry
      scene.calls.replace(entry, invite)
      return invite
    }
    return { ...scene, callId, dialog, replace }
  }

  it('is refused if it names no dialog, an early one only, or is malformed; the call stays as it is', async () => {
    const { replace, dialog, events } = await talking()
    const before = events.length
    for (const [replaces, status] of [
      ['other;to-tag=1928;from-tag=314159', 481],
      [`${SAME_CALL_ID.sipCallId};to-tag=314159;from-tag=1928`, 481],
      [`${SAME_CALL_ID.sipCallId};to-tag=1928;from-tag=0`, 481],
      [`${NAMES_IT};early-only`, 486],
      ['nonsense', 400],
    ] as const)
      assert.equal(replace(replaces).rejects[0]?.status, status, replaces)
    assert.deepEqual([dialog.byes, events.length], [0, before])
  })

  it('is refused from a source that the account does not know, and for the call of another account', async () => {
    const { replace, dialog } = await talking()
    assert.equal(replace(NAMES_IT, { source: '203.0.113.9' }).rejects[0]?.status, 403)
    assert.equal(replace(NAMES_IT, { accountId: 'a2' }).rejects[0]?.status, 481)
    assert.equal(dialog.byes, 0)
  })

  it('takes over the call, which is then found by its new dialog only', async () => {
    const { replace, calls, callId, dialog } = await talking()
    assert.equal(replace(NAMES_IT).accepts.length, 1)
    await settled()
    assert.equal(dialog.byes, 1)
    assert.equal(calls.callOfDialog(SAME_CALL_ID), undefined)
    assert.equal(calls.callOfDialog({ sipCallId: 'new', localTag: 'l', remoteTag: 'r' })?.id, callId)
    assert.equal(replace(NAMES_IT).rejects[0]?.status, 481, 'a second time')
    await (await calls.get(callId)).hangup()
    assert.equal(calls.callOfDialog({ sipCallId: 'new', localTag: 'l', remoteTag: 'r' }), undefined)
    assert.equal(calls.countOf('a1'), 0)
  })
})
