import { openForEachTest } from './each-test.js'
import { FakeClock } from './fake-clock.js'
import { RawCaller } from './raw-call.js'
import { RawPeer } from './raw-peer.js'
import { Party } from './sip-parties.js'

interface RawCallScene {
  peer: RawPeer
  bob: Party
  clock: FakeClock
  /** The peer as the caller of Bob. */
  caller: RawCaller
}

/** Opens a raw peer that can call Bob, on a clock that stands still, for each test of a `describe`. */
export function rawCallForEachTest(use: (scene: RawCallScene) => void): void {
  let clock: FakeClock
  openForEachTest(
    async (): Promise<[RawPeer, Party]> => {
      clock = new FakeClock()
      return [await RawPeer.open(), await Party.open('bob', { clock })]
    },
    (peer, bob) => use({ peer, bob, clock, caller: RawCaller.of(peer, bob) }),
  )
}
