import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { AssembledEngine, NoSound } from '../support/assembled-engine.js'
import { measureTone, readWav } from '../support/audio.js'
import { ANSWER, engineInit, Heard, loopbackAccount } from '../support/engine-pair.js'
import { tell } from '../support/figures.js'
import { type HeardRequest, ObligingPeer } from '../support/obliging-peer.js'
import { Baresip } from '../support/peers/baresip.js'
import '../support/peers/root-hooks.js'
import { RawPeer } from '../support/raw-peer.js'

/** RFC 5737: documentation addresses, added to the loopback interface of this private network. */
const REGISTRAR = '192.0.2.100'
const OLD = '192.0.2.1'
const NEW = '192.0.2.2'
const PROMISED_SEC = 10
const AWAY_MS = 6_000

describe('this machine’s address', function () {
  this.timeout(40_000)

  let registrar: ObligingPeer
  let engine: AssembledEngine

  before(async () => {
    ip('addr', 'add', `${REGISTRAR}/32`, 'dev', 'lo')
    haveAddress(OLD)
    registrar = await ObligingPeer.listen(undefined, REGISTRAR)
    engine = new AssembledEngine(engineInit(), { media: new NoSound() })
  })

  after(async () => {
    await engine.close()
    await registrar.close()
    if (present !== '') loseAddress(present)
    ip('addr', 'del', `${REGISTRAR}/32`, 'dev', 'lo')
  })

  it('changes, or is away for a while: registered again within 10 s', async () => {
    const { transport, ...account } = loopbackAccount('mover')
    await engine.call('setAccount', {
      ...account,
      transport: { ...transport, bindAddress: '' },
      aor: `mover@${REGISTRAR}:${registrar.port}`,
      register: true,
    })
    await registrar.request('REGISTER', isFrom(OLD))

    loseAddress(OLD)
    const changed = performance.now()
    haveAddress(NEW)
    await registrar.request('REGISTER', isFrom(NEW))
    const changeSec = (performance.now() - changed) / 1000

    await delay(2_500) // a REGISTER within 2 s of a granted one would repeat the same binding
    loseAddress(NEW)
    await delay(AWAY_MS)
    const { length } = registrar.heard
    const state = await engine.call('registration', { accountId: 'mover' })
    const returned = performance.now()
    haveAddress(NEW)
    await registrar.request('REGISTER', (request) => registrar.heard.indexOf(request) >= length)
    const returnSec = (performance.now() - returned) / 1000

    tell('address changed: registered from the new one after', `${changeSec.toFixed(1)} s`, `${PROMISED_SEC} s`)
    tell(
      `network away for ${AWAY_MS / 1000} s (told as ${state.state}): registered again after`,
      `${returnSec.toFixed(1)} s`,
      `${PROMISED_SEC} s`,
    )
    assert.notEqual(state.state, 'registered')
    assert.ok(changeSec <= PROMISED_SEC && returnSec <= PROMISED_SEC, `${changeSec} ${returnSec}`)
  })
})

