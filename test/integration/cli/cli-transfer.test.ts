/** `--transfer-to` of `ringflow call` and `ringflow answer`. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Phone } from '../../support/phone.js'
import { Ringflow } from '../../support/ringflow-process.js'

describe('ringflow --transfer-to', function () {
  this.timeout(40_000)
  let folder: string
  let bob: Phone
  let carol: Phone
  let ringflow: Ringflow | undefined

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ringflow-cli-transfer-'))
    const start = (user: string) =>
      Phone.start({ folder, inbound: {}, account: { aor: `${user}@127.0.0.1`, transfers: 'follow' } })
    ;[bob, carol] = await Promise.all([start('bob'), start('carol')])
  })

  after(async () => {
    ringflow?.kill()
    await Promise.all([bob.close(), carol.close()])
    rmSync(folder, { recursive: true, force: true })
  })

  it('of a call that it places: the other side talks to the target, and the exit code is 0', async () => {
    ringflow = new Ringflow([
      'call',
      `sip:bob@${bob.address}`,
      '--tone',
      '440',
      '--transfer-to',
      `sip:carol@${carol.address}`,
    ])
    const { callId } = await bob.event('call.transferred')
    await carol.event('call.answered')
    const summary = await ringflow.line('summary')
    assert.deepEqual([summary.ok, summary.cause], [true, 'transferred'])
    assert.equal((await ringflow.exit()).code, 0)
    await bob.call('hangup', { callId })
    await carol.event('call.ended')
  })

  it('of a call that it answers: a target that cannot be reached is told, and the exit code is 1', async () => {
    ringflow = new Ringflow([
      'answer',
      '--listen',
      'udp://127.0.0.1:0',
      '--once',
      '--transfer-to',
      `sip:nobody@127.0.0.1:9`,
    ])
    const { port } = (await ringflow.line('listening')) as unknown as { port: number }
    await carol.dial(`sip:x@127.0.0.1:${port}`)
    const summary = await ringflow.line('summary')
    assert.equal(summary.ok, false)
    assert.match(String(summary.problem), /the transfer to sip:nobody@127\.0\.0\.1:9 failed: (408|503)/)
    assert.equal((await ringflow.exit()).code, 1)
  })
})
