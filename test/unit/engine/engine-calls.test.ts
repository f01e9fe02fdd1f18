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
  })
  const aor = { uri: 'sip:alice@127.0.0.1', user: 'alice', domain: '127.0.0.1' }
  const lease = { endpoint: { local: { host: '127.0.0.1', port: 5060 } }, fork: () => ({ release: async () => {} }) }
  const target = (uri: string) => ({ uri: uriOf(uri), user: 'bob' })
  const entry = {
    config: account(),
    account: { userAgent, peers: { aor }, target, isKnown: () => false },
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