/** baresip in place of our own peer: it follows a re-INVITE by its own rules. */
describe('calls of a machine whose address changes', function () {
  this.timeout(60_000)

  const ITS_HZ = 1000
  const OUR_HZ = 600
  const OUR_HZ_LATER = 750
  const TALK_MS = 2_000

  let bob: Baresip
  let carol: Baresip
  let registrar: ObligingPeer
  let engine: AssembledEngine
  let heard: Heard

  before(async () => {
    ip('addr', 'add', `${REGISTRAR}/32`, 'dev', 'lo')
    haveAddress(OLD)
    registrar = await ObligingPeer.listen(undefined, REGISTRAR)
    const telephone = { host: REGISTRAR, sends: { toneHz: ITS_HZ }, record: true }
    bob = await Baresip.start({ ...telephone, name: 'bob', autoAnswer: true })
    carol = await Baresip.start({ ...telephone, name: 'carol' })
    engine = new AssembledEngine(engineInit())
    heard = new Heard(engine)
  })

  after(async () => {
    await engine.close()
    await Promise.all([bob, carol].map((telephone) => telephone.stop()))
    await registrar.close()
    if (present !== '') loseAddress(present)
    ip('addr', 'del', `${REGISTRAR}/32`, 'dev', 'lo')
  })

  it('has sound both ways again within 10 s, with its plays, recordings and figures going on', async () => {
    const { transport, ...account } = loopbackAccount('mover', { mediaTimeoutMs: 20_000 })
    const { local } = await engine.call('setAccount', {
      ...account,
      transport: { ...transport, bindAddress: '' },
      aor: `mover@${REGISTRAR}:${registrar.port}`,
      register: true,
    })
    await engine.call('setInbound', { accountId: 'mover', rule: ANSWER })
    const { callId: out } = await engine.call('dial', { accountId: 'mover', target: bob.uri })
    await heard.next('call.media', ({ callId }) => callId === out)
    await carol.control.command('dial', `sip:mover@${local.host}:${local.port}`)
    const { callId: taken } = await heard.next('call.media', ({ callId }) => callId !== out)
    const calls = [out, taken]
    const recordings = await Promise.all(
      calls.map((callId) => engine.call('startRecord', { callId, mediaId: 'heard', file: '' })),
    )
    for (const callId of calls) void play(callId, OUR_HZ, 60_000).catch(() => undefined)
    await delay(TALK_MS)

    const changeSec = await soundBack(calls, OLD, () => haveAddress(NEW))
    await delay(TALK_MS)
    const awaySec = await soundBack(calls, NEW, async () => {
      await delay(AWAY_MS)
      haveAddress(NEW)
    })
    await Promise.all(calls.map((callId) => play(callId, OUR_HZ_LATER, TALK_MS)))
    for (const callId of calls) await engine.call('sendDigits', { callId, digits: '15' })
    await Promise.all([bob, carol].map(({ control }) => control.event('CALL_DTMF_START', { param: '5' })))

    for (const callId of calls) await engine.call('stopRecord', { callId })
    for (const callId of calls) await engine.call('hangup', { callId })
    const ended = await Promise.all(calls.map((id) => heard.next('call.ended', ({ callId }) => callId === id)))
    await Promise.all([bob, carol].map(({ control }) => control.event('CALL_CLOSED')))
    await Promise.all([bob, carol].map((telephone) => telephone.stop()))
    const atPeers = [bob, carol].map((telephone) => readWav(telephone.heard()[0] ?? ''))
    const theyHeard = atPeers.map(({ channels: [samples = NOTHING], sampleRate }) =>
      [OUR_HZ, OUR_HZ_LATER].map((hz) => toneMs(samples, hz, sampleRate)),
    )
    const weHeard = recordings.map(({ path }) => toneMs(readWav(path).channels[0] ?? NOTHING, ITS_HZ))

    const sec = (values: number[]) => `${Math.max(...values).toFixed(1)} s`
    tell('address changed in 2 calls: sound both ways again after', sec(changeSec), `${PROMISED_SEC} s`)
    tell(
      `network away for ${AWAY_MS / 1000} s: after its return`,
      sec(awaySec.map((s) => s - AWAY_MS / 1000)),
      `${PROMISED_SEC} s`,
    )
    tell(
      'heard by baresip before and after, by us in all',
      `${theyHeard.join('; ')}; ${weHeard.join(', ')} ms`,
      'tones only',
    )
    for (const { end } of ended) assert.deepEqual([end.by, end.cause], ['local', 'normal'])
    assert.ok(Math.max(...changeSec) <= PROMISED_SEC && Math.max(...awaySec) <= PROMISED_SEC + AWAY_MS / 1000)
    for (const [before = 0, after = 0] of theyHeard) assert.ok(before >= 1.6 * TALK_MS && after >= 0.8 * TALK_MS)
    for (const ms of weHeard) assert.ok(ms >= 2.6 * TALK_MS, String(ms))
    // One re-INVITE each, from the new address; the network that returned unchanged needed none.
    for (const { process } of [bob, carol]) {
      const reinvites = process.lines.filter(
        (line, i) => line.startsWith('INVITE ') && process.lines[i - 1]?.startsWith(`UDP ${NEW}:`),
      )
      assert.equal(reinvites.length, 1)
    }
  })

  it('a peer that refuses hears a BYE from the new address, one that has not answered costs nobody a wait', async () => {
    const [refuser, ringing] = [await RawPeer.open(REGISTRAR), await RawPeer.open(REGISTRAR)]
    const body = [
      'v=0',
      `o=- 1 1 IN IP4 ${REGISTRAR}`,
      's=-',
      `c=IN IP4 ${REGISTRAR}`,
      't=0 0',
      'm=audio 9 RTP/AVP 8',
      '',
    ]
    const { callId: refused } = await engine.call('dial', { accountId: 'mover', target: refuser.uri })
    refuser.answer(await refuser.requests.next(), 200, { body: body.join('\r\n') })
    assert.equal((await refuser.requests.next()).message.method, 'ACK')
    const { callId: unanswered } = await engine.call('dial', { accountId: 'mover', target: ringing.uri })
    ringing.answer(await ringing.requests.next(), 180)
    await heard.next('call.ringing', ({ callId }) => callId === unanswered)

    loseAddress(NEW)
    const changed = performance.now()
    haveAddress(OLD)
    const reinvite = await refuser.requests.next()
    const reinviteSec = (performance.now() - changed) / 1000
    refuser.answer(reinvite, 488)
    const [ack, bye] = [await refuser.requests.next(), await refuser.requests.next()]
    refuser.answer(bye, 200)
    const [end, noAnswer] = await Promise.all(
      [refused, unanswered].map(async (id) => (await heard.next('call.ended', ({ callId }) => callId === id)).end),
    )
    const endSec = (performance.now() - changed) / 1000

    tell('a peer that refuses the re-INVITE: BYE after', `${endSec.toFixed(1)} s`, `${PROMISED_SEC} s`)
    assert.deepEqual(
      [reinvite, ack, bye].map(({ message, from }) => `${message.method} ${from.host}`),
      [`INVITE ${OLD}`, `ACK ${OLD}`, `BYE ${OLD}`],
    )
    assert.ok(reinviteSec <= PROMISED_SEC && endSec <= PROMISED_SEC)
    const gone = 'the local address of the call is gone'
    assert.deepEqual(
      [end?.cause, end?.sipCode, end?.reason],
      ['failed', 488, `${gone}: the peer did not accept the new address: 488 Test`],
    )
    assert.deepEqual([noAnswer?.cause, noAnswer?.reason], ['failed', `${gone}: the call was not yet answered`])
    await Promise.all([refuser.close(), ringing.close()])
  })

  /** Takes an address away; how long after that each call has sound again. */
  async function soundBack(calls: readonly string[], address: string, then: () => unknown): Promise<number[]> {
    loseAddress(address)
    const lost = performance.now()
    await delay(200) // packets in transit have arrived
    const before = await received(calls)
    await then()
    return Promise.all(
      calls.map(async (callId, i) => {
        const tooLate = lost + AWAY_MS + 1_500 * PROMISED_SEC
        while ((await received([callId]))[0] === before[i] && performance.now() < tooLate) await delay(20)
        return (performance.now() - lost) / 1000
      }),
    )
  }

  async function play(callId: string, hz: number, durationMs: number): Promise<void> {
    const { ended } = await engine.call('play', {
      callId,
      mediaId: `${hz}`,
      source: { kind: 'tone', hz: [hz], durationMs },
    })
    assert.notEqual(ended, 'failed')
  }

  const received = (calls: readonly string[]): Promise<number[]> =>
    Promise.all(calls.map(async (callId) => (await engine.call('stats', { callId })).packetsReceived))
})

