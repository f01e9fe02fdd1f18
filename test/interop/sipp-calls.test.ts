/** SIPp as caller and as callee, 200 calls each, the engine in its worker as in Node-RED: none may fail. */
import assert from 'node:assert/strict'
import { peerFolder } from '../support/peers/peer-folder.js'
import '../support/peers/root-hooks.js'
import { Sipp } from '../support/peers/sipp.js'
import { plainCallee, plainCaller } from '../support/peers/sipp-plain.js'
import { Phone } from '../support/phone.js'

const CALLS = 200
const RATE = 50
const HOLD_MS = 500

describe('SIPp', function () {
  this.timeout(60_000)

  it(`calls us ${CALLS} times`, async () => {
    const phone = await Phone.start({ folder: peerFolder.folder('phone'), inbound: {}, hosted: true })
    const figures = await Sipp.run({
      name: 'caller',
      steps: plainCaller,
      target: phone.address,
      calls: CALLS,
      rate: RATE,
      holdMs: HOLD_MS,
    })
    printFigures('inbound', figures)
    assert.deepEqual([figures.created, figures.ok, figures.failed], [CALLS, CALLS, 0])
    const ends = await ended(phone)
    assert.ok(ends.every(({ end }) => end.by === 'remote' && end.cause === 'normal'))
    assert.deepEqual(await phone.call('calls', null), [])
    await phone.close()
  })

  it(`is called by us ${CALLS} times`, async () => {
    const phone = await Phone.start({ folder: peerFolder.folder('phone'), hosted: true })
    const callee = await Sipp.start({ name: 'callee', steps: plainCallee, calls: CALLS })
    const setupMs: number[] = []
    const one = async () => {
      const startedMs = performance.now()
      const callId = await phone.dial(`sip:service@${callee.address}`)
      await phone.event('call.answered', { callId })
      setupMs.push(performance.now() - startedMs)
      await phone.call('play', { callId, mediaId: 'tone', source: { kind: 'tone', hz: [440], durationMs: HOLD_MS } })
      await phone.call('hangup', { callId })
    }
    await atRate(CALLS, RATE, one)
    const figures = await callee.finished()
    printFigures('outbound', { ...figures, setupMs: setupMs.sort((a, b) => a - b) })
    assert.deepEqual([figures.created, figures.ok, figures.failed], [CALLS, CALLS, 0])
    const ends = await ended(phone)
    assert.ok(ends.every(({ end }) => end.by === 'local' && end.cause === 'normal'))
    assert.deepEqual(await phone.call('calls', null), [])
    await phone.close()
  })
})

/** Each call ended once. */
async function ended(phone: Phone) {
  await phone.event('call.ended', { skip: CALLS - 1 })
  const ends = phone.events.flatMap((event) => (event.type === 'call.ended' ? [event] : []))
  assert.equal(new Set(ends.map(({ callId }) => callId)).size, CALLS)
  assert.equal(ends.length, CALLS)
  return ends
}

async function atRate(count: number, perSecond: number, run: () => Promise<void>): Promise<void> {
  const startedMs = performance.now()
  const all: Promise<void>[] = []
  for (let i = 0; i < count; i++) {
    const waitMs = startedMs + (i * 1000) / perSecond - performance.now()
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs))
    all.push(run())
  }
  await Promise.all(all)
}

function printFigures(direction: string, figures: Awaited<ReturnType<Sipp['finished']>>): void {
  const { setupMs, created, ok, failed, retransmissions } = figures
  const at = (share: number) =>
    (setupMs[Math.min(setupMs.length - 1, Math.floor(setupMs.length * share))] ?? 0).toFixed(1)
  console.log(
    `      ${direction}: ${created} calls, ${ok} ok, ${failed} failed, ${retransmissions} retransmissions, ` +
      `set-up p50 ${at(0.5)} p95 ${at(0.95)} max ${at(1)} ms`,
  )
}
