import assert from 'node:assert/strict'
import { silentLogger } from '../../../src/base/logger.js'
import { HostNames } from '../../../src/engine/host-names.js'
import { FakeClock } from '../../support/fake-clock.js'
import { settled } from './engine-fixture.js'

/** A name server that answers when the test says so. */
function world() {
  const clock = new FakeClock()
  const asked: { name: string; answer: (addresses: string[]) => void; fail: () => void }[] = []
  const lookup = (name: string) =>
    new Promise<readonly string[]>((answer, reject) => {
      asked.push({ name, answer, fail: () => reject(new Error('ENOTFOUND')) })
    })
  return { clock, asked, names: new HostNames({ clock, log: silentLogger, lookup }) }
}

describe('host names in the SDP of peers', () => {
  it('are asked for once, by however many calls, and remembered for a minute', async () => {
    const { clock, asked, names } = world()
    const both = [names.addressesOf('a.example'), names.addressesOf('a.example')]
    await settled()
    asked[0]?.answer(['192.0.2.1', '2001:db8::1'])
    for (const addresses of await Promise.all(both)) assert.deepEqual(addresses, ['192.0.2.1', '2001:db8::1'])
    clock.advance(59_999)
    assert.deepEqual(await names.addressesOf('a.example'), ['192.0.2.1', '2001:db8::1'])
    assert.equal(asked.length, 1)
    clock.advance(1)
    void names.addressesOf('a.example')
    await settled()
    assert.equal(asked.length, 2)
  })

  it('without an address are none, and asked for again after five seconds', async () => {
    const { clock, asked, names } = world()
    const first = names.addressesOf('a.example')
    await settled()
    asked[0]?.fail()
    assert.deepEqual(await first, [])
    await settled()
    clock.advance(4_999)
    assert.deepEqual(await names.addressesOf('a.example'), [])
    clock.advance(1)
    const again = names.addressesOf('a.example')
    await settled()
    asked[1]?.answer(['192.0.2.1'])
    assert.deepEqual(await again, ['192.0.2.1'])
  })

  it('are looked up two at a time, in their order; a hundred more wait, and no others', async () => {
    const { asked, names } = world()
    const all = Array.from({ length: 102 }, (_, i) => names.addressesOf(`${i}.example`))
    assert.deepEqual(await names.addressesOf('one-too-many.example'), [])
    for (let done = 0; done < 102; done++) {
      await settled()
      assert.equal(asked.length, Math.min(done + 2, 102))
      asked[done]?.answer([`192.0.2.${done}`])
    }
    assert.deepEqual(
      (await Promise.all(all)).flat(),
      Array.from({ length: 102 }, (_, i) => `192.0.2.${i}`),
    )
    assert.deepEqual(
      asked.map(({ name }) => name),
      Array.from({ length: 102 }, (_, i) => `${i}.example`),
    )
  })

  it('are forgotten, the oldest first, when there are more than a thousand', async () => {
    const asked: string[] = []
    const lookup = async (name: string) => {
      asked.push(name)
      return ['192.0.2.1']
    }
    const names = new HostNames({ clock: new FakeClock(), log: silentLogger, lookup })
    for (let i = 0; i <= 1000; i++) await names.addressesOf(`${i}.example`)
    await names.addressesOf('1000.example')
    assert.equal(asked.length, 1001)
    await names.addressesOf('0.example')
    assert.equal(asked.length, 1002)
  })
})
