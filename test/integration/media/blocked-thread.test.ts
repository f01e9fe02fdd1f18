import assert from 'node:assert/strict'
import { mediaPair } from '../../support/media-pair.js'

describe('media: the engine’s thread is blocked', () => {
  it('packets go on being sent and heard while it spins for 500 ms', async () => {
    const { service, a, b, started } = await mediaPair()
    await Promise.all([started.a, started.b])
    const before = await b.stats()
    const until = performance.now() + 500
    while (performance.now() < until);
    const after = await b.stats()
    // 25 each way on an idle machine; 1 or 2 if this thread were involved in each packet.
    assert.ok(after.packetsSent - before.packetsSent >= 12, `${after.packetsSent - before.packetsSent} sent`)
    assert.ok(
      after.packetsReceived - before.packetsReceived >= 12,
      `${after.packetsReceived - before.packetsReceived} heard`,
    )
    assert.equal(after.packetsLost, 0)
    await a.close()
    await service.close()
  })
})
