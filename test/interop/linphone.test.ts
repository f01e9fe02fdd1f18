/** Linphone as an independent peer: its SIP stack, RTP stack and DTMF detector share no code with baresip or SIPp. */
import assert from 'node:assert/strict'
import type { EngineEvents } from '../../src/engine/protocol.js'
import { findGaps, measureTone, readWav } from '../support/audio.js'
import { Kamailio } from '../support/peers/kamailio.js'
import { Linphone } from '../support/peers/linphone.js'
import { peerFolder } from '../support/peers/peer-folder.js'
import '../support/peers/root-hooks.js'
import { Phone } from '../support/phone.js'
import { Inbox } from '../support/sip-parties.js'

const ITS_HZ = 1000
const OUR_HZ = 600
const SOUND_MS = 1500

for (const protocol of ['udp', 'tcp'] as const) {
  describe(`Linphone by ${protocol.toUpperCase()}`, function () {
    this.timeout(30_000)
    let registrar: Kamailio
    let bob: Linphone
    let phone: Phone

    const start = async (autoAnswer: boolean) => {
      registrar = await Kamailio.registrar({ challengeCalls: true })
      const { address } = registrar
      const itsAccount = { address, aor: 'bob@sip.test', realm: 'sip.test', password: 'secret-b' }
      const starting = Linphone.start({ name: 'linphone', toneHz: ITS_HZ, protocol, autoAnswer, registrar: itsAccount })
      const hop = `sip:${address};transport=${protocol};lr`
      phone = await Phone.start({
        folder: peerFolder.folder('phone'),
        trace: true,
        transport: { ports: { [protocol]: 0 } },
        account: {
          aor: 'alice@sip.test',
          password: 'secret-a',
          register: true,
          inboundFrom: 'known',
          proxy: { id: 'p', name: 'p', hops: [hop] },
        },
        inbound: {},
      })
      bob = await starting
      await phone.registration('registered')
    }

    afterEach(async () => {
      await phone.close()
      await bob.stop()
      await registrar.stop()
    })

    /** Our tone and its tone at the same time, then digits both ways; returns what we recorded. */
    async function talk(callId: string): Promise<string> {
      const source = { kind: 'tone' as const, hz: [OUR_HZ], durationMs: SOUND_MS }
      const [heard] = await Promise.all([
        phone.hear(callId, SOUND_MS),
        phone.call('play', { callId, mediaId: 'tone', source }),
      ])
      assert.equal(await phone.call('sendDigits', { callId, digits: '159#' }), 'finished')
      await bob.line(/Receiving tone # from/)
      for (const digit of '482*') {
        bob.command(digit)
        await phone.event('call.digit', { callId, where: (event) => event.digit === digit })
      }
      const ours = phone.events.flatMap((event) => (event.type === 'call.digit' ? [event.digit] : [])).join('')
      console.log(`      digits: Linphone heard ${bob.digits()}, we heard ${ours}`)
      assert.deepEqual([bob.digits(), ours], ['159#', '482*'])
      return heard
    }

    /** Both recordings, when Linphone has closed its own. */
    async function measure(heardByUs: string): Promise<void> {
      await bob.stop()
      const shares = [measureTone(heardByUs, ITS_HZ), measureTone(...untilSilence(bob.heard, OUR_HZ))]
      const [its = '', our = ''] = shares.map(({ share, soundMs }) => `share ${share.toFixed(4)} of ${soundMs} ms`)
      console.log(`      we heard its ${ITS_HZ} Hz: ${its}; it heard our ${OUR_HZ} Hz: ${our}`)
      for (const { share, soundMs } of shares) assert.ok(share >= 0.95 && soundMs >= SOUND_MS * 0.9)
    }

    it('is called through a registrar that challenges: sound and digits both ways, we hang up', async () => {
      await start(true)
      const callId = await phone.dial('bob')
      const { call } = await phone.event('call.answered', { callId })
      const heard = await talk(callId)
      await phone.call('hangup', { callId })
      await bob.line(/Call 1 with .* ended/)
      const { end, cdr } = await phone.event('call.ended', { callId })
      assert.deepEqual([end.by, end.cause], ['local', 'normal'])
      console.log(`      ${call.codec}; received ${cdr.packetsReceived}, lost ${cdr.packetsLost}, MOS ${cdr.mos}`)
      assert.equal(cdr.packetsLost, 0)
      await measure(heard)
    })

    it('exchanges text messages with us through a registrar that challenges (RFC 3428)', async () => {
      await start(true)
      const { accountId } = phone
      const received = new Inbox<EngineEvents['message']>('a message of Linphone')
      phone.engine.on('message', (event) => received.put(event))
      await phone.call('takeMessages', { accountId, taker: 'test', on: true })
      const sent = await phone.call('sendMessage', { accountId, target: 'bob', text: 'Wasser im Keller' })
      console.log(`      our message: ${sent.status} ${sent.reason}`)
      assert.equal(sent.result, 'delivered')
      await bob.line(/Wasser im Keller/)
      bob.command('chat sip:alice@sip.test Verstanden')
      const { text, from } = await received.next(15_000)
      assert.deepEqual([text, from.user], ['Verstanden', 'bob'])
    })

    it('calls us: sound and digits both ways, it hangs up', async () => {
      await start(false)
      bob.command('call sip:alice@sip.test')
      const { callId, call } = await phone.event('call.answered')
      assert.equal(call.from.user, 'bob')
      await bob.line(/Media streams established/)
      const heard = await talk(callId)
      bob.command('terminate')
      const { end, cdr } = await phone.event('call.ended', { callId })
      assert.deepEqual([end.by, end.cause], ['remote', 'normal'])
      console.log(`      ${call.codec}; received ${cdr.packetsReceived}, lost ${cdr.packetsLost}, MOS ${cdr.mos}`)
      assert.equal(cdr.packetsLost, 0)
      await measure(heard)
    })

    it('holds and resumes: the sound comes back, we hang up', async () => {
      await start(true)
      const callId = await phone.dial('bob')
      await phone.event('call.media', { callId })
      await bob.line(/Media streams established/)
      bob.command('pause')
      const held = await phone.event('call.held', { callId })
      await bob.line(/Call 1 .* is now paused/)
      bob.command('resume 1')
      await phone.event('call.resumed', { callId })
      const offers = phone.messages('in', /^INVITE /).map(direction)
      const answers = phone.messages('out', /^SIP\/2\.0 200/).filter((text) => /^CSeq: \d+ INVITE/m.test(text))
      console.log(`      offered ${offers}; answered ${answers.map(direction)}; told as held ${held.direction}`)
      assert.deepEqual(offers, ['sendonly', 'sendrecv'])
      assert.deepEqual(answers.map(direction), ['recvonly', 'sendrecv'])
      const tone = measureTone(await phone.hear(callId, 1500), ITS_HZ)
      console.log(`      after it has resumed: share ${tone.share.toFixed(4)} of ${tone.soundMs} ms`)
      assert.ok(tone.share >= 0.95)
      await phone.call('hangup', { callId })
      await bob.line(/Call 1 with .* ended/)
    })

    it('refuses: our call ends as rejected or busy; its binding goes when it quits', async () => {
      await start(false)
      const callId = await phone.dial('bob')
      await phone.event('call.ringing', { callId })
      await bob.line(/Receiving new incoming call/)
      assert.equal((await registrar.bindings('bob')).length, 1)
      bob.command('terminate')
      const { end } = await phone.event('call.ended', { callId })
      console.log(`      refused with ${end.sipCode} ${end.reason}: ${end.cause}`)
      assert.equal(end.by, 'remote')
      assert.ok(end.sipCode && [486, 603].includes(end.sipCode))
      await bob.stop()
      assert.deepEqual(await registrar.bindings('bob'), [])
    })
  })
}

/** Linphone plays the tones of received digits to its user and so records them, after our tone. */
function untilSilence(path: string, hz: number): [samples: Int16Array, hz: number, sampleRate: number] {
  // Linphone counts its header as sound.
  const { channels, sampleRate } = readWav(path, { sizes: 'too large' })
  const [all = new Int16Array(0)] = channels
  const [first] = findGaps(all, { minMs: 100, sampleRate })
  return [all.subarray(0, first && Math.round((first.atMs * sampleRate) / 1000)), hz, sampleRate]
}

/** RFC 3264 6.1: sendrecv is the default. */
const direction = (message: string): string =>
  /^a=(sendrecv|sendonly|recvonly|inactive)/m.exec(message)?.[1] ?? 'sendrecv'
