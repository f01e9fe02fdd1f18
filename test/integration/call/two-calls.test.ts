import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newSipCallId } from '../../../src/base/ids.js'
import { silentLogger } from '../../../src/base/logger.js'
import type { GatherRules } from '../../../src/call/call.js'
import { DialogLeg } from '../../../src/call/dialog-leg.js'
import { LiveCall } from '../../../src/call/live-call.js'
import { startMediaService } from '../../../src/media/client.js'
import type { PromptSource } from '../../../src/media/protocol.js'
import { measureTone } from '../../support/audio.js'
import { type Conversation, flowRule, Telephone, talking } from '../../support/telephone.js'
import { within } from '../../support/wait.js'

const tone = (hz: number, durationMs: number): PromptSource => ({ kind: 'tone', hz: [hz], durationMs, levelDbfs: -13 })
const silence: PromptSource = { kind: 'tone', hz: [50], durationMs: 200, levelDbfs: -90 }
const gatherOne: GatherRules = {
  bargeIn: true,
  minDigits: 1,
  maxDigits: 1,
  terminators: '#',
  accept: '',
  firstDigitMs: 5000,
  interDigitMs: 1000,
  clearBuffer: false,
}

describe('calls between two parties, over real SIP and RTP', () => {
  let media: ReturnType<typeof startMediaService>
  let alice: Telephone
  let bob: Telephone
  let folder: string

  before(() => {
    media = startMediaService({ log: silentLogger })
    folder = mkdtempSync(join(tmpdir(), 'ringflow-call-'))
  })

  after(async () => {
    await media.close()
    rmSync(folder, { recursive: true })
  })

  beforeEach(async () => {
    ;[alice, bob] = await Promise.all([Telephone.open('alice', media), Telephone.open('bob', media)])
  })

  afterEach(() => Promise.all([alice.close(), bob.close()]))

  it('each side records the tone that the other plays; both CDRs tell the same call', async () => {
    const { out, in: incoming } = await talking(alice, bob)
    const [atAlice, atBob] = [join(folder, 'alice.wav'), join(folder, 'bob.wav')]
    await out.call.startRecord('r', atAlice)
    await incoming.call.startRecord('r', atBob)
    const played = await Promise.all([out.call.play('p', tone(1000, 1500)), incoming.call.play('p', tone(425, 1500))])
    assert.deepEqual(
      played.map(({ ended }) => ended),
      ['finished', 'finished'],
    )
    // What the jitter buffers still hold is heard before the recordings stop.
    await Promise.all([out.call.play('q', silence), incoming.call.play('q', silence)])
    await out.call.hangup()
    await incoming.call.ended
    for (const [path, hz] of [
      [atBob, 1000],
      [atAlice, 425],
    ] as const) {
      const { share, rmsDbfs } = measureTone(path, hz)
      assert.ok(share >= 0.95, `${hz} Hz has ${share} of the power`)
      assert.ok(Math.abs(rmsDbfs + 13) < 1.5, `${hz} Hz at ${rmsDbfs} dBFS`)
    }
    const [ours, theirs] = await Promise.all([out.events.first('call.ended'), incoming.events.first('call.ended')])
    assert.equal(ours.cdr.sipCallId, theirs.cdr.sipCallId)
    assert.deepEqual([ours.end.by, theirs.end.by, theirs.end.cause], ['local', 'remote', 'normal'])
    assert.equal(ours.cdr.codec, 'PCMA')
    assert.equal(ours.cdr.recordings, atAlice)
    assert.ok(ours.cdr.packetsSent >= 80 && ours.cdr.packetsReceived >= 80, JSON.stringify(ours.stats))
    assert.deepEqual(
      out.events.types.filter((type) => !/play|record/.test(type)),
      ['call.trying', 'call.ringing', 'call.answered', 'call.media', 'call.ended'],
    )
    assert.deepEqual(
      incoming.events.types.filter((type) => !/play|record/.test(type)),
      ['call.incoming', 'call.ringing', 'call.answered', 'call.media', 'call.ended'],
    )
  })

  it('digits go both ways, into a gather whose prompt they stop, and stand in the CDR', async () => {
    const { out, in: incoming } = await talking(alice, bob)
    const gathered = out.call.gather({ ...gatherOne, maxDigits: 4 }, tone(440, 60_000))
    await Promise.all([incoming.events.first('call.media'), out.events.first('call.media')])
    const [sent, back] = await Promise.all([incoming.call.sendDigits('19*'), out.call.sendDigits('#0A')])
    assert.deepEqual([sent, back], ['finished', 'finished'])
    assert.equal(await incoming.call.sendDigits('#'), 'finished')
    assert.deepEqual(await gathered, { digits: '19*', terminator: '#', ended: 'terminator' })
    await incoming.call.hangup()
    await out.call.ended
    assert.equal((await out.events.first('call.ended')).cdr.digits, '19*#')
    assert.equal((await incoming.events.first('call.ended')).cdr.digits, '#0A')
  })

  it('digits pressed while a message plays wait for the gather after it', async () => {
    const { out, in: incoming } = await talking(alice, bob)
    const message = out.call.play('m', tone(440, 1500))
    await incoming.events.first('call.media')
    await incoming.call.sendDigits('7')
    assert.equal((await message).ended, 'finished')
    assert.equal((await out.call.gather({ ...gatherOne, firstDigitMs: 0 })).digits, '7')
    await out.call.hangup()
  })

  it('hangup after media lets the message be heard to its end', async () => {
    const { out, in: incoming } = await talking(alice, bob)
    const path = join(folder, 'whole.wav')
    await incoming.call.startRecord('r', path)
    const message = out.call.play('m', tone(800, 1000))
    await out.call.hangup({ afterMedia: true })
    await incoming.call.ended
    assert.deepEqual(await message, { ended: 'finished', playedMs: 1000 })
    const { soundMs } = measureTone(path, 800)
    assert.ok(soundMs >= 900, `${soundMs} ms of 1000 were heard`)
  })

  it('hold is answered, told and obeyed: nothing is sent until the peer resumes', async () => {
    const { out, in: incoming } = await talking(alice, bob)
    await Promise.all([incoming.events.first('call.media'), out.events.first('call.media')])
    const offer = (version: number, direction: string) => ({
      contentType: 'application/sdp',
      content: reoffer(out, alice, version, direction),
    })
    const held = await alice.dialog?.reinvite(offer(100, 'sendonly'))
    assert.match(bodyOf(held), /^a=recvonly\r$/m)
    assert.equal((await incoming.events.first('call.held')).direction, 'sendonly')
    const before = (await incoming.call.stats()).packetsSent
    await out.call.play('p', tone(440, 500))
    const during = (await incoming.call.stats()).packetsSent
    assert.ok(during - before <= 2, `${during - before} packets were sent while held`)
    const resumed = await alice.dialog?.reinvite(offer(101, 'sendrecv'))
    assert.match(bodyOf(resumed), /^a=sendrecv\r$/m)
    await incoming.events.first('call.resumed')
    await out.call.play('p', tone(440, 500))
    const after = (await incoming.call.stats()).packetsSent
    assert.ok(after - during >= 15, `${after - during} packets were sent after resuming`)
    await incoming.call.hangup()
    await out.call.ended
  })

  it('glare: both sides re-INVITE at the same time, and both come through (RFC 3261 14.1)', async function () {
    this.timeout(12_000)
    const { out, in: incoming } = await talking(alice, bob)
    await incoming.events.first('call.answered')
    assert.deepEqual(await Promise.all([renegotiate(out), renegotiate(incoming)]), [true, true])
    const answers = [...alice.party.lines('in'), ...bob.party.lines('in')]
    assert.ok(
      answers.some((line) => line.startsWith('SIP/2.0 491')),
      'they did collide',
    )
    assert.equal((await out.call.play('p', tone(425, 100))).ended, 'finished')
    assert.deepEqual([out.call.snapshot().state, incoming.call.snapshot().state], ['answered', 'answered'])
    await out.call.hangup()
    await incoming.call.ended
  })

  it('a call on hold is asked for by OPTIONS within its dialog, which is answered', async () => {
    const { out } = await talking(alice, bob)
    const response = await alice.dialog?.request('OPTIONS')
    assert.equal(response?.status, 200)
    await out.call.hangup()
    const gone = await alice.dialog?.request('OPTIONS')
    assert.equal(gone?.status, 503)
  })

  it('a peer that sends no sound is hung up on: media timeout', async () => {
    await bob.close()
    bob = await Telephone.open('bob', media, { mediaTimeoutMs: 300 })
    const taken = bob.take({ ...flowRule, mode: 'answer' })
    const hungUp = callWithoutMedia(alice, bob)
    const incoming = await taken
    await incoming.events.first('call.answered')
    const end = await incoming.call.ended
    assert.deepEqual([end.by, end.cause], ['error', 'media-timeout'])
    assert.equal(await hungUp, 'BYE')
    assert.equal((await incoming.events.first('call.ended')).cdr.packetsReceived, 0)
  })

  it('early media is heard, and a 180 after the 183 does not cut it', async () => {
    const ringback = await media.open({ id: 'ringback', address: '127.0.0.1', portMin: 30_000, portMax: 39_999 })
    const { call, events } = await alice.call(bob)
    const invite = await bob.party.invites.next()
    const port = Number(/^m=audio (\d+)/m.exec(invite.request.body?.content ?? '')?.[1])
    await ringback.connect({ ...toneOnly, remote: { host: '127.0.0.1', port, rtcpPort: port + 1 } })
    const body = { contentType: 'application/sdp', content: sdpAt(ringback.local.port) }
    invite.progress(183, { body })
    await events.first('call.early')
    const path = join(folder, 'early.wav')
    await call.startRecord('r', path)
    const { ended } = ringback.play(tone(425, 1000))
    await events.first('call.media')
    invite.progress(180)
    await events.first('call.ringing')
    await ended
    await call.stopRecord()
    const { share, soundMs } = measureTone(path, 425)
    assert.ok(share >= 0.95 && soundMs >= 850, `${soundMs} ms, ${share} of its power at 425 Hz`)
    invite.accept({ body })
    await events.first('call.answered')
    assert.deepEqual(events.types.slice(0, 4), ['call.trying', 'call.early', 'call.media', 'call.ringing'])
    await Promise.all([call.hangup(), ringback.close()])
  })

  it('early media that we send is heard and heard from, a 180 does not cut it, and the answer goes on', async () => {
    const taken = bob.take({ ...flowRule, sendRinging: false })
    const out = await alice.call(bob)
    const incoming = await taken
    await incoming.call.early()
    await out.events.first('call.early')
    const [atAlice, atBob] = [join(folder, 'early-out.wav'), join(folder, 'early-in.wav')]
    await Promise.all([out.call.startRecord('r', atAlice), incoming.call.startRecord('r', atBob)])
    const gathered = incoming.call.gather(gatherOne)
    const played = Promise.all([incoming.call.play('p', tone(425, 1500)), out.call.play('p', tone(1000, 1500))])
    await out.events.first('call.media')
    incoming.call.ring()
    await out.events.first('call.ringing')
    await played
    await out.call.sendDigits('7')
    assert.equal((await gathered).digits, '7')
    await Promise.all([out.call.stopRecord(), incoming.call.stopRecord()])
    for (const [path, hz] of [
      [atAlice, 425],
      [atBob, 1000],
    ] as const) {
      const { share, soundMs } = measureTone(path, hz)
      assert.ok(share >= 0.95 && soundMs >= 1350, `${path}: ${soundMs} ms, ${share} of its power at ${hz} Hz`)
    }
    assert.equal(out.call.snapshot().answeredAt, null)
    await incoming.call.answer()
    await out.events.first('call.answered')
    assert.equal((await out.call.play('q', tone(425, 100))).ended, 'finished')
    await out.call.hangup()
    await incoming.call.ended
    assert.deepEqual(out.events.types.filter((type) => type !== 'call.media').slice(0, 3), [
      'call.trying',
      'call.early',
      'call.ringing',
    ])
  })

  it('cancelled while it rings', async () => {
    const taken = bob.take()
    const { call, events } = await alice.call(bob)
    const incoming = await taken
    await events.first('call.ringing')
    await call.hangup()
    assert.deepEqual(await call.ended, { by: 'local', cause: 'cancelled', sipCode: 487, reason: 'hung up' })
    const { by, cause } = await incoming.call.ended
    assert.deepEqual([by, cause], ['remote', 'cancelled'])
  })

  it('not answered in time, on either side', async () => {
    const taken = bob.take()
    const impatient = await alice.call(bob, 100)
    assert.deepEqual((await impatient.call.ended).cause, 'no-answer')
    assert.equal((await (await taken).call.ended).cause, 'cancelled')
    const undecided = bob.take({ ...flowRule, decideMs: 50 })
    const patient = await alice.call(bob)
    const { by, cause, sipCode } = await patient.call.ended
    assert.deepEqual([by, cause, sipCode], ['remote', 'no-answer', 480])
    assert.equal((await (await undecided).call.ended).by, 'local')
  })

  it('busy', async () => {
    const taken = bob.take()
    const { call } = await alice.call(bob)
    ;(await taken).call.reject(486)
    const { by, cause, sipCode } = await call.ended
    assert.deepEqual([by, cause, sipCode], ['remote', 'busy', 486])
  })

  it('no codec in common: 488', async () => {
    await bob.close()
    bob = await Telephone.open('bob', media, { codecs: [] })
    const taken = bob.take()
    const { call } = await alice.call(bob)
    const { by, cause, sipCode } = await call.ended
    assert.deepEqual([by, cause, sipCode], ['remote', 'failed', 488])
    assert.deepEqual((await taken).events.types, ['call.ended'])
  })

  it('twenty at once end once each and leave no call on the media worker', async () => {
    const taken = Promise.all(
      Array.from({ length: 20 }, async () => {
        const { call, events } = await bob.take({ ...flowRule, mode: 'answer' })
        await call.ended
        return events
      }),
    )
    const calls = await Promise.all(Array.from({ length: 20 }, () => alice.call(bob)))
    await Promise.all(calls.map(({ events }) => events.first('call.media')))
    await Promise.all(calls.map(({ call }) => call.hangup()))
    const logs = [...calls.map(({ events }) => events), ...(await taken)]
    assert.deepEqual(
      logs.map(({ types }) => types.filter((type) => type === 'call.ended').length),
      Array(40).fill(1),
    )
    assert.deepEqual(
      (await media.load()).map(({ calls: open }) => open),
      [0],
    )
  })
})

