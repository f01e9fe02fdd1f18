/** SIPp as caller and as callee, 1,000 calls each by UDP and by TCP (200 over IPv6), the engine in its worker as in Node-RED: none may fail. */
import assert from 'node:assert/strict'
import type { TransportConfig } from '../../src/engine/protocol.js'
import { peerFolder } from '../support/peers/peer-folder.js'
import '../support/peers/root-hooks.js'
import { Sipp } from '../support/peers/sipp.js'
import { plainCallee, plainCaller } from '../support/peers/sipp-plain.js'
import { Phone, type PhoneInit } from '../support/phone.js'

const WAYS = [
  { protocol: 'udp', host: '127.0.0.1', calls: 1000 },
  { protocol: 'tcp', host: '127.0.0.1', calls: 1000 },
  { protocol: 'udp', host: '::1', calls: 200 },
  { protocol: 'tcp', host: '::1', calls: 200 },
] as const
const RATE = 200
const HOLD_MS = 500

describe('SIPp', function () {
  this.timeout(60_000)

  for (const { protocol, host, calls } of WAYS) {
    const way = `${protocol.toUpperCase()} at ${host}`
    const transport: Partial<TransportConfig> = { ports: { [protocol]: 0 }, bindAddress: host }
    const start = (init: Partial<PhoneInit> = {}) =>
      Phone.start({ folder: peerFolder.folder('phone'), transport, hosted: true, ...init })

    it(`calls us ${calls} times by ${way}`, async () => {
      const phone = await start({ inbound: {} })
      const figures = await Sipp.run({
        name: 'caller',
        steps: plainCaller,
        target: phone.address,
        calls,
        rate: RATE,
        holdMs: HOLD_MS,
        protocol,
        host,
      })
      printFigures(`in by ${way}`, figures)
      assert.deepEqual([figures.created, figures.ok, figures.failed], [calls, calls, 0])
      const ends = await ended(phone, calls)
      assert.ok(ends.every(({ end }) => end.by === 'remote' && end.cause === 'normal'))
      assert.deepEqual(await phone.call('calls', null), [])
      await phone.close()
    })

    it(`is called by us ${calls} times by ${way}`, async () => {
      const phone = await start()
      const callee = await Sipp.start({ name: 'callee', steps: plainCallee, calls, protocol, host })
      const target = `sip:service@${callee.address};transport=${protocol}`
      const setupMs: number[] = []
      const one = async () => {
        const startedMs = performance.now()
        const callId = await phone.dial(target)
        await phone.event('call.answered', { callId })
        setupMs.push(performance.now() - startedMs)
        await phone.call('play', { callId, mediaId: 'tone', source: { kind: 'tone', hz: [440], durationMs: HOLD_MS } })
        await phone.call('hangup', { callId })
      }
      await atRate(calls, RATE, one)
      const figures = await callee.finished()
      printFigures(`out by ${way}`, { ...figures, setupMs: setupMs.sort((a, b) => a - b) })
      assert.deepEqual([figures.created, figures.ok, figures.failed], [calls, calls, 0])
      const ends = await ended(phone, calls)
      assert.ok(ends.every(({ end }) => end.by === 'local' && end.cause === 'normal'))
      assert.deepEqual(await phone.call('calls', null), [])
      await phone.close()
    })
  }
})

/** Each call ended once. */
async function ended(phone: Phone, calls: number) {
  await phone.event('call.ended', { skip: calls - 1 })
  const ends = phone.events.flatMap((event) => (event.type === 'call.ended' ? [event] : []))
  assert.equal(new Set(ends.map(({ callId }) => callId)).size, calls)
  assert.equal(ends.length, calls)
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

function printFigures(way: string, figures: Awaited<ReturnType<Sipp['finished']>>): void {
  const { setupMs, created, ok, failed, retransmissions } = figures
  const at = (share: number) =>
    (setupMs[Math.min(setupMs.length - 1, Math.floor(setupMs.length * share))] ?? 0).toFixed(1)
  console.log(
    `      ${way}: ${created} calls, ${ok} ok, ${failed} failed (0), ${retransmissions} retransmissions, ` +
      `set-up p50 ${at(0.5)} p95 ${at(0.95)} max ${at(1)} ms`,
  )
}
