import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { FinalResponse, SipDialog } from '../../../../src/sip/types.js'
import { turn } from '../../../support/memory-wire.js'
import { ANSWER, OFFER } from '../../../support/sip-parties.js'
import type { Side } from './model/side.js'
import { World } from './model/world.js'

const RUNS = 100

type Act = (world: World, n: number) => void | Promise<void>

const side = (world: World, n: number): Side => (n % 2 === 0 ? world.caller : world.callee)

function deliver(world: World, n: number): void {
  const packet = world.take(n)
  world.remove(packet)
  if (packet) world.deliver(packet)
}

async function deliverAll(world: World): Promise<void> {
  for (let n = 0; n < 20 && world.take(0); n++) {
    deliver(world, 0)
    await turn()
  }
}

function accept({ callee, incoming }: World): void {
  if (!incoming || callee.dialog || callee.phase === 'ended') return
  callee.take(incoming.accept({ body: ANSWER }))
  assert.throws(() => incoming.accept({ body: ANSWER }), { code: 'WRONG_STATE' })
  incoming.reject(486)
}

function refuse({ callee, incoming }: World): void {
  if (!incoming || callee.dialog || callee.phase === 'ended') return
  incoming.reject(486)
  callee.over()
}

function cancel(world: World): void {
  world.isCancelled ||= !world.caller.dialog && world.caller.phase !== 'ended'
  world.invite?.cancel()
}

/** A request of one side, if it has a dialog. */
const asks =
  (ask: (dialog: SipDialog) => Promise<unknown>): Act =>
  (world, n) => {
    const at = side(world, n)
    if (at.dialog) at.track(ask(at.dialog))
  }

/** An offer of one side; without an answer in time it is not open any more. */
const offers = (offer: (dialog: SipDialog) => Promise<FinalResponse>): Act =>
  function act(world, n) {
    const at = side(world, n)
    if (!at.dialog) return
    const over = (response: FinalResponse): void => {
      if (response.status !== 503) at.ourOffers.clear()
    }
    at.track(offer(at.dialog).then(over))
  }

const ACTS: Record<string, Act> = {
  deliver,
  deliverNext: (world) => deliver(world, 0),
  deliverAll,
  lose: (world, n) => world.remove(world.take(n)),
  duplicate(world, n) {
    const packet = world.take(n)
    if (packet) world.deliver(packet)
  },
  tick: (world, n) => world.clock.advance([50, 200, 600, 4_000, 33_000][n % 5] ?? 0),
  progress({ callee, incoming }) {
    if (callee.phase === 'none' && incoming) callee.phase = 'early'
    incoming?.progress(180)
  },
  accept,
  refuse,
  cancel,
  reinvite: offers((dialog) => dialog.reinvite(OFFER)),
  update: offers((dialog) => dialog.update(OFFER)),
  refresh: asks((dialog) => dialog.update()),
  info: asks((dialog) => dialog.request('INFO')),
  answer(world, n) {
    const at = side(world, n)
    at.answerOffer(n % 4 < 3)
    for (const open of at.openRequests.splice(0)) open.accept()
  },
  bye: (world, n) => side(world, n).leave(),
  forgeAgain: (world, n) => world.forge(n, 'again'),
  forgeTag: (world, n) => world.forge(n, 'tag'),
}

/** Everything that waits comes to its end: answers, deliveries, hanging up, time. */
async function settle(world: World): Promise<void> {
  for (let round = 0; round < 500; round++) {
    for (const at of world.sides) {
      at.answerOffer(true)
      for (const open of at.openRequests.splice(0)) open.accept()
      if (round === 40) at.leave()
    }
    if (round === 40) {
      refuse(world)
      cancel(world)
    }
    await deliverAll(world)
    world.clock.advance(round < 80 ? 100 : 1_000)
    await turn()
  }
}

function check(world: World): void {
  for (const at of world.sides) {
    const { name } = at
    assert.ok(at.ends.length <= 1, `${name} is told ${at.ends.join(', ')}`)
    assert.equal(at.pending, 0, `${name}: every promise settles`)
    assert.equal(at.endpoint.kept, 0, `${name}: nothing is kept`)
    const codes = at.errors.map((error) => (error as { code?: string }).code)
    assert.ok(
      codes.every((code) => code === 'WRONG_STATE'),
      `${name}: ${codes}`,
    )
    assert.deepEqual(
      at.handled,
      [...new Set(at.handled)].sort((a, b) => a - b),
      `${name}: CSeq rises at the handlers`,
    )
    for (const [key, finals] of at.seen)
      assert.ok(finals.size <= 1, `${name} answers ${key}: ${[...finals].join(', ')}`)
  }
  assert.equal(world.clock.pending, 0, 'no timer stays')
  const before = world.packets.length
  world.clock.advance(600_000)
  assert.equal(world.packets.length, before, 'after the end nothing is sent')
}

async function run(commands: readonly (readonly [name: string, n: number])[], isUp: boolean): Promise<World> {
  const world = new World()
  world.call()
  const before: (readonly [string, number])[] = isUp
    ? [
        ['deliverAll', 0],
        ['accept', 0],
        ['deliverAll', 0],
        ['deliverAll', 0],
      ]
    : []
  for (const [name, n] of [...before, ...commands]) {
    await ACTS[name]?.(world, n)
    await turn()
  }
  await settle(world)
  check(world)
  return world
}

const WEIGHTS: Record<string, number> = {
  deliverNext: 12,
  deliver: 5,
  deliverAll: 4,
  answer: 4,
  reinvite: 3,
  update: 3,
}
const command = fc.tuple(
  fc.oneof(...Object.keys(ACTS).map((name) => ({ weight: WEIGHTS[name] ?? 2, arbitrary: fc.constant(name) }))),
  fc.nat(40),
)

describe('models of dialogs', () => {
  it('two endpoints and a naive model agree, whatever happens to a call that stands', async () => {
    const commands = fc.array(command, { maxLength: 60 })
    await fc.assert(
      fc.asyncProperty(commands, async (list) => void (await run(list, true))),
      { numRuns: RUNS },
    )
  })

  it('two endpoints and a naive model agree, from the INVITE on', async () => {
    const commands = fc.array(command, { maxLength: 60 })
    await fc.assert(
      fc.asyncProperty(commands, async (list) => void (await run(list, false))),
      { numRuns: RUNS },
    )
  })
})
