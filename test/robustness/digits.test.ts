import assert from 'node:assert/strict'
import { silentLogger } from '../../src/base/logger.js'
import { type MediaSession, startMediaService } from '../../src/media/client.js'
import { tell } from '../support/figures.js'
import { connectionTo, LOOPBACK_PORTS } from '../support/media-pair.js'
import { seeded, UdpRelay } from '../support/udp-relay.js'

const CALLS = 20
/** With repeated digits: two presses of a key are two digits. */
const DIGITS = '1122334455*#00AABCD9'

describe('digits (RFC 4733) over a network that loses 20 % each way, doubles 5 % and delivers 10 % late', function () {
  this.timeout(30_000)

  it('400 of 400 are heard, once each and in their order', async () => {
    const service = startMediaService({ log: silentLogger })
    const relays: UdpRelay[] = []
    const heard = await Promise.all(
      Array.from({ length: CALLS }, async (_, n) => {
        const from = await service.open({ id: `from-${n}`, ...LOOPBACK_PORTS })
        const to = await service.open({ id: `to-${n}`, ...LOOPBACK_PORTS })
        relays.push(await connectBadly(from, to, n + 1))
        let digits = ''
        to.on('digit', (digit) => {
          digits += digit
        })
        assert.equal(await from.sendDigits(DIGITS, { toneMs: 100, gapMs: 100 }), 'finished')
        await from.sendDigits(',')
        return digits
      }),
    )
    await service.close()
    await Promise.all(relays.map((relay) => relay.close()))
    const right = heard.reduce((sum, digits) => sum + [...digits].filter((d, i) => d === DIGITS[i]).length, 0)
    const all = heard.reduce((sum, digits) => sum + digits.length, 0)
    tell('digits through a bad network', `${right} right, ${all} heard`, '400 of 400')
    assert.deepEqual(heard, Array(CALLS).fill(DIGITS))
  })
})

async function connectBadly(a: MediaSession, b: MediaSession, seed: number): Promise<UdpRelay> {
  const random = seeded(seed)
  const relay = await UdpRelay.open(a.local, b.local, () => {
    if (random() < 0.2) return { copies: 0 }
    return { copies: random() < 0.05 ? 2 : 1, delayMs: random() < 0.1 ? 1 + random() * 50 : 0 }
  })
  await a.connect(connectionTo({ host: '127.0.0.1', port: relay.portForA, rtcpPort: a.local.rtcpPort }))
  await b.connect(connectionTo({ host: '127.0.0.1', port: relay.portForB, rtcpPort: b.local.rtcpPort }))
  return relay
}
