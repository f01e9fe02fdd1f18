import assert from 'node:assert/strict'
import type { FakeClock } from './fake-clock.js'
import type { RawPeer } from './raw-peer.js'
import { heard, settled } from './settled.js'
import type { Party } from './sip-parties.js'

/** Advances the clock to each of these times after `fromMs`, and checks that the peer gets one copy then and none before. */
export async function repeatsAt(
  times: readonly number[],
  between: { peer: RawPeer; party: Party; clock: FakeClock },
  message: { start: string; words?: readonly string[]; fromMs: number },
): Promise<void> {
  const { peer, party, clock } = between
  const { start, words = [], fromMs } = message
  for (const ms of times) {
    const before = heard(peer, start, ...words)
    clock.advance(fromMs + ms - 1 - clock.now())
    await settled(peer, party)
    assert.equal(heard(peer, start, ...words), before, `nothing until ${ms - 1} ms`)
    clock.advance(1)
    await settled(peer, party)
    assert.equal(heard(peer, start, ...words), before + 1, `${start} at ${ms} ms`)
  }
}
