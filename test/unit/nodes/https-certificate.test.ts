import assert from 'node:assert/strict'
import { HttpsCertificate } from '../../../nodes/shared/https-certificate.js'
import type { RED } from '../../../nodes/shared/red.js'
import type { TransportConfig } from '../../../src/engine/protocol.js'
import { loopbackAccount } from '../../support/engine-pair.js'
import { FakeClock } from '../../support/fake-clock.js'

const HOUR_MS = 3_600_000

function scene(settings: object) {
  const clock = new FakeClock()
  const problems: string[] = []
  let renewals = 0
  const https = new HttpsCertificate({
    clock,
    renewed: () => renewals++,
    problem: (text) => problems.push(text),
  })
  https.configure({ settings } as unknown as RED)
  const pairFor = async (transport: Partial<TransportConfig> = { ports: { wss: 0 } }) => {
    const account = loopbackAccount('alice')
    const completed = await https.complete({ ...account, transport: { ...account.transport, ...transport } })
    return completed.transport.tls?.pair
  }
  const later = async (hours: number) => {
    clock.advance(hours * HOUR_MS)
    await new Promise(setImmediate)
  }
  return { https, pairFor, later, problems, renewals: () => renewals }
}

const PAIR = { certificate: { pem: 'C' }, key: { pem: 'K' } }

describe('the certificate of Node-RED', () => {
  for (const [what, https] of [
    ['an object', { cert: 'C', key: 'K' }],
    ['Buffers', { cert: Buffer.from('C'), key: Buffer.from('K') }],
    ['a function', () => ({ cert: 'C', key: 'K' })],
    ['a promise', Promise.resolve({ cert: 'C', key: 'K' })],
    ['a function that returns a promise', async () => ({ cert: ['C'], key: 'K' })],
  ] as const) {
    it(`serves a TLS or WSS port without one of its own: https is ${what}`, async () => {
      assert.deepEqual(await scene({ https }).pairFor(), PAIR)
      assert.deepEqual(await scene({ https }).pairFor({ ports: { udp: 0, tls: 0 } }), PAIR)
    })
  }

  it('comes with its passphrase', async () => {
    const pair = await scene({ https: { cert: 'C', key: 'K', passphrase: 'P' } }).pairFor()
    assert.deepEqual(pair, { ...PAIR, passphrase: 'P' })
  })

  it('is not used where no port needs it, or the transport has its own', async () => {
    const { pairFor } = scene({ https: () => assert.fail('not asked') })
    assert.equal(await pairFor({ ports: { udp: 0, tcp: 0, ws: 0 } }), undefined)
    const own = { certificate: { file: '/c' }, key: { file: '/k' } }
    assert.equal(await pairFor({ ports: { tls: 0 }, tls: { pair: own } }), own)
  })

  it('keeps the other TLS settings of the transport', async () => {
    const { https } = scene({ https: { cert: 'C', key: 'K' } })
    const account = loopbackAccount('alice')
    const transport = { ...account.transport, ports: { tls: 0 }, tls: { ca: { file: '/ca' } } }
    const completed = await https.complete({ ...account, transport })
    assert.deepEqual(completed.transport.tls, { ca: { file: '/ca' }, pair: PAIR })
  })

  it('is missed with advice if Node-RED has none', async () => {
    for (const https of [undefined, {}, () => undefined]) {
      await assert.rejects(scene({ https }).pairFor(), {
        code: 'BAD_CONFIG',
        message: /TLS or WSS port, but no certificate. Choose its files, or set https in settings.js/,
      })
    }
    const failing = { https: () => Promise.reject(new Error('no such file')) }
    await assert.rejects(scene(failing).pairFor(), { message: 'https in settings.js has failed: no such file' })
  })

  it('is read again after httpsRefreshInterval, and a renewed one is reported', async () => {
    let cert = 'C'
    const { pairFor, later, renewals } = scene({ https: async () => ({ cert, key: 'K' }), httpsRefreshInterval: '6' })
    await pairFor()
    await later(6)
    assert.equal(renewals(), 0, 'it is the same')
    cert = 'C2'
    await later(5)
    assert.equal(renewals(), 0, 'not yet')
    await later(1)
    assert.equal(renewals(), 1)
    assert.deepEqual((await pairFor())?.certificate, { pem: 'C2' })
    cert = 'C3'
    await later(6)
    assert.equal(renewals(), 2, 'again and again')
  })

  it('stays while reading it again fails', async () => {
    let fails = false
    const https = async () => {
      if (fails) throw new Error('disk')
      return { cert: 'C', key: 'K' }
    }
    const { pairFor, later, problems, renewals } = scene({ https, httpsRefreshInterval: 1 })
    await pairFor()
    fails = true
    await later(1)
    assert.deepEqual(await pairFor(), PAIR)
    assert.match(problems.join(), /^the certificate of Node-RED could not be read again: .*disk$/)
    assert.equal(renewals(), 0)
  })

  it('is not read again without an interval, or from an object, or after the flows have stopped', async () => {
    let reads = 0
    const read = () => {
      reads++
      return { cert: `C${reads}`, key: 'K' }
    }
    const plain = scene({ https: read })
    await plain.pairFor()
    await plain.later(48)
    const stopped = scene({ https: read, httpsRefreshInterval: 1 })
    await stopped.pairFor()
    stopped.https.stop()
    await stopped.later(48)
    assert.equal(reads, 2)
    assert.deepEqual([plain.renewals(), stopped.renewals()], [0, 0])
  })
})
