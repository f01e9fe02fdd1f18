import assert from 'node:assert/strict'
import { TelephonyError } from '../../../src/base/errors.js'
import type { HostPort } from '../../../src/base/host-port.js'
import { silentLogger } from '../../../src/base/logger.js'
import { PublicAddress, parseStunServer } from '../../../src/engine/public-address.js'
import { FakeClock } from '../../support/fake-clock.js'

const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

function setUp(init: { server?: string; local?: string; lookup?: string[] } = {}) {
  const clock = new FakeClock()
  const asked: HostPort[] = []
  const changes: HostPort[] = []
  const state: { answer: HostPort | undefined | 'silence' } = { answer: { host: '203.0.113.9', port: 40_000 } }
  const address = new PublicAddress(
    {
      clock,
      log: silentLogger,
      lookup: async () => init.lookup ?? ['2001:db8::7', '198.51.100.7'],
      ask: (server) => {
        asked.push(server)
        const { answer } = state
        if (answer === 'silence') return new Promise(() => {})
        return answer ? Promise.resolve(answer) : Promise.reject(new TelephonyError('TRANSPORT', 'no answer'))
      },
    },
    { server: init.server ?? 'stun.example.com', local: init.local ?? '192.168.1.10' },
  )
  address.watch((found) => changes.push(found))
  return { clock, asked, changes, state, address }
}

describe('public address by STUN', () => {
  it('is known when the server has answered, and asked for again every three minutes', async () => {
    const { clock, asked, changes, state, address } = setUp()
    await address.ready()
    assert.deepEqual(asked, [{ host: '198.51.100.7', port: 3478 }])
    assert.deepEqual(address.current, { host: '203.0.113.9', port: 40_000 })
    clock.advance(180_000)
    await settled()
    assert.equal(changes.length, 1)
    state.answer = { host: '203.0.113.9', port: 40_001 }
    clock.advance(180_000)
    await settled()
    assert.equal(asked.length, 3)
    assert.deepEqual(changes[1], { host: '203.0.113.9', port: 40_001 })
    address.close()
    assert.equal(clock.pending, 0)
  })

  it('stays while the server is silent, which is asked again after 30 s', async () => {
    const { clock, asked, changes, state, address } = setUp()
    await address.ready()
    state.answer = undefined
    clock.advance(180_000)
    await settled()
    assert.deepEqual([asked.length, address.current?.port], [2, 40_000])
    state.answer = { host: '203.0.113.10', port: 40_000 }
    clock.advance(30_000)
    await settled()
    assert.deepEqual([asked.length, changes.at(-1)?.host], [3, '203.0.113.10'])
    address.close()
  })

  it('is asked for at once if the addresses of the machine change, but not twice at the same time', async () => {
    const { asked, address } = setUp()
    await address.ready()
    await Promise.all([address.ask(), address.ask()])
    assert.equal(asked.length, 2)
    address.close()
    await address.ask()
    assert.equal(asked.length, 2)
  })

  it('lets an account wait for two seconds at most', async () => {
    const { clock, state, address } = setUp()
    state.answer = 'silence'
    const started = address.ready()
    await settled()
    clock.advance(2_000)
    await started
    assert.equal(address.current, undefined)
    address.close()
  })

  it('is asked for by the IP version of the socket', async () => {
    const six = setUp({ local: '2001:db8::10', server: 'stun.example.com:3479' })
    await six.address.ready()
    assert.deepEqual(six.asked, [{ host: '2001:db8::7', port: 3479 }])
    six.address.close()
    const none = setUp({ local: '2001:db8::10', server: '198.51.100.7' })
    await none.address.ready()
    assert.deepEqual([none.asked, none.address.current], [[], undefined])
    none.address.close()
  })

  for (const [text, server] of [
    ['stun.example.com', 'stun.example.com 3478'],
    [' 203.0.113.1:3479 ', '203.0.113.1 3479'],
    ['[2001:db8::1]', '2001:db8::1 3478'],
    ['[2001:db8::1]:19302', '2001:db8::1 19302'],
  ] as const) {
    it(`takes “${text}” as a STUN server`, () => {
      const { host, port } = parseStunServer(text)
      assert.equal(`${host} ${port}`, server)
    })
  }

  for (const text of ['', 'stun:stun.example.com', 'a b', 'a:0', 'a:65536', '2001:db8::1']) {
    it(`refuses “${text}” as a STUN server`, () =>
      assert.throws(
        () => parseStunServer(text),
        (error: TelephonyError) => error.code === 'BAD_CONFIG' && /Use one like stun.example.com/.test(error.message),
      ))
  }
})
