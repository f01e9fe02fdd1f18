import assert from 'node:assert/strict'
import { BadNetwork } from '../../support/bad-network.js'
import { fastClock } from '../../support/fast-clock.js'
import { ANSWER, Party } from '../../support/sip-parties.js'
import { called } from '../../support/wait.js'

const SPEED = 5

/** RFC 3261's timers have to run out where packets are lost. */
const MOST_MS = 25_000

describe('a network that loses 20 % each way, doubles 5 % and reorders 10 %', () => {
  let network: BadNetwork
  let alice: Party
  let bob: Party

  before(async () => {
    const clock = fastClock(SPEED)
    network = await BadNetwork.open({ loss: 0.2, doubled: 0.05, late: 0.1, delayMs: 20, seed: 20261120 })
    const [first, second] = network.ports
    alice = await Party.open('alice', { clock, advertisePort: first })
    bob = await Party.open('bob', { clock, advertisePort: second })
    network.connect(alice.endpoint.local.port, bob.endpoint.local.port)
  })

  after(async () => {
    await Promise.all([alice.close(), bob.close()])
    await network.close()
  })

  it('loses no call, doubles no dialog and leaves none behind', async () => {
    const CALLS = 100
    let invites = 0
    const ends: Promise<unknown>[] = []
    const callee = (async () => {
      for (; invites < CALLS; invites++) {
        const invite = await bob.invites.next(MOST_MS)
        invite.progress(180)
        const dialog = invite.accept({ body: ANSWER })
        ends.push(called(dialog.handlers, 'bye', 'the BYE of a call', MOST_MS))
      }
    })()
    const statuses = await Promise.all(
      Array.from({ length: CALLS }, async () => {
        const result = await alice.call(bob.address, { timeoutMs: MOST_MS }).outcome
        return result.kind === 'answered' ? (await result.dialog.bye()).status : result.response.status
      }),
    )
    assert.deepEqual(statuses, Array(CALLS).fill(200))
    await callee
    await Promise.all(ends)
    assert.deepEqual([invites, bob.invites.waiting.length], [CALLS, 0])
    assert.ok(network.counts.lost > 0.15 * network.counts.sent && network.counts.late > 0 && network.counts.doubled > 0)
  }).timeout(30_000)
})
