/** Peers whose keys are the hardest to tell apart, on real sockets and through the real worker: test/unit/media/dtmf has all kinds. */
import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLogger } from '../../../src/base/logger.js'
import { startMediaService } from '../../../src/media/client.js'
import { DIGITS, writeTelephoneEvent } from '../../../src/media/dtmf/telephone-event.js'
import { writeRtpHeader } from '../../../src/media/rtp/rtp-packet.js'
import { measureTone } from '../../support/audio.js'
import { connectionTo, LOOPBACK_PORTS } from '../../support/media-pair.js'
import { RtpParty } from '../../support/rtp-party.js'

const KEYS = '1122334455*#00AABCD9'
const CALLS = 20

interface Keys {
  ssrc(press: number, packet: number): number
  timestamp(press: number, packet: number): number
}

const ALL_UNDER_ONE: Keys = { ssrc: () => 9, timestamp: () => 7000 }
const OWN_SOURCE: Keys = { ssrc: () => 77, timestamp: (press) => press * 4000 }
const IN_TURN_ONE_TIMESTAMP: Keys = { ssrc: (press) => 100 + (press % 2), timestamp: () => 7000 }
const MOVING_ENDS: Keys = {
  ssrc: () => 77,
  timestamp: (press, packet) => press * 4000 + (packet > 5 ? packet * 160 : 0),
}

describe('the keys of peers as they are, at the wire', function () {
  this.timeout(60_000)
  const media = startMediaService({ log: silentLogger })

  after(() => media.close())

  for (const [name, keys] of [
    ['all under one timestamp', ALL_UNDER_ONE],
    ['with a source of their own', OWN_SOURCE],
    ['from two sources in turn, under one timestamp', IN_TURN_ONE_TIMESTAMP],
    ['with repeated ends under new timestamps', MOVING_ENDS],
  ] as const) {
    it(`400 of 400, and no hole in the sound: ${name}`, async () => {
      const heard = await Promise.all(Array.from({ length: CALLS }, (_, n) => press(`${name} ${n}`, keys)))
      assert.deepEqual(
        heard.map(({ digits }) => digits),
        Array(CALLS).fill(KEYS),
      )
      assert.ok(heard.every(({ lost }) => lost === 0))
      const share = measureTone(heard[0]?.path ?? '', 1000).share
      assert.ok(share > 0.9, `${share} of the power is the tone that went on`)
    })
  }

  /** One call: a tone all the time, ten keys over it. */
  async function press(id: string, keys: Keys) {
    const session = await media.open({ id, ...LOOPBACK_PORTS })
    const peer = await RtpParty.open({ hz: 1000, ssrc: 9 })
    let digits = ''
    session.on('digit', (digit) => {
      digits += digit
    })
    await session.connect(connectionTo({ host: '127.0.0.1', port: peer.port, rtcpPort: peer.port + 1 }))
    const path = join(mkdtempSync(join(tmpdir(), 'ringflow-')), 'keys.wav')
    const recording = await session.record(path)
    const to = session.local
    const numbers = new Map<number, number>()
    const number = (ssrc: number) => {
      if (ssrc === peer.ssrc) return peer.sequence++
      numbers.set(ssrc, (numbers.get(ssrc) ?? 0) + 1)
      return numbers.get(ssrc) ?? 0
    }
    for (let interval = 0; interval < KEYS.length * 14; interval++) {
      const [pressed, packet] = [Math.floor(interval / 14), interval % 14]
      peer.send(peer.packet(), to)
      if (packet < 8) peer.send(event(pressed, packet), to)
      await new Promise((resolve) => setTimeout(resolve, 18))
    }
    const { packetsLost } = await session.stats()
    await recording.stop()
    await Promise.all([session.close(), peer.close()])
    return { digits, lost: packetsLost, path }

    /** 100 ms of tone in packets of 20 ms, and three repeated ends. */
    function event(pressed: number, packet: number): Uint8Array {
      const bytes = new Uint8Array(16)
      const ssrc = keys.ssrc(pressed, packet)
      const code = DIGITS.indexOf(KEYS[pressed] ?? '')
      writeRtpHeader(bytes, 101, packet === 0, number(ssrc), keys.timestamp(pressed, packet), ssrc)
      writeTelephoneEvent(bytes, 12, code, packet >= 5, Math.min(packet + 1, 6) * 160)
      return bytes
    }
  }
})
