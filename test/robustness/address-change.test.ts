import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { AssembledEngine, NoSound } from '../support/assembled-engine.js'
import { engineInit, loopbackAccount } from '../support/engine-pair.js'
import { tell } from '../support/figures.js'
import { type HeardRequest, ObligingPeer } from '../support/obliging-peer.js'

/** RFC 5737: addresses of nobody, given to the loopback interface of this private network. */
const REGISTRAR = '192.0.2.100'
const OLD = '192.0.2.1'
const NEW = '192.0.2.2'
const PROMISED_SEC = 10
const AWAY_MS = 6_000

describe('this machine’s address', function () {
  this.timeout(40_000)

  let registrar: ObligingPeer
  let engine: AssembledEngine

  before(async () => {
    ip('addr', 'add', `${REGISTRAR}/32`, 'dev', 'lo')
    haveAddress(OLD)
    registrar = await ObligingPeer.listen(undefined, REGISTRAR)
    engine = new AssembledEngine(engineInit(), { media: new NoSound() })
  })

  after(async () => {
    await engine.close()
    await registrar.close()
    for (const address of [NEW, REGISTRAR]) ip('addr', 'del', `${address}/32`, 'dev', 'lo')
  })

  it('changes, or is away for a while: registered again within 10 s', async () => {
    const { transport, ...account } = loopbackAccount('mover')
    await engine.call('setAccount', {
      ...account,
      transport: { ...transport, bindAddress: '' },
      aor: `mover@${REGISTRAR}:${registrar.port}`,
      register: true,
    })
    await registrar.request('REGISTER', isFrom(OLD))

    ip('addr', 'del', `${OLD}/32`, 'dev', 'lo')
    const changed = performance.now()
    haveAddress(NEW)
    await registrar.request('REGISTER', isFrom(NEW))
    const changeSec = (performance.now() - changed) / 1000

    await delay(2_500) // a REGISTER sooner than 2 s after one that was granted says the same again
    ip('addr', 'del', `${NEW}/32`, 'dev', 'lo')
    await delay(AWAY_MS)
    const { length } = registrar.heard
    const state = await engine.call('registration', { accountId: 'mover' })
    const returned = performance.now()
    haveAddress(NEW)
    await registrar.request('REGISTER', (request) => registrar.heard.indexOf(request) >= length)
    const returnSec = (performance.now() - returned) / 1000

    tell('address changed: registered from the new one after', `${changeSec.toFixed(1)} s`, `${PROMISED_SEC} s`)
    tell(
      `network away for ${AWAY_MS / 1000} s (told as ${state.state}): registered again after`,
      `${returnSec.toFixed(1)} s`,
      `${PROMISED_SEC} s`,
    )
    assert.notEqual(state.state, 'registered')
    assert.ok(changeSec <= PROMISED_SEC && returnSec <= PROMISED_SEC, `${changeSec} ${returnSec}`)
  })
})

const isFrom = (host: string) => (request: HeardRequest) => request.text.includes(`@${host}:`)

/** The registrar is reached from there. The route goes with the address, as on any machine. */
function haveAddress(address: string): void {
  ip('addr', 'add', `${address}/32`, 'dev', 'lo')
  ip('route', 'replace', 'local', REGISTRAR, 'dev', 'lo', 'table', 'local', 'src', address)
}

function ip(...args: string[]): void {
  const { status, stderr } = spawnSync('ip', args, { encoding: 'utf8' })
  assert.equal(status, 0, `ip ${args.join(' ')}: ${stderr}`)
}
