import assert from 'node:assert/strict'
import { type Lookup, Policy, type PolicyInit, parseSources } from '../../../src/account/policy.js'
import { TelephonyError } from '../../../src/base/errors.js'
import { silentLogger } from '../../../src/base/logger.js'
import type { SipRequest } from '../../../src/sip/types.js'
import { FakeClock } from '../../support/fake-clock.js'

const request = (host: string, method = 'INVITE') =>
  ({ method, source: { protocol: 'udp', host, port: 5060 } }) as unknown as SipRequest

function policy(init: Partial<PolicyInit>, lookup: Lookup = async () => [], activeCalls = () => 0) {
  const clock = new FakeClock()
  const full: PolicyInit = { inboundFrom: 'known', allowedSources: [], peers: [], maxCalls: 2, ...init }
  return { clock, policy: new Policy({ clock, log: silentLogger, lookup, activeCalls }, full) }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

describe('policy', () => {
  it('answers strangers nothing at all', () => {
    assert.deepEqual(policy({}).policy.admit(request('192.0.2.9')), {
      admit: false,
      status: 0,
      known: false,
      stranger: true,
    })
  })

  it('answers strangers 403 where that was chosen, to requests and to nonsense', () => {
    const { policy: open } = policy({ strangers: '403' })
    assert.deepEqual(open.admit(request('192.0.2.9')), { admit: false, status: 403, known: false, stranger: true })
    assert.equal(open.answers('192.0.2.9'), true)
    const { policy: silent } = policy({ allowedSources: ['192.0.2.1'] })
    assert.deepEqual([silent.answers('192.0.2.9'), silent.answers('192.0.2.1')], [false, true])
    assert.equal(policy({ inboundFrom: 'anyone' }).policy.answers('192.0.2.9'), true)
  })

  it('knows those that are listed also where anyone may call', () => {
    const { policy: p } = policy({ inboundFrom: 'anyone', allowedSources: ['192.0.2.0/24'] })
    assert.deepEqual(p.admit(request('192.0.2.9')), { admit: true, known: true })
  })

  it('lets everybody in only where that was chosen', () => {
    assert.deepEqual(policy({ inboundFrom: 'anyone' }).policy.admit(request('192.0.2.9')), {
      admit: true,
      known: false,
    })
  })

  it('knows addresses and blocks of the list', () => {
    const { policy: p } = policy({ allowedSources: ['192.0.2.1', '198.51.100.0/24'] })
    assert.equal(p.admit(request('192.0.2.1')).admit, true)
    assert.equal(p.admit(request('192.0.2.2')).admit, false)
    assert.equal(p.admit(request('198.51.100.77')).admit, true)
    assert.equal(p.admit(request('198.51.101.1')).admit, false)
  })

  it('knows IPv6 addresses and blocks as well', () => {
    const { policy: p } = policy({ allowedSources: ['2001:DB8:0::/48', '::1', '192.0.2.1'] })
    assert.equal(p.admit(request('2001:db8::7')).admit, true)
    assert.equal(p.admit(request('2001:db8:1::7')).admit, false)
    assert.equal(p.admit(request('::1')).admit, true)
    assert.equal(p.admit(request('fe80::1%eth0')).admit, false)
  })

  for (const source of ['', 'example.com', '1.2.3', '192.0.2.0/33', '192.0.2.0/24/1', '::1/129', '1::2::3']) {
    it(`refuses ${JSON.stringify(source)} as an allowed source`, () =>
      assert.throws(
        () => parseSources([source]),
        (e) => e instanceof TelephonyError && e.code === 'BAD_CONFIG',
      ))
  }

  it('knows registrar and proxies by the addresses behind their names, and where they moved', async () => {
    let address = '192.0.2.10'
    const { policy: p, clock } = policy({ peers: ['pbx.example.com'] }, async () => [address])
    await p.start()
    assert.equal(p.admit(request('192.0.2.10')).admit, true)
    address = '192.0.2.11'
    clock.advance(300_000)
    await settled()
    assert.equal(p.admit(request('192.0.2.11')).admit, true)
    assert.equal(p.admit(request('192.0.2.10')).admit, false)
  })

  it('asks again soon for a name that did not resolve, and keeps addresses when it stops resolving', async () => {
    let fails = true
    const lookup = async () => {
      if (fails) throw new Error('ENOTFOUND')
      return ['192.0.2.10']
    }
    const { policy: p, clock } = policy({ peers: ['pbx.example.com'] }, lookup)
    await p.start()
    assert.equal(p.admit(request('192.0.2.10')).admit, false)
    fails = false
    clock.advance(30_000)
    await settled()
    assert.equal(p.admit(request('192.0.2.10')).admit, true)
    fails = true
    clock.advance(300_000)
    await settled()
    assert.equal(p.admit(request('192.0.2.10')).admit, true)
  })

  it('knows where registrations were answered from', () => {
    const { policy: p } = policy({})
    p.learn('192.0.2.20')
    assert.equal(p.admit(request('192.0.2.20')).admit, true)
  })

  it('is busy for calls, and only for calls, at the account’s limit', () => {
    const { policy: p } = policy({ inboundFrom: 'anyone', maxCalls: 2 }, undefined, () => 2)
    assert.deepEqual(p.admit(request('192.0.2.1')), { admit: false, status: 486, known: false })
    assert.deepEqual(p.admit(request('192.0.2.1', 'OPTIONS')), { admit: true, known: false })
  })

  it('leaves no timer behind', async () => {
    const { policy: p, clock } = policy({ peers: ['pbx.example.com'] }, async () => ['192.0.2.1'])
    await p.start()
    assert.equal(clock.pending, 1)
    p.close()
    assert.equal(clock.pending, 0)
  })
})
