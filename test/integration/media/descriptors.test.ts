/** A machine that has no descriptors left: a call is refused with the reason and uses none of the remaining ones. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'

const POOL = new URL('../../../src/media/worker/port-pool.js', import.meta.url).href
const CLOCK = new URL('../../../src/base/clock.js', import.meta.url).href

/** Leaves descriptors for one socket only, so that the RTP socket opens and the RTCP socket does not. */
const SCRIPT = `
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { closeSync, openSync, readdirSync } from 'node:fs'
const { PortPool } = await import('${POOL}')
const { systemClock } = await import('${CLOCK}')
const ports = new PortPool({ clock: systemClock, random: () => 0, recall: () => undefined })
const bind = () => ports.take({ address: '127.0.0.1', portMin: 20000, portMax: 60000 })
ports.release(await bind())
const taken = []
try { for (;;) taken.push(openSync('/dev/null', 'r')) } catch {}
closeSync(taken.pop())
const errors = []
for (let n = 0; n < 3; n++) await bind().catch(({ code, message }) => errors.push({ code, message }))
const probe = createSocket('udp4').bind(0, '127.0.0.1')
const left = await once(probe, 'listening').then(() => true, () => false)
for (const fd of taken) closeSync(fd)
const pair = await bind()
console.log(JSON.stringify({ errors, left, works: pair.port > 0 }))
process.exit()
`

describe('media without descriptors', () => {
  it('tells why there is no port, keeps no socket, and goes on when there are some again', () => {
    const command = 'ulimit -n 128; exec "$0" --input-type=module -e "$1"'
    const { stdout, stderr } = spawnSync('sh', ['-c', command, process.execPath, SCRIPT], { encoding: 'utf8' })
    assert.equal(stderr, '')
    const { errors, left, works } = JSON.parse(stdout) as {
      errors: { code: string; message: string }[]
      left: boolean
      works: boolean
    }
    assert.equal(errors.length, 3)
    for (const { code, message } of errors) {
      assert.equal(code, 'TRANSPORT')
      assert.match(message, /too many open files \(EMFILE\)/)
    }
    assert.deepEqual([left, works], [true, true])
  })
})
