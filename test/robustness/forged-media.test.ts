import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { buildRtcp } from '../../src/media/rtp/rtcp-packet.js'
import { findGaps, measureTone, readWav } from '../support/audio.js'
import { tell } from '../support/figures.js'
import { Phone } from '../support/phone.js'
import { randomFrom } from '../support/relay-fates.js'
import { RtpParty } from '../support/rtp-party.js'
import { SipProber } from '../support/sip-prober.js'

const TRUE_HZ = 440
const FORGED_HZ = 1000
const MUTATED = 200_000

/** An empty STUN binding request (RFC 8489 5). */
const STUN = Uint8Array.from([0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, ...new Uint8Array(12).fill(7)])

describe('media that is not the peer’s', function () {
  this.timeout(60_000)

  let folder: string
  let phone: Phone
  let prober: SipProber
  let party: RtpParty
  let forgers: RtpParty[]
  let media: { host: string; port: number }
  let callId: string
  let bye: () => Promise<unknown>

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ringflow-forged-'))
    phone = await Phone.start({ folder, hosted: true, inbound: {} })
    const [host = '', port] = phone.address.split(':')
    prober = await SipProber.open({ host, port: Number(port) })
    party = await RtpParty.open({ hz: TRUE_HZ, ssrc: 1111 })
    forgers = await Promise.all([
      RtpParty.open({ hz: FORGED_HZ, ssrc: 2222 }),
      RtpParty.open({ hz: FORGED_HZ, ssrc: 3333, host: '127.0.0.9' }),
      RtpParty.open({ hz: FORGED_HZ, ssrc: 4444, host: '127.0.0.8', port: party.port }),
    ])
    const call = await prober.establish('ringflow', { offer: party.offer })
    assert.equal(call.status, 200)
    bye = call.bye
    media = { host, port: Number(/^m=audio (\d+)/m.exec(call.answer)?.[1]) }
    ;({ callId } = await phone.event('call.answered'))
  })

  afterEach(async () => {
    await Promise.all([party, ...forgers].map((one) => one.close()))
    await bye().catch(() => undefined)
    await prober.close()
    await phone.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const record = async () => {
    const { path } = await phone.call('startRecord', { callId, mediaId: 'whole', file: '' })
    return async () => {
      await phone.call('stopRecord', { callId })
      return path
    }
  }

  /** Sound, RTCP and STUN from every forger, to both ports. */
  const forge = () => {
    for (const forger of forgers) forger.talk(media)
    const others = setInterval(() => {
      for (const forger of forgers) {
        const rtcp = buildRtcp({ ssrc: forger.ssrc, cname: 'forger', blocks: [], bye: true })
        for (const packet of [rtcp, STUN]) {
          forger.send(packet, media)
          forger.send(packet, { ...media, port: media.port + 1 })
        }
      }
    }, 100)
    return () => {
      clearInterval(others)
      for (const forger of forgers) forger.silence()
    }
  }

  it('before and during the call, and while the party is silent: nothing sent to the forger, nothing of it heard', async () => {
    const stopRecord = await record()
    const stopForging = forge()
    const sent: Record<string, number> = {}
    const phase = async (name: string, ms: number) => {
      const before = party.received
      await delay(ms)
      sent[name] = party.received - before
    }
    await phase('before', 2_000)
    party.talk(media)
    await phase('during', 1_500)
    // Now as an eavesdropper: a copy of the party's own stream, one packet ahead.
    for (const forger of forgers) Object.assign(forger, { ssrc: party.ssrc, sequence: party.sequence + 1 })
    await phase('during, with its SSRC', 1_500)
    party.silence()
    for (const forger of forgers) Object.assign(forger, { ssrc: party.ssrc, sequence: party.sequence })
    await phase('in its silence', 4_500)
    party.talk(media)
    await phase('again', 1_000)
    stopForging()
    const path = await stopRecord()
    const forged = measureTone(path, FORGED_HZ)
    const own = measureTone(path, TRUE_HZ)
    const bled = forgers.reduce((sum, { received }) => sum + received, 0)
    const { strangerPackets } = await phone.call('stats', { callId })

    tell('datagrams sent to three forgers', `${bled}`, 'none')
    tell(
      `forged sound heard (${strangerPackets} packets refused)`,
      `${(100 * forged.share).toFixed(1)} % of the power; the party's own ${(100 * own.share).toFixed(1)} %`,
      'none',
    )
    tell('packets that the party got meanwhile', JSON.stringify(sent), 'some in each')
    assert.equal(bled, 0)
    assert.ok(forged.share < 0.001, `${forged.share}`)
    assert.ok(own.share > 0.95, `${own.share}`)
    assert.ok(Object.values(sent).every((count) => count > 20))
  })

  it(`${MUTATED} mutated RTP, RTCP and STUN datagrams: the call stands, strangers harm no sound`, async function () {
    // Other programs on this machine may cause one gap; a fault in our code causes one each time.
    this.retries(2)
    const random = randomFrom(20261120)
    party.talk(media)
    await phone.event('call.media', { callId })
    await delay(300)
    const stopRecord = await record()
    await mutate(forgers, MUTATED / 2)
    const path = await stopRecord()
    const tone = measureTone(path, TRUE_HZ)
    const gaps = findGaps(readWav(path).channels[0] ?? new Int16Array())
    await mutate([party], MUTATED / 2)
    // The party's own garbage may be heard; the sound after it must be clean again.
    party.talk(media)
    await delay(1_000)
    const after = measureTone(await phone.hear(callId, 1_000), TRUE_HZ)
    const live = (await phone.call('calls', null)).length

    tell(
      `${MUTATED / 2} mutated datagrams of strangers in ${(tone.soundMs / 1000).toFixed(1)} s of sound`,
      `${gaps.length} gaps, ${(100 * tone.share).toFixed(1)} % tone`,
      'unharmed',
    )
    tell(
      `after ${MUTATED / 2} of the party's own`,
      `${live} call, ${(100 * after.share).toFixed(1)} % tone`,
      'it stands',
    )
    assert.deepEqual(gaps, [])
    assert.ok(tone.share > 0.95, `${tone.share}`)
    assert.equal(live, 1)
    assert.ok(after.share > 0.9, `${after.share}`)

    async function mutate(from: RtpParty[], count: number): Promise<void> {
      const rtcp = { ...media, port: media.port + 1 }
      for (let n = 0; n < count; n++) {
        const sender = from[n % from.length] ?? party
        const right = [rtpOf, rtcpOf, () => STUN][n % 3] ?? rtpOf
        sender.send(mutated(right(sender)), random() < 0.5 ? media : rtcp)
        if (n % 40 === 0) await delay(3)
      }
    }

    function rtcpOf({ ssrc }: RtpParty): Uint8Array {
      return Uint8Array.from(buildRtcp({ ssrc, cname: 'x', blocks: [], bye: random() < 0.5 }))
    }

    /** A packet that does not advance its stream. */
    function rtpOf(sender: RtpParty): Uint8Array {
      const { sequence, timestamp } = sender
      const packet = sender.packet()
      Object.assign(sender, { sequence, timestamp })
      return packet
    }

    function mutated(right: Uint8Array): Uint8Array {
      const bytes = right.slice(0, random() < 0.2 ? Math.floor(random() * right.length) : right.length)
      for (let flips = 1 + Math.floor(random() * 5); flips > 0 && bytes.length > 0; flips--) {
        bytes[Math.floor(random() * Math.min(bytes.length, 32))] = Math.floor(random() * 256)
      }
      return bytes
    }
  })
})
