import assert from 'node:assert/strict'
import { TelephonyError } from '../../../src/base/errors.js'
import { placeCall } from '../../../src/call/call.js'
import { response, sdpBody } from '../../support/fake-user-agent.js'
import { uriOf } from '../../support/uri.js'
import {
  account,
  dialled,
  dialledAndAnswered,
  dialledAndRinging,
  dialledWithEarlyMedia,
  peerSdp,
  World,
} from './call-fixture.js'

const target = { uri: uriOf('sip:bob@example.com'), user: 'bob' }
const init = { account, owner: null, target, ringTimeoutMs: 30_000 }

describe('outgoing call', () => {
  it('opens media, offers it and tells call.trying', async () => {
    const { userAgent, session, events, call } = await dialled()
    const sent = userAgent.invite0.init
    assert.equal(String(sent.target), 'sip:bob@example.com')
    assert.match(sent.sipCallId, /^[0-9a-f-]{36}@127\.0\.0\.1$/)
    assert.match(sent.body?.content ?? '', new RegExp(`^m=audio ${session.local.port} RTP/AVP 8 0 101$`, 'm'))
    const [trying] = events
    assert.equal(events.length, 1)
    assert.equal(trying?.type, 'call.trying')
    assert.equal(trying?.owner, 'node1')
    assert.equal(trying?.at, '2026-01-01T00:00:00.000Z')
    assert.deepEqual(trying?.call, call.snapshot())
    assert.deepEqual(trying?.call, {
      id: call.id,
      sipCallId: sent.sipCallId,
      account: { id: 'acc', name: 'Account' },
      direction: 'outbound',
      state: 'trying',
      from: { uri: 'sip:alice@example.com', user: 'alice', displayName: 'Alice' },
      to: { uri: 'sip:bob@example.com', user: 'bob' },
      startedAt: '2026-01-01T00:00:00.000Z',
      answeredAt: null,
      endedAt: null,
      durationMs: 0,
      codec: null,
      hold: { local: false, remote: false },
      headers: {},
      identity: null,
      alert: null,
      tags: { ticket: 7 },
      group: null,
      end: null,
    })
  })

  it('hands on its id, caller name, headers and codecs', async () => {
    const { deps, userAgent, media } = new World()
    const headers = { 'X-Ticket': '7' }
    const call = await placeCall(deps, { ...init, callId: 'mine', callerName: 'Pump', headers, codecs: ['PCMU'] })
    assert.equal(call.id, 'mine')
    assert.equal(call.snapshot().from.displayName, 'Pump')
    assert.equal(media.sessions[0]?.id, 'mine')
    assert.equal(userAgent.invite0.init.fromDisplayName, 'Pump')
    assert.deepEqual(userAgent.invite0.init.headers, [['X-Ticket', '7']])
    assert.match(userAgent.invite0.init.body?.content ?? '', /^m=audio \d+ RTP\/AVP 0 101\r$/m)
  })

  for (const { what, begin, reason } of [
    { what: 'nothing was heard', begin: dialled, reason: 'ring timeout: the peer did not report ringing' },
    { what: 'it rang', begin: dialledAndRinging, reason: 'ring timeout' },
  ])
    it(`says at the ring timeout that ${what}`, async () => {
      const { call, clock, userAgent } = await begin()
      clock.advance(30_000)
      userAgent.invite0.handlers.failed(response(487))
      assert.equal((await call.ended).reason, reason)
    })

  it('comes to nothing, without any event, where no port is free', async () => {
    const world = new World()
    world.media.openError = new TelephonyError('NO_PORTS', 'none left')
    await assert.rejects(placeCall(world.deps, { ...init, onEvent: world.onEvent }), { code: 'NO_PORTS' })
    assert.deepEqual(world.events, [])
    assert.equal(world.clock.pending, 0)
  })

  it('comes to nothing, without any event and with its ports free, where the INVITE cannot be sent', async () => {
    const world = new World()
    world.userAgent.inviteError = new TelephonyError('BAD_HEADER', 'line break')
    await assert.rejects(placeCall(world.deps, { ...init, onEvent: world.onEvent }), { code: 'BAD_HEADER' })
    assert.deepEqual(world.events, [])
    assert.equal(world.media.openSessions, 0)
    assert.equal(world.clock.pending, 0)
  })

  it('refuses tags that are too large before anything is opened', async () => {
    const world = new World()
    const tags = { text: 'x'.repeat(4096) }
    await assert.rejects(placeCall(world.deps, { ...init, tags }), { code: 'BAD_ARGUMENT' })
    assert.equal(world.media.sessions.length, 0)
  })

  it('rings once however many 180s come', async () => {
    const { userAgent, types, call } = await dialledAndRinging()
    userAgent.invite0.handlers.progress(response(180))
    userAgent.invite0.handlers.progress(response(181))
    userAgent.invite0.handlers.progress(response(183))
    assert.deepEqual(types, ['call.trying', 'call.ringing'])
    assert.equal(call.snapshot().state, 'ringing')
  })

  it('connects early media without a timeout; a later 180 does not cut it', async () => {
    const scene = await dialledWithEarlyMedia()
    scene.userAgent.invite0.handlers.progress(response(180))
    scene.userAgent.invite0.handlers.progress(response(183, { body: sdpBody(peerSdp()) }))
    assert.deepEqual(scene.types, ['call.trying', 'call.early', 'call.ringing'])
    assert.deepEqual(scene.logged, [])
    assert.equal(scene.call.snapshot().state, 'early')
    assert.equal(scene.session.connects.length, 1)
    assert.equal(scene.session.connects[0]?.timeoutMs, 0)
    assert.equal(scene.session.closed, false)
  })

  it('connects media with all that was settled, and the timeout from the answer on', async () => {
    const { session, types, call } = await dialledAndAnswered()
    assert.deepEqual(types, ['call.trying', 'call.answered'])
    assert.deepEqual(session.connects, [
      {
        remote: { host: '192.0.2.9', port: 30_000, rtcpPort: 30_001 },
        codec: 'PCMA',
        payloadType: 8,
        telephoneEvent: { send: 101, receive: 101 },
        direction: 'sendrecv',
        ptimeMs: 20,
        timeoutMs: 30_000,
      },
    ])
    assert.equal(call.snapshot().codec, 'PCMA')
  })

  it('takes the answer of the 183 where the 2xx has none', async () => {
    const scene = await dialledWithEarlyMedia()
    scene.userAgent.invite0.answer()
    assert.equal(scene.call.snapshot().state, 'answered')
    assert.deepEqual(
      scene.session.connects.map(({ timeoutMs }) => timeoutMs),
      [0, 30_000],
    )
  })

  it('follows the 2xx where another fork answers than rang', async () => {
    const scene = await dialledWithEarlyMedia()
    scene.userAgent.invite0.answer(sdpBody(peerSdp({ host: '192.0.2.77', codecs: '0' })))
    const { codec, remote } = scene.session.connects.at(-1) ?? {}
    assert.equal(codec, 'PCMU')
    assert.equal(remote?.host, '192.0.2.77')
  })

  it('waits for the 2xx where early media cannot be understood', async () => {
    const scene = await dialled()
    scene.userAgent.invite0.handlers.progress(response(183, { body: sdpBody('nonsense') }))
    assert.deepEqual(scene.logged, ['the SDP of a provisional response is not valid'])
    scene.userAgent.invite0.answer(sdpBody(peerSdp()))
    assert.equal(scene.call.snapshot().state, 'answered')
  })

  for (const [what, body, reason] of [
    ['without SDP', undefined, /without SDP/],
    ['with a codec that was not offered', sdpBody(peerSdp({ codecs: '18' })), /G729/],
    ['with nonsense', sdpBody('nonsense'), /v=0/],
  ] as const) {
    it(`hangs up when it is answered ${what}`, async () => {
      const { userAgent, call, types } = await dialled()
      const dialog = userAgent.invite0.answer(body)
      assert.equal(dialog.byes, 0, 'not before the 2xx is acknowledged')
      const end = await call.ended
      assert.equal(dialog.byes, 1)
      assert.deepEqual([end.by, end.cause], ['error', 'failed'])
      assert.match(end.reason, reason)
      assert.deepEqual(types, ['call.trying', 'call.ended'])
    })
  }

  for (const [status, cause] of [
    [486, 'busy'],
    [600, 'busy'],
    [408, 'no-answer'],
    [480, 'no-answer'],
    [403, 'rejected'],
    [603, 'rejected'],
    [487, 'cancelled'],
    [302, 'failed'],
    [404, 'failed'],
    [401, 'failed'],
    [503, 'failed'],
  ] as const) {
    it(`takes ${status} for ${cause}`, async () => {
      const { userAgent, call } = await dialled()
      userAgent.invite0.handlers.failed(response(status, { reason: 'Words' }))
      assert.deepEqual(await call.ended, { by: 'remote', cause, sipCode: status, reason: 'Words' })
    })
  }

  it('cannot be answered, rung or rejected', async () => {
    const { call } = await dialled()
    await assert.rejects(call.answer(), { code: 'WRONG_STATE' })
    assert.throws(() => call.ring(), { code: 'WRONG_STATE' })
    assert.throws(() => call.reject(486), { code: 'WRONG_STATE' })
  })

  it('shows only the answer’s headers that the account names', async () => {
    const { userAgent, call } = await dialled()
    userAgent.invite0.answer(sdpBody(peerSdp()), { 'x-ticket': 'abc', 'X-Secret': 'no' })
    assert.deepEqual(call.snapshot().headers, { 'X-Ticket': 'abc' })
  })

  it('writes its life into one CDR', async () => {
    const scene = await dialled()
    const { clock, userAgent, call } = scene
    clock.advance(1000)
    userAgent.invite0.handlers.progress(response(180))
    clock.advance(2000)
    const dialog = userAgent.invite0.answer(sdpBody(peerSdp()))
    scene.session.happen('digit', '1', 100)
    clock.advance(5500)
    await call.startRecord('r1', '/var/rec/a.wav')
    dialog.handlers.bye?.({ ...response(200), uri: '', uriUser: '', header: () => undefined })
    await call.ended
    const { cdr, stats, call: snapshot } = scene.last('call.ended')
    assert.equal(stats?.packetsSent, 500)
    assert.equal(snapshot.durationMs, 5500)
    assert.deepEqual(cdr, {
      id: call.id,
      sipCallId: snapshot.sipCallId,
      accountId: 'acc',
      account: 'Account',
      direction: 'outbound',
      fromUri: 'sip:alice@example.com',
      fromUser: 'alice',
      fromName: 'Alice',
      toUri: 'sip:bob@example.com',
      toUser: 'bob',
      startedAt: '2026-01-01T00:00:00.000Z',
      ringingAt: '2026-01-01T00:00:01.000Z',
      answeredAt: '2026-01-01T00:00:03.000Z',
      endedAt: '2026-01-01T00:00:08.500Z',
      durationMs: 8500,
      talkMs: 5500,
      endedBy: 'remote',
      cause: 'normal',
      sipCode: null,
      reason: 'BYE',
      codec: 'PCMA',
      digits: '1',
      packetsSent: 500,
      packetsReceived: 498,
      packetsLost: 2,
      discardedPackets: 1,
      jitterMs: 1.5,
      rttMs: 12,
      mos: 4.3,
      heard: 'sound',
      undecodedPackets: 0,
      strangerPackets: 0,
      strangerSources: '',
      recordings: '/var/rec/a.wav',
      tags: '{"ticket":7}',
    })
  })
})
