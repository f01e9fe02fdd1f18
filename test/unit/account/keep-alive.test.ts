import assert from 'node:assert/strict'
import { KeepAlive } from '../../../src/account/keep-alive.js'
import { PeerFlow } from '../../../src/account/peer-flow.js'
import { silentLogger } from '../../../src/base/logger.js'
import type { SipAddress } from '../../../src/sip/types.js'
import { FakeClock } from '../../support/fake-clock.js'

const UDP: SipAddress = { protocol: 'udp', host: '192.0.2.9', port: 5060 }
const TLS: SipAddress = { protocol: 'tls', host: '192.0.2.9', port: 5061 }
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function keptAlive() {
  const clock = new FakeClock()
  const told: string[] = []
  const scene = { seen: '203.0.113.1' as string | undefined }
  const keepAlive = new KeepAlive({
    clock,
    send: ({ protocol }) => void told.push(protocol),
    ask: async () => {
      told.push('stun')
      if (scene.seen === undefined) throw new Error('no answer')
      return { host: scene.seen, port: 5060 }
    },
    lost: () => void told.push('lost'),
  })
  const pass = async (ms: number): Promise<string[]> => {
    clock.advance(ms)
    await turn()
    return told.splice(0)
  }
  return { clock, keepAlive, scene, pass }
}

describe('the keep-alives of an account', () => {
  it('go by UDP every 25 s, and by a connection only if the registrar names a time (RFC 5626 4.4.1)', async () => {
    const { keepAlive, pass, clock } = keptAlive()
    keepAlive.start(UDP)
    assert.deepEqual(await pass(24_999), [])
    assert.deepEqual(await pass(50_001), ['udp', 'udp', 'udp'])
    keepAlive.start(TLS)
    assert.equal(clock.pending, 0)
    keepAlive.start(TLS, { longestMs: 30_000 })
    assert.deepEqual(await pass(23_999), [])
    assert.deepEqual(await pass(6_001), ['tls'])
    keepAlive.start(UDP, { longestMs: 0 })
    assert.equal(clock.pending, 0)
    keepAlive.start(UDP)
    keepAlive.stop()
    assert.deepEqual([await pass(600_000), clock.pending], [[], 0])
  })

  it('are STUN if the registrar reaches us by our flow: another address, or silence, means that it does not any more', async () => {
    const { keepAlive, pass, scene } = keptAlive()
    keepAlive.start(UDP, { byStun: true })
    assert.deepEqual(await pass(50_000), ['stun', 'stun'])
    scene.seen = '203.0.113.2'
    assert.deepEqual(await pass(25_000), ['stun', 'lost'])
    keepAlive.start(UDP, { byStun: true })
    scene.seen = undefined
    assert.deepEqual(await pass(25_000), ['stun', 'lost'])
  })

  it('that were replaced do not count any more', async () => {
    const { keepAlive, scene, pass, clock } = keptAlive()
    keepAlive.start(UDP, { byStun: true })
    scene.seen = undefined
    clock.advance(25_000)
    keepAlive.stop()
    assert.deepEqual(await pass(0), ['stun'])
  })
})

describe('the flow of an account that does not register', () => {
  function kept() {
    const clock = new FakeClock()
    const told: string[] = []
    const scene = { opens: true }
    const flow = new PeerFlow({
      clock,
      log: silentLogger,
      open: async () => {
        told.push('open')
        if (!scene.opens) throw new Error('refused')
        return TLS
      },
      opened: ({ protocol }) => void told.push(`opened ${protocol}`),
    })
    return { clock, told, scene, flow }
  }

  it('is opened again after it was lost, and with growing waits while it cannot be', async () => {
    const { clock, told, scene, flow } = kept()
    await flow.start()
    flow.lost({ ...TLS, port: 9 })
    assert.equal(clock.pending, 0)
    scene.opens = false
    flow.lost(TLS)
    clock.advance(2_000)
    await turn()
    assert.deepEqual(told.splice(0), ['open', 'opened tls', 'open'])
    for (const waitMs of [2_000, 4_000, 8_000]) {
      clock.advance(waitMs / 2 - 1)
      assert.deepEqual(told.splice(0), [])
      clock.advance(waitMs / 2 + 1)
      await turn()
      assert.deepEqual(told.splice(0), ['open'])
    }
    scene.opens = true
    clock.advance(16_000)
    await turn()
    assert.deepEqual(told.splice(0), ['open', 'opened tls'])
    flow.lost(TLS)
    flow.close()
    assert.equal(clock.pending, 0)
  })
})
