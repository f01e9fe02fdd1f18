import assert from 'node:assert/strict'
import { silentLogger } from '../../../src/base/logger.js'
import { MediaAddress } from '../../../src/engine/media-address.js'
import { FakeClock } from '../../support/fake-clock.js'

const settle = () => new Promise(setImmediate)

function make(init: { advertised: string; local?: string }, answers: (string[] | Error | Promise<string[]>)[]) {
  const clock = new FakeClock()
  const asked: string[] = []
  const lookup = async (name: string) => {
    asked.push(name)
    const answer = answers.shift() ?? []
    if (answer instanceof Error) throw answer
    return answer
  }
  const address = new MediaAddress({ clock, log: silentLogger, lookup }, { local: '0.0.0.0', ...init })
  return { clock, asked, address }
}

describe('address in SDP', () => {
  for (const advertised of ['192.0.2.1', '2001:db8::1']) {
    it(`${advertised} is taken as it is and never looked up`, async () => {
      const { address, asked, clock } = make({ advertised }, [])
      await address.start()
      assert.deepEqual([address.host, asked, clock.pending], [advertised, [], 0])
    })
  }

  it('of a public name is the one of media’s family, and follows the name', async () => {
    const both = ['2001:db8::1', '192.0.2.1']
    const { address, clock, asked } = make({ advertised: 'home.example' }, [both, ['192.0.2.2'], new Error('SERVFAIL')])
    await address.start()
    assert.equal(address.host, '192.0.2.1')
    clock.advance(300_000)
    await settle()
    assert.equal(address.host, '192.0.2.2')
    clock.advance(300_000)
    await settle()
    assert.deepEqual([address.host, asked.length], ['192.0.2.2', 3])
    address.close()
    assert.equal(clock.pending, 0)
    const six = make({ advertised: 'home.example', local: '::1' }, [both])
    await six.address.start()
    assert.equal(six.address.host, '2001:db8::1')
    six.address.close()
  })

  it('is the name itself while nothing is known, and that is not waited for longer than 2 s', async () => {
    const { address, clock } = make({ advertised: 'home.example' }, [new Promise(() => {})])
    const started = address.start()
    clock.advance(2000)
    await started
    assert.equal(address.host, 'home.example')
    address.close()
  })
})
