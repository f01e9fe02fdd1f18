/** baresip called and calling: tones and digits both ways, hang-up by either side, hold and resume. */
import assert from 'node:assert/strict'
import { measureTone } from '../support/audio.js'
import { Baresip } from '../support/peers/baresip.js'
import { peerFolder } from '../support/peers/peer-folder.js'
import '../support/peers/root-hooks.js'
import { Phone, type PhoneInit } from '../support/phone.js'

const ITS_HZ = 1000
const OUR_HZ = 600
const SOUND_MS = 2000

describe('baresip', function () {
  this.timeout(30_000)
  let phone: Phone
  let bob: Baresip

  const start = async (init: Partial<PhoneInit> & { autoAnswer?: boolean } = {}) => {
    bob = await Baresip.start({
      name: 'bob',
      sends: { toneHz: ITS_HZ },
      record: true,
      autoAnswer: init.autoAnswer ?? false,
    })
    phone = await Phone.start({ folder: peerFolder.folder('phone'), trace: true, ...init })
  }

  afterEach(async () => {
    await phone.close()
    await bob.stop()
  })

  /** Our tone and its tone at the same time, then digits both ways; returns what we recorded. */
  async function talk(callId: string): Promise<string> {
    const { path } = await phone.call('startRecord', { callId, mediaId: 'heard', file: '' })
    const played = await phone.call('play', {
      callId,
      mediaId: 'tone',
      source: { kind: 'tone', hz: [OUR_HZ], durationMs: SOUND_MS },
    })
    assert.equal(played.ended, 'finished')
    const recorded = await phone.call('stopRecord', { callId })
    assert.equal(recorded?.path, path)

    assert.equal(await phone.call('sendDigits', { callId, digits: '159#' }), 'finished')
    for (const digit of '159#') await bob.control.event('CALL_DTMF_START', { param: digit })
    for (const digit of '482*') {
      await bob.control.command('sndcode', digit)
      await phone.event('call.digit', { callId, where: (event) => event.digit === digit })
    }
    const hers = bob.control.events.filter((event) => event.type === 'CALL_DTMF_START').map((event) => event.param)
    const ours = phone.events.flatMap((event) => (event.type === 'call.digit' ? [event.digit] : []))
    console.log(`      digits: baresip heard ${hers.join('')}, we heard ${ours.join('')}`)
    assert.equal(hers.join(''), '159#')
    assert.equal(ours.join(''), '482*')
    return path
  }

  /** Each side's recording, measured after both have closed their files. */
  async function measure(ourRecording: string) {
    await bob.stop()
    const [itsRecording = ''] = bob.heard()
    const heardByUs = measureTone(ourRecording, ITS_HZ)
    const heardByBob = measureTone(itsRecording, OUR_HZ)
    const figure = (tone: typeof heardByUs) =>
      `share ${tone.share.toFixed(4)}, ${tone.rmsDbfs.toFixed(1)} dBFS, ${tone.soundMs} ms`
    console.log(
      `      we heard its ${ITS_HZ} Hz: ${figure(heardByUs)}; it heard our ${OUR_HZ} Hz: ${figure(heardByBob)}`,
    )
    assert.ok(heardByUs.share >= 0.95)
    assert.ok(heardByBob.share >= 0.95)
    assert.ok(heardByUs.soundMs >= SOUND_MS * 0.9)
    assert.ok(heardByBob.soundMs >= SOUND_MS * 0.9)
  }

  it('is called: sound and digits both ways, we hang up', async () => {
    await start({ autoAnswer: true })
    const callId = await phone.dial(bob.uri)
    await phone.event('call.answered', { callId })
    await phone.event('call.media', { callId })
    const recording = await talk(callId)
    await phone.call('hangup', { callId })
    await bob.control.event('CALL_CLOSED')
    const { end, cdr } = await phone.event('call.ended', { callId })
    assert.deepEqual([end.by, end.cause], ['local', 'normal'])
    console.log(
      `      sent ${cdr.packetsSent}, received ${cdr.packetsReceived}, lost ${cdr.packetsLost}, MOS ${cdr.mos}`,
    )
    assert.equal(cdr.packetsLost, 0)
    assert.equal(cdr.digits, '482*')
    await measure(recording)
  })

  it('calls us: sound and digits both ways, it hangs up', async () => {
    await start({ inbound: {}, account: { codecs: ['PCMU', 'PCMA'] } })
    await bob.control.command('dial', `sip:ringflow@${phone.address}`)
    const { callId, call } = await phone.event('call.answered')
    console.log(`      codec ${call.codec}`)
    await bob.control.event('CALL_ESTABLISHED')
    const recording = await talk(callId)
    await bob.control.command('hangup')
    const { end, cdr } = await phone.event('call.ended', { callId })
    assert.deepEqual([end.by, end.cause], ['remote', 'normal'])
    assert.equal(cdr.packetsLost, 0)
    await measure(recording)
  })

  it('holds and resumes: the answers to its re-INVITEs say what RFC 3264 wants, the sound comes back', async () => {
    await start({ autoAnswer: true })
    const callId = await phone.dial(bob.uri)
    await phone.event('call.answered', { callId })
    await phone.event('call.media', { callId })

    await bob.control.command('hold')
    const held = await phone.event('call.held', { callId })
    await bob.control.command('resume')
    await phone.event('call.resumed', { callId })
    // The first answer in these traces is ours to its first re-INVITE: the call was placed by us.
    const answers = phone.messages('out', /^SIP\/2\.0 200/).filter((text) => /^CSeq: \d+ INVITE/m.test(text))
    const directions = answers.map((text) => /^a=(sendrecv|sendonly|recvonly|inactive)/m.exec(text)?.[1] ?? 'sendrecv')
    const offers = phone
      .messages('in', /^INVITE /)
      .map((text) => /^a=(sendrecv|sendonly|recvonly|inactive)/m.exec(text)?.[1] ?? 'sendrecv')
    console.log(`      offered ${offers.join(', ')}; answered ${directions.join(', ')}; told as held ${held.direction}`)
    const expected = { sendrecv: 'sendrecv', sendonly: 'recvonly', recvonly: 'sendonly', inactive: 'inactive' }
    assert.equal(offers.length, 2)
    assert.deepEqual(
      directions,
      offers.map((offer) => expected[offer as keyof typeof expected]),
    )
    // RFC 3264 8: the version in the o= line rises by one where the description has changed.
    const versions = answers.map((text) => Number(/^o=\S+ \d+ (\d+)/m.exec(text)?.[1]))
    assert.equal(versions[1], (versions[0] ?? 0) + 1)

    const tone = measureTone(await phone.hear(callId, 1500), ITS_HZ)
    console.log(`      after it has resumed: share ${tone.share.toFixed(4)} of ${tone.soundMs} ms`)
    assert.ok(tone.share >= 0.95)
    await phone.call('hangup', { callId })
    await bob.control.event('CALL_CLOSED')
  })

  it('is held and resumed by us: it hears the music, and holds us at the same time', async () => {
    await start({ autoAnswer: true })
    const callId = await phone.dial(bob.uri)
    await phone.event('call.media', { callId })
    const music = { kind: 'tone' as const, hz: [OUR_HZ], durationMs: 1000 }
    await phone.call('hold', { callId, music })
    const held = await phone.event('call.held', { callId })
    await bob.control.command('hold')
    const both = await phone.event('call.held', { callId, where: ({ by }) => by === 'remote' })
    await phone.call('resume', { callId })
    await bob.control.command('resume')
    const resumed = await phone.event('call.resumed', { callId, where: ({ by }) => by === 'remote' })
    const direction = (text: string) => /^a=(sendrecv|sendonly|recvonly|inactive)/m.exec(text)?.[1]
    const ours = phone.messages('out', /^(INVITE|UPDATE) /).map(direction)
    console.log(`      we offered ${ours.join(', ')}; then held by ${JSON.stringify(both.call.hold)}`)
    assert.deepEqual(ours, ['sendrecv', 'sendonly', 'sendrecv'])
    assert.deepEqual(held.call.hold, { local: true, remote: false })
    assert.deepEqual(both.call.hold, { local: true, remote: true })
    assert.deepEqual(resumed.call.hold, { local: false, remote: false })
    const tone = measureTone(await phone.hear(callId, 1500), ITS_HZ)
    assert.ok(tone.share >= 0.95, `share ${tone.share} after the resumes`)
    await phone.call('hangup', { callId })
    await bob.control.event('CALL_CLOSED')
  })

  it('rings and refuses: 486 or 603 ends our call as rejected or busy', async () => {
    await start()
    const callId = await phone.dial(bob.uri)
    await phone.event('call.ringing', { callId })
    await bob.control.event('CALL_INCOMING')
    await bob.control.command('hangup')
    const { end } = await phone.event('call.ended', { callId })
    console.log(`      refused with ${end.sipCode} ${end.reason}: ${end.cause}`)
    assert.equal(end.by, 'remote')
    assert.ok(end.sipCode && end.sipCode >= 400)
  })

  it('vanishes: the silence ends the call', async () => {
    await start({ autoAnswer: true, account: { mediaTimeoutMs: 1000 } })
    const callId = await phone.dial(bob.uri)
    await phone.event('call.media', { callId })
    await bob.process.stop('SIGKILL')
    const { end } = await phone.event('call.ended', { callId })
    assert.deepEqual([end.by, end.cause], ['error', 'media-timeout'])
    await phone.message('out', /^BYE /)
  })

  it('gives up before we answer: its CANCEL ends the call', async () => {
    await start({ inbound: { mode: 'flow' } })
    await bob.control.command('dial', `sip:ringflow@${phone.address}`)
    const { callId } = await phone.event('call.incoming')
    await bob.control.event('CALL_RINGING')
    await bob.control.command('hangup')
    const { end } = await phone.event('call.ended', { callId })
    assert.deepEqual([end.by, end.cause], ['remote', 'cancelled'])
  })
})
