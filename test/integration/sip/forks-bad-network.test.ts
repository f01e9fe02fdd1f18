/** RFC 3261 13.2.2.4 where packets are lost: every fork that answers gets its ACK, and every one but the first its BYE. */
import assert from 'node:assert/strict'
import type { SipDialog } from '../../../src/sip/types.js'
import { fastClock } from '../../support/fast-clock.js'
import { ForkingCallee } from '../../support/forking-callee.js'
import { Fates } from '../../support/relay-fates.js'
import { OFFER, Party } from '../../support/sip-parties.js'
import { UdpRelay } from '../../support/udp-relay.js'
import { within } from '../../support/wait.js'

const clock = fastClock(10)
const MOST_MS = 15_000
const TAGS = ['one', 'two', 'three']
/** More at once would fill the sockets' buffers, where a busy machine reads them late, and lose far more than that. */
const CALLS = 12

describe('three forks that all answer, at 20 % loss each way', () => {
  let alice: Party
  let callee: ForkingCallee
  let relay: UdpRelay

  before(async () => {
    alice = await Party.open('alice', { clock })
    callee = await ForkingCallee.open({ tags: TAGS, clock, contactPort: () => relay.portForA })
    const fates = new Fates(20261127)
    relay = await UdpRelay.open(
      { host: '127.0.0.1', port: alice.endpoint.local.port },
      { host: '127.0.0.1', port: callee.port },
      (packet, from) => ({ copies: fates.of(packet, from === 'a' ? 0 : 1)() < 0.2 ? 0 : 1 }),
    )
  })
  after(async () => {
    await alice.close()
    await callee.close()
    await relay.close()
  })

  async function until(holds: () => boolean, what: string): Promise<void> {
    const endMs = Date.now() + MOST_MS
    while (!holds()) {
      assert.ok(Date.now() < endMs, `waited ${MOST_MS} ms for ${what}, which did not come`)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  it('leave one call each; every other fork is acknowledged and ended, and no fork gives up', async () => {
    const answered = new Map<string, SipDialog[]>()
    const failed: number[] = []
    for (let n = 0; n < CALLS; n++) {
      const sipCallId = `forked-${n}@test`
      const dialogs: SipDialog[] = []
      answered.set(sipCallId, dialogs)
      alice.agent.invite(
        { target: `sip:many@127.0.0.1:${relay.portForA}`, body: OFFER, sipCallId },
        {
          progress() {},
          answered: (dialog) => dialogs.push(dialog),
          failed: ({ status }) => failed.push(status),
        },
      )
    }
    await until(
      () => [...answered.values()].every(({ length }) => length > 0) || failed.length > 0,
      'an answer to each',
    )
    const forks = () => [...callee.calls].flatMap(([id, tags]) => [...tags].map(([tag, fork]) => ({ id, tag, fork })))
    const chosen = ({ id, tag }: { id: string; tag: string }) => answered.get(id)?.[0]?.remoteTag === tag
    await until(() => forks().every(({ fork }) => fork.acks.length > 0), 'an ACK to each fork')
    await until(() => forks().every((each) => chosen(each) || each.fork.byes.length > 0), 'a BYE to each other fork')

    assert.deepEqual(failed, [])
    assert.equal(forks().length, CALLS * TAGS.length)
    for (const each of forks()) {
      const { id, tag, fork } = each
      assert.equal(answered.get(id)?.length, 1, `${id} was told once`)
      assert.equal(new Set(fork.acks).size, 1, `each ACK to ${tag} of ${id} is the same`)
      assert.equal(fork.gaveUp, false)
      assert.equal(new Set(fork.byes).size, chosen(each) ? 0 : 1, `BYE of ${tag} in ${id}`)
    }
    const statuses = await within(
      Promise.all([...answered.values()].map(async ([dialog]) => (await dialog?.bye())?.status)),
      'the end of each call',
      MOST_MS,
    )
    assert.deepEqual(statuses, Array(CALLS).fill(200))
    assert.ok(relay.passed.a < 0.9 * relay.taken.a && relay.passed.b < 0.9 * relay.taken.b, 'packets were lost')
  })

  it('that cross our CANCEL are all acknowledged and ended, and each call has one end', async () => {
    const before = callee.calls.size
    const ends: string[] = []
    for (let n = 0; n < CALLS; n++) {
      const invite = alice.agent.invite(
        { target: `sip:many@127.0.0.1:${relay.portForA}`, body: OFFER, sipCallId: `cancelled-${n}@test` },
        {
          progress: () => invite.cancel(),
          // Every ringing was lost.
          answered: (dialog) => {
            ends.push('answered')
            void dialog.bye()
          },
          failed: ({ status }) => ends.push(`${status}`),
        },
      )
    }
    await until(() => ends.length >= CALLS && callee.calls.size === before + CALLS, 'the end of each call')
    const forks = () => [...callee.calls].slice(before).flatMap(([, tags]) => [...tags.values()])
    await until(() => forks().every(({ acks, byes }) => acks.length > 0 && byes.length > 0), 'ACK and BYE to each fork')
    assert.deepEqual([ends.length, ends.filter((end) => end !== '487' && end !== 'answered')], [CALLS, []])
    assert.ok(ends.includes('487'))
    for (const { acks, byes, gaveUp } of forks()) {
      assert.deepEqual([new Set(acks).size, new Set(byes).size, gaveUp], [1, 1, false])
    }
  })

  it('that answer after another one was busy are all acknowledged and ended, and each call has failed', async () => {
    callee.refusesFirst = true
    const before = callee.calls.size
    const ends: string[] = []
    for (let n = 0; n < CALLS; n++) {
      alice.agent.invite(
        { target: `sip:many@127.0.0.1:${relay.portForA}`, body: OFFER, sipCallId: `busy-${n}@test` },
        { progress() {}, answered: () => ends.push('answered'), failed: ({ status }) => ends.push(`${status}`) },
      )
    }
    await until(() => ends.length >= CALLS, 'the end of each call')
    const forks = () => [...callee.calls].slice(before).flatMap(([, tags]) => [...tags.values()])
    await until(() => forks().every(({ acks, byes }) => acks.length > 0 && byes.length > 0), 'ACK and BYE to each fork')
    assert.deepEqual(
      [ends.length, ends.filter((end) => end !== '486'), forks().length],
      [CALLS, [], CALLS * TAGS.length],
    )
    for (const { acks, byes, gaveUp } of forks()) {
      assert.deepEqual([new Set(acks).size, new Set(byes).size, gaveUp], [1, 1, false])
    }
  })
})
