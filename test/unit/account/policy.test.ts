import assert from 'node:assert/strict'
import { checkSources, type Lookup, Policy, type PolicyInit } from '../../../src/account/policy.js'
import { TelephonyError } from '../../../src/base/errors.js'
import { silentLogger } from '../../../src/base/logger.js'
import { SourceIndex } from '../../../src/sip/admission/source-index.js'
import type { SipRequest } from '../../../src/sip/types.js'
import { FakeClock } from '../../support/fake-clock.js'

const request = (host: string, method = 'INVITE') =>
  ({ method, source: { protocol: 'udp', host, port: 5060 }, header: () => undefined }) as unknown as SipRequest

function policy(init: Partial<PolicyInit>, lookup: Lookup = async () => [], activeCalls = () => 0) {
  const clock = new FakeClock()
  const full: PolicyInit = { inboundFrom: 'known', allowedSources: [], peers: [], maxCalls: 2, ...init }
  let changes = 0
  const changed = () => changes++
  const made = new Policy({ clock, log: silentLogger, lookup, activeCalls, changed }, full)
  /** How an endpoint with this account alone sees a source. */
  const standing = (host: string) => {
    const index = new SourceIndex<Policy>()
    index.set(made, made.sources)
    return index.standing(host)
  }
  return { clock, policy: made, standing, changes: () => changes }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

describe('policy', () => {
  it('answers strangers nothing at all', () => {
    assert.equal(policy({}).standing('192.0.2.9'), 'silent')
  })

  it('answers strangers 403 where that was chosen', () => {
    assert.equal(policy({ strangers: '403' }).standing('192.0.2.9'), 'refused')
    const { standing } = policy({ allowedSources: ['192.0.2.1'] })
    assert.deepEqual([standing('192.0.2.9'), standing('192.0.2.1')], ['silent', 'known'])
  })

  it('knows those that are listed also where anyone may call', () => {
    const { standing } = policy({ inboundFrom: 'anyone', allowedSources: ['192.0.2.0/24'] })
    assert.deepEqual([standing('192.0.2.9'), standing('198.51.100.1')], ['known', 'unknown'])
  })

  it('lets everybody in only where that was chosen', () => {
    assert.equal(policy({ inboundFrom: 'anyone' }).standing('192.0.2.9'), 'unknown')
  })

  for (const source of ['', 'example.com', '1.2.3', '192.0.2.0/33', '192.0.2.0/24/1', '::1/129', '1::2::3', '::/-1']) {
    it(`refuses ${JSON.stringify(source)} as an allowed source`, () => {
      const bad = (e: unknown) => e instanceof TelephonyError && e.code === 'BAD_CONFIG' && e.message.includes(source)
      assert.throws(() => checkSources(['192.0.2.1', source]), bad)
      assert.throws(() => policy({ allowedSources: [source] }), bad)
    })
  }

  it('knows registrar and proxies by the addresses behind their names, and where they moved', async () => {
    let address = '192.0.2.10'
    const { policy: p, clock, standing, changes } = policy({ peers: ['pbx.example.com'] }, async () => [address])
    await p.start()
    assert.equal(standing('192.0.2.10'), 'known')
    assert.equal(changes(), 1)
    clock.advance(300_000)
    await settled()
    assert.equal(changes(), 1, 'nothing has changed')
    address = '192.0.2.11'
    clock.advance(300_000)
    await settled()
    assert.deepEqual([standing('192.0.2.11'), standing('192.0.2.10')], ['known', 'silent'])
    assert.equal(changes(), 2)
  })

  it('asks again soon for a name that did not resolve, and keeps addresses when it stops resolving', async () => {
    let fails = true
    const lookup = async () => {
      if (fails) throw new Error('ENOTFOUND')
      return ['192.0.2.10']
    }
    const { policy: p, clock, standing } = policy({ peers: ['pbx.example.com'] }, lookup)
    await p.start()
    assert.equal(standing('192.0.2.10'), 'silent')
    fails = false
    clock.advance(30_000)
    await settled()
    assert.equal(standing('192.0.2.10'), 'known')
    fails = true
    clock.advance(300_000)
    await settled()
    assert.equal(standing('192.0.2.10'), 'known')
  })

  it('knows where registrations were answered from, and says so once', () => {
    const { policy: p, standing, changes } = policy({})
    p.learn('192.0.2.20')
    p.learn('192.0.2.20')
    assert.equal(standing('192.0.2.20'), 'known')
    assert.ok(p.isPeer('192.0.2.20'))
    assert.equal(changes(), 1)
  })

  it('remembers the last 64 of them, for a registrar that answers from ever new addresses', () => {
    const { policy: p, standing } = policy({})
    const host = (n: number) => `10.0.${n >> 8}.${n & 255}`
    for (let n = 0; n < 1_000; n++) {
      p.learn('192.0.2.20')
      p.learn(host(n))
    }
    assert.equal(p.sources.known.length, 64)
    assert.deepEqual(['192.0.2.20', host(999), host(937), host(936)].map(standing), [
      'known',
      'known',
      'known',
      'silent',
    ])
  })

  it('is busy for calls, and only for calls, at the account’s limit', () => {
    const { policy: p } = policy({ inboundFrom: 'anyone', maxCalls: 2 }, undefined, () => 2)
    assert.deepEqual(p.admit(request('192.0.2.1')), { admit: false, status: 486 })
    assert.deepEqual(p.admit(request('192.0.2.1', 'OPTIONS')), { admit: true })
    // A call that takes the place of another one adds none (RFC 3891).
    assert.deepEqual(p.admit({ ...request('192.0.2.1'), header: () => 'x;to-tag=1;from-tag=2' }), { admit: true })
  })

  it('leaves no timer behind', async () => {
    const { policy: p, clock } = policy({ peers: ['pbx.example.com'] }, async () => ['192.0.2.1'])
    await p.start()
    assert.equal(clock.pending, 1)
    p.close()
    assert.equal(clock.pending, 0)
  })

  it('says nothing more after it was closed, though a name is looked up late', async () => {
    const { policy: p, changes } = policy({ peers: ['pbx.example.com'] }, async () => ['192.0.2.1'])
    const started = p.start()
    p.close()
    await started
    assert.equal(changes(), 0)
  })
})

describe('a known peer', () => {
  it('is the registrar, a proxy, a learned address or an allowed source, even if anyone may call', async () => {
    const { policy: made } = policy(
      { inboundFrom: 'anyone', allowedSources: ['198.51.100.0/24'], peers: ['pbx.example.com'] },
      async () => ['192.0.2.1'],
    )
    await made.start()
    made.learn('192.0.2.2')
    const known = ['192.0.2.1', '192.0.2.2', '198.51.100.7', '192.0.2.9'].map((address) => made.isKnown(address))
    assert.deepEqual(known, [true, true, true, false])
    made.close()
  })
})