function renegotiate({ call }: Conversation): Promise<boolean> {
  assert.ok(call instanceof LiveCall && call.core.leg instanceof DialogLeg)
  return call.core.leg.renegotiate()
}

const sdpAt = (port: number): string =>
  `v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio ${port} RTP/AVP 8\r\n`

const toneOnly = { codec: 'PCMA', payloadType: 8, direction: 'sendonly', ptimeMs: 20, timeoutMs: 0 } as const

const bodyOf = (response: unknown): string => (response as { body?: { content: string } }).body?.content ?? ''

/** Calls with an SDP whose port nobody sends from; resolves with the request that ended the call. */
function callWithoutMedia({ party }: Telephone, target: Telephone): Promise<string> {
  const body = { contentType: 'application/sdp', content: sdpAt(9) }
  const ended = new Promise<string>((resolve, reject) => {
    party.agent.invite(
      { target: target.party.address, body, sipCallId: newSipCallId('test') },
      {
        progress: () => {},
        answered: (dialog) => {
          dialog.handlers.bye = (request) => resolve(request.method)
        },
        failed: ({ status }) => reject(new Error(`refused with ${status}`)),
      },
    )
  })
  return within(ended, 'the BYE of a call without media', 15_000)
}

/** The offer of a telephone that puts its peer on hold or takes it back. */
function reoffer({ call }: Conversation, { party }: Telephone, version: number, direction: string): string {
  const invite = party.wire.find(({ text }) => text.startsWith('INVITE') && text.includes(call.snapshot().sipCallId))
  const sdp = invite?.text.slice(invite.text.indexOf('v=0')) ?? ''
  return sdp.replace(/^(o=\S+ \S+) \d+/m, `$1 ${version}`).replace('a=sendrecv', `a=${direction}`)
}
