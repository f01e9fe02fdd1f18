import assert from 'node:assert/strict'
import type { TappedPackets } from '../../../../src/media/protocol.js'
import { PacketTap } from '../../../../src/media/worker/packet-tap.js'
import { FakeClock } from '../../../support/fake-clock.js'

type Batch = Omit<TappedPackets, 'id'>

function tapped(init: { maxOctets?: number; digits?: boolean } = {}) {
  const batches: Batch[] = []
  const deps = { clock: new FakeClock(), emit: (batch: Batch) => void batches.push(batch), eventTypes: () => [101] }
  return { batches, tap: new PacketTap(deps, { maxOctets: 1 << 20, digits: false, ...init }) }
}

const packet = (type: number, length = 172) => {
  const octets = new Uint8Array(length).fill(7)
  octets[0] = 0x80
  octets[1] = type
  return octets
}

describe('tap of packets', () => {
  it('hands packets over in batches, and the rest when it is flushed', () => {
    const { batches, tap } = tapped()
    for (let i = 0; i < 200; i++) tap.copy('rtp', i % 2 ? 'in' : 'out', '192.0.2.1', 4000, packet(8))
    assert.equal(batches.length, 1)
    tap.flush()
    tap.flush()
    assert.deepEqual(
      batches.map(({ packets, octets }) => [packets.length, octets.length]),
      [
        [190, 190 * 172],
        [10, 10 * 172],
      ],
    )
    assert.equal(
      batches[0]?.octets.buffer.byteLength,
      190 * 172,
      'no more than the packets is sent to the other thread',
    )
  })

  it('stops at its limit', () => {
    const { batches, tap } = tapped({ maxOctets: 1000 })
    for (let i = 0; i < 200; i++) tap.copy('rtp', 'in', '192.0.2.1', 4000, packet(8))
    tap.flush()
    assert.equal(batches[0]?.packets.length, 5)
  })

  it('masks the digits of RFC 4733, and leaves the packet itself as it is', () => {
    for (const digits of [false, true]) {
      const { batches, tap } = tapped({ digits })
      const event = packet(0x80 | 101, 16)
      tap.copy('rtp', 'out', '192.0.2.1', 4000, event)
      tap.copy('rtp', 'out', '192.0.2.1', 4000, packet(8, 16))
      tap.flush()
      assert.equal(batches[0]?.octets[12], digits ? 7 : 255)
      assert.equal(batches[0]?.octets[28], 7)
      assert.equal(event[12], 7)
    }
  })
})
