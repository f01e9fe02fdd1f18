import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { EngineChild } from '../support/engine-child.js'
import { LONG, mb, ms, percentile, tell } from '../support/figures.js'
import { Mutations } from '../support/mutations.js'
import { peerFolder } from '../support/peers/peer-folder.js'
import '../support/peers/root-hooks.js'
import { randomFrom } from '../support/relay-fates.js'
import { SipProber } from '../support/sip-prober.js'

const DATAGRAMS = LONG ? 1_000_000 : 200_000
const BATCH = 250
const SPEED = 8
const PROMISED = { probeMs: 200, octets: 30 * 2 ** 20, laterMs: 40_000 }

describe(`${DATAGRAMS} mutated SIP and SDP datagrams at a live endpoint`, function () {
  this.timeout(LONG ? 600_000 : 180_000)

  let engine: EngineChild
  let fuzzer: SipProber
  let prober: SipProber

  before(async () => {
    const folder = peerFolder.folder('mutated')
    // Known, so that no limit keeps it from the parser.
    // Now and then a mutated ACK fits a mutated INVITE: such a call stands, until it ends as abandoned.
    const account = { allowedSources: ['127.0.0.1'], abandonedAfterMs: 20_000 }
    engine = await EngineChild.start({ folder, kind: 'assembled', noSound: true, speed: SPEED, account })
    ;[fuzzer, prober] = [await SipProber.open(engine.local), await SipProber.open(engine.local)]
  })

  after(async () => {
    await fuzzer.close()
    await prober.close()
    await engine.close()
  })

  it('none ends it, none throws, it answers others all the while and forgets them', async () => {
    const mutations = new Mutations(randomFrom(20261120))
    const via = `127.0.0.1:${fuzzer.address.port}`
    // A first round compiles code and fills what is filled once.
    await send(5_000)
    await delay(PROMISED.laterMs / SPEED)
    const before = await engine.call('usage', null)
    const probes = await send(DATAGRAMS)
    const busy = await engine.call('usage', null)
    await delay(PROMISED.laterMs / SPEED)
    const after = await engine.call('usage', null)
    const { live, ended } = await engine.call('calls', null)
    const faults = await engine.call('faults', null)

    tell(
      'OPTIONS between mutated datagrams',
      `p50 ${ms(percentile(probes, 0.5))}, p99 ${ms(percentile(probes, 0.99))}, max ${ms(Math.max(...probes))} of ${probes.length}`,
      `each within ${PROMISED.probeMs} ms`,
    )
    tell(
      `memory after ${DATAGRAMS} mutated datagrams`,
      `${mb(busy.heapOctets - before.heapOctets)} more at the end, ${mb(after.heapOctets - before.heapOctets)} more 40 s later`,
      'at most 30 MB 40 s later',
    )
    const calls = Object.values(ended).reduce((sum, count) => sum + count, 0)
    tell('calls that mutated INVITEs began, and that live', `${calls}, ${live}`, 'none lives')
    tell('exceptions', `${faults.length}`, 'none')
    assert.deepEqual(faults.slice(0, 3), [])
    assert.equal(live, 0)
    assert.ok(Math.max(...probes) <= PROMISED.probeMs, `an OPTIONS was answered after ${Math.max(...probes)} ms`)
    assert.ok(after.heapOctets - before.heapOctets <= PROMISED.octets)

    async function send(count: number): Promise<number[]> {
      const times: number[] = []
      for (let sent = 0; sent < count; sent += BATCH) {
        const batch = Array.from({ length: BATCH }, () => mutations.next('ringflow', via))
        times.push(await sendAll(batch))
      }
      return times
    }

    /** How long an OPTIONS behind these waits. Where that is too long they are sent again in smaller pieces: the slowest piece counts. */
    async function sendAll(batch: Buffer[]): Promise<number> {
      for (const datagram of batch) fuzzer.send(datagram)
      const { ms: waitedMs } = await prober.options()
      if (waitedMs <= PROMISED.probeMs || batch.length === 1) return waitedMs
      const half = Math.ceil(batch.length / 2)
      return Math.max(await sendAll(batch.slice(0, half)), await sendAll(batch.slice(half)))
    }
  })
})