const WINDOW_MS = 125
const NOTHING = new Int16Array(0)
/** Which of both addresses this machine has. */
let present = ''

/** How long a tone is heard and nothing else. */
function toneMs(samples: Int16Array, hz: number, sampleRate = 8000): number {
  const size = Math.round((sampleRate * WINDOW_MS) / 1000)
  let found = 0
  for (let at = 0; at + size <= samples.length; at += size) {
    const { share, soundMs } = measureTone(samples.subarray(at, at + size), hz, sampleRate)
    if (share >= 0.95 && soundMs >= WINDOW_MS * 0.9) found += WINDOW_MS
  }
  return found
}

const isFrom = (host: string) => (request: HeardRequest) => request.text.includes(`@${host}:`)

/** The other side is reached from there, and sends from its own address. Routes go with the address, as on any machine. */
function haveAddress(address: string): void {
  present = address
  ip('addr', 'add', `${address}/32`, 'dev', 'lo')
  haveRoute(REGISTRAR, address)
  haveRoute(address, REGISTRAR)
}

function loseAddress(address: string): void {
  present = ''
  ip('addr', 'del', `${address}/32`, 'dev', 'lo')
  ip('route', 'del', 'local', address, 'dev', 'lo', 'table', 'local')
}

function haveRoute(to: string, from: string): void {
  ip('route', 'replace', 'local', to, 'dev', 'lo', 'table', 'local', 'src', from)
}

function ip(...args: string[]): void {
  const { status, stderr } = spawnSync('ip', args, { encoding: 'utf8' })
  assert.equal(status, 0, `ip ${args.join(' ')}: ${stderr}`)
}
