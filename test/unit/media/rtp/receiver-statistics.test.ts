import assert from 'node:assert/strict'
import { ReceiverStatistics } from '../../../../src/media/rtp/receiver-statistics.js'

const SSRC = 7

/** Feeds packets of 20 ms; returns the statistics. */
function receive(sequences: number[], { arrivalMs = (i: number) => i * 20, from = sequences[0] ?? 0 } = {}) {
  const statistics = new ReceiverStatistics({ clockRate: 8000 })
  sequences.forEach((sequence, i) => {
    statistics.receive(SSRC, sequence & 0xffff, ((sequence - from) * 160) >>> 0, arrivalMs(i))
  })
  return statistics
}

const range = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i)

describe('receiver statistics (RFC 3550 A.1, A.3, A.8)', () => {
  it('counts what is missing', () => {
    const statistics = receive(range(100, 100).filter((n) => n % 10 !== 5))
    assert.equal(statistics.packetsReceived, 90)
    assert.equal(statistics.packetsLost, 10)
    assert.equal(statistics.lossPercent, 10)
  })

  it('goes on over the end of the sequence numbers', () => {
    const statistics = receive(range(65500, 100))
    assert.equal(statistics.packetsLost, 0)
    assert.equal(statistics.report(2000)?.extendedHighestSequence, 65599)
  })

  it('measures jitter where the timestamps begin again after 2^32', () => {
    const statistics = new ReceiverStatistics({ clockRate: 8000 })
    for (const n of range(0, 50)) statistics.receive(SSRC, n, 2 ** 32 + (n - 50) * 160, n * 20)
    assert.equal(statistics.maxJitterMs, 0)
    // 16 ms late, of which a sixteenth counts (RFC 3550 A.8).
    statistics.receive(SSRC, 50, 0, 50 * 20 + 16)
    assert.equal(statistics.jitterMs, 1)
  })

  it('reordered packets are not lost, doubled ones do not hide a loss in the report', () => {
    const statistics = receive([1, 2, 4, 3, 5, 6, 6, 8])
    assert.equal(statistics.packetsReceived, 8)
    assert.equal(statistics.report(0)?.cumulativeLost, 0)
    assert.equal(statistics.packetsLost, 0)
  })

  it('tells the fraction lost since the last report', () => {
    const statistics = receive(range(0, 100))
    assert.equal(statistics.report(2000)?.fractionLost, 0)
    for (const n of range(100, 100)) if (n % 4 !== 1) statistics.receive(SSRC, n, n * 160, n * 20)
    const report = statistics.report(4000)
    assert.equal(report?.fractionLost, 64)
    assert.equal(report?.cumulativeLost, 25)
    assert.equal(statistics.report(4000)?.fractionLost, 0, 'nothing was expected since')
  })

  it('a single stray number is not believed; two in a row start anew, and totals go on', () => {
    const statistics = receive(range(0, 50))
    assert.equal(statistics.receive(SSRC, 20_000, 0, 1000), false)
    assert.equal(statistics.receive(SSRC, 50, 50 * 160, 1020), true)
    assert.equal(statistics.packetsLost, 0)
    assert.equal(statistics.receive(SSRC, 30_000, 0, 1040), false)
    assert.equal(statistics.receive(SSRC, 30_001, 160, 1060), true)
    assert.equal(statistics.packetsReceived, 52)
    assert.equal(statistics.packetsLost, 0)
  })

  it('totals go on over a new SSRC', () => {
    const statistics = receive([1, 2, 4])
    statistics.receive(8, 9000, 0, 100)
    statistics.receive(8, 9002, 320, 140)
    assert.equal(statistics.packetsReceived, 5)
    assert.equal(statistics.packetsLost, 2)
    assert.equal(statistics.ssrc, 8)
  })

  it('jitter is 0 for an even stream, and follows the RFC for an uneven one', () => {
    assert.equal(receive(range(0, 200)).jitterMs, 0)
    // Every second packet 8 ms late: |D| is 8 ms each time, so J approaches 8 ms.
    const uneven = receive(range(0, 400), { arrivalMs: (i) => i * 20 + (i % 2) * 8 })
    assert.ok(Math.abs(uneven.jitterMs - 8) < 0.01, `${uneven.jitterMs}`)
    // The first step alone: J = 8/16.
    assert.equal(receive([0, 1], { arrivalMs: (i) => i * 28 }).jitterMs, 0.5)
  })

  it('a pause of the peer does not count as jitter', () => {
    assert.equal(receive(range(0, 20), { arrivalMs: (i) => i * 20 + (i > 9 ? 60_000 : 0) }).jitterMs, 0)
  })

  it('the packets of a digit, all with one timestamp, do not count as jitter', () => {
    const statistics = receive(range(0, 10))
    for (const n of range(10, 10)) statistics.receive(SSRC, n, 10 * 160, n * 20)
    for (const n of range(20, 10)) statistics.receive(SSRC, n, n * 160, n * 20)
    assert.equal(statistics.maxJitterMs, 0)
  })

  it('says when the last sender report came', () => {
    const statistics = receive(range(0, 3))
    assert.equal(statistics.report(0)?.lastSr, 0)
    const sender = { ntpSeconds: 0x1234_5678, ntpFraction: 0x9abc_def0, rtpTimestamp: 0, packets: 0, octets: 0 }
    statistics.receiveSenderReport(sender, 1000)
    const report = statistics.report(3000)
    assert.equal(report?.lastSr, 0x5678_9abc)
    assert.equal(report?.delaySinceLastSr, 2 * 65536)
  })

  it('reports nothing before the first packet', () => {
    assert.equal(new ReceiverStatistics({ clockRate: 8000 }).report(0), null)
  })
})
