import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('../../../../', import.meta.url))
const START = `${root}scripts/start.mjs`

interface Report {
  ok: boolean
  reason?: string
  setupMs: number
  callerHeard: { hz: number; dbfs: number }
  calleeHeard: { hz: number; dbfs: number }
  digits: string
  packetsSent: number
  packetsReceived: number
  packetsLost: number
  cdr: Record<'caller' | 'callee', { cause: string; talkMs: number; codec: string; sipCallId: string }>
}

describe('npm start -- --once', function () {
  this.timeout(120_000)
  let lines: string[]
  let report: Report

  before(async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [START, '--once'])
    lines = stdout.trim().split('\n')
    report = JSON.parse(lines.at(-1) ?? '') as Report
    const { setupMs, callerHeard, calleeHeard, packetsSent, packetsReceived, packetsLost } = report
    console.log(
      '     ',
      JSON.stringify({ setupMs, callerHeard, calleeHeard, packetsSent, packetsReceived, packetsLost }),
    )
  })

  it('places the demo call and says that all is well', () => {
    assert.equal(report.reason, undefined)
    assert.equal(report.ok, true)
    assert.ok(report.setupMs > 0)
  })

  it('prints each event of both sides, from trying to the end', () => {
    const events = lines.slice(0, -1).map((line) => line.split(/\s+/))
    for (const [name, side] of [
      ['Alice', 'outbound'],
      ['Bob', 'inbound'],
    ]) {
      const seen = events
        .filter(([, , whose, direction]) => whose === name && direction === side)
        .map(([, event]) => event)
      assert.equal(seen[0], side === 'outbound' ? 'call.trying' : 'call.incoming')
      assert.ok(seen.includes('call.answered'), `${side}: ${seen}`)
      assert.equal(seen.at(-1), 'call.ended')
    }
  })

  it('measures what each side heard: the tone of the other, as loud as it was played', () => {
    assert.ok(Math.abs(report.callerHeard.hz - 1000) < 5, `caller: ${report.callerHeard.hz} Hz`)
    assert.ok(Math.abs(report.callerHeard.dbfs - -12) < 1, `caller: ${report.callerHeard.dbfs} dBFS`)
    assert.ok(Math.abs(report.calleeHeard.hz - 440) < 5, `callee: ${report.calleeHeard.hz} Hz`)
    assert.ok(report.calleeHeard.dbfs > -20, `callee: ${report.calleeHeard.dbfs} dBFS`)
  })

  it('gives the digit, the packets and both call records', () => {
    assert.equal(report.digits, '1')
    assert.ok(report.packetsSent > 300)
    assert.ok(report.packetsReceived + report.packetsLost >= report.packetsSent * 0.99)
    const { caller, callee } = report.cdr
    assert.equal(caller.sipCallId, callee.sipCallId)
    for (const { cause, codec, talkMs } of [caller, callee]) {
      assert.deepEqual({ cause, codec }, { cause: 'normal', codec: 'PCMA' })
      assert.ok(talkMs > 3000)
    }
  })
})

describe('npm start with wrong arguments', () => {
  for (const args of [
    ['--prot', '1881'],
    ['--port', 'x'],
    ['--port', '70000'],
  ]) {
    it(`${args.join(' ')}: says what can be given`, async () => {
      const wrong = promisify(execFile)(process.execPath, [START, ...args])
      await assert.rejects(wrong, ({ code, stderr }: { code: number; stderr: string }) => {
        assert.equal(code, 1)
        assert.match(stderr, /npm start -- --once/)
        return true
      })
    })
  }
})
