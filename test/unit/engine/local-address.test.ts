import assert from 'node:assert/strict'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { isIPv6 } from 'node:net'
import type { Lookup } from '../../../src/account/policy.js'
import { systemClock } from '../../../src/base/clock.js'
import { silentLogger } from '../../../src/base/logger.js'
import { localAddressFor } from '../../../src/engine/local-address.js'
import { openNames } from '../../../src/sip/dns/open-names.js'
import { openSipEndpoint } from '../../../src/sip/endpoint.js'

/** Takes datagrams and answers none, so that nothing is refused. */
async function listenOn(host: string, port: number): Promise<Socket> {
  const socket = createSocket(isIPv6(host) ? { type: 'udp6', ipv6Only: true } : { type: 'udp4' }).bind(port, host)
  await once(socket, 'listening')
  return socket
}

describe('local address', () => {
  const { ours } = openNames()
  const systemLookup: Lookup = (host) => ours.lookup(host)
  const addressFor = (host: string, lookup = systemLookup) => localAddressFor({ host, port: 5060 }, lookup)

  it('is the one that the routing table has for the peer', async () => {
    assert.equal(await addressFor('127.0.0.1'), '127.0.0.1')
    assert.equal(await addressFor('pbx.example.com', async () => ['127.0.0.2']), '127.0.0.1')
  })

  it('is of the family that is wanted', async () => {
    const both = async () => ['::1', '127.0.0.1']
    const at = (ipVersion: '4' | '6') => localAddressFor({ host: 'pbx', port: 5060, ipVersion }, both)
    assert.deepEqual([await at('4'), await at('6')], ['127.0.0.1', '::1'])
    assert.equal(await localAddressFor({ host: 'pbx', port: 1, ipVersion: '6' }, async () => ['127.0.0.1']), '::1')
  })

  for (const [ipVersion, preferred, other] of [
    [undefined, '127.0.0.1', '::1'],
    ['prefer-4', '127.0.0.1', '::1'],
    ['prefer-6', '::1', '127.0.0.1'],
  ] as const) {
    it(`is of the preferred family where both work (${ipVersion ?? 'by default'}), of the other one where only that is there or the preferred one did not work`, async () => {
      const ipv4 = await listenOn('127.0.0.1', 0)
      const { port } = ipv4.address()
      const ipv6 = await listenOn('::1', port)
      const at = (addresses: string[], avoid?: string) => {
        const peer = { host: 'pbx', port, ...(ipVersion ? { ipVersion } : {}), ...(avoid ? { avoid } : {}) }
        return localAddressFor(peer, async () => addresses)
      }
      for (const order of [
        ['::1', '127.0.0.1'],
        ['127.0.0.1', '::1'],
      ]) {
        assert.equal(await at(order), preferred)
        assert.equal(await at(order, preferred), other)
      }
      assert.equal(await at([other]), other)
      ipv4.close()
      ipv6.close()
    })
  }

  for (const protocol of ['udp', 'tcp'] as const) {
    it(`is of the family in which the peer listens on ${protocol.toUpperCase()}, whichever is named first`, async () => {
      const open = (host: string) =>
        openSipEndpoint(
          { clock: systemClock, log: silentLogger },
          { host, listeners: [{ protocol, port: 0 }], userAgent: 'x' },
        )
      for (const host of ['::1', '127.0.0.1']) {
        const endpoint = await open(host)
        const peer = { host: 'pbx', port: endpoint.local.port, protocol }
        for (const order of [
          ['::1', '127.0.0.1'],
          ['127.0.0.1', '::1'],
        ]) {
          for (const ipVersion of ['prefer-4', 'prefer-6'] as const) {
            const towardsPeer = { ...peer, ipVersion }
            assert.equal(await localAddressFor(towardsPeer, async () => order), host)
            assert.equal(await localAddressFor({ ...towardsPeer, avoid: host }, async () => order), host)
          }
        }
        await endpoint.close()
        // No network is left now: the address stays as it was.
        for (const avoid of ['::1', '127.0.0.1']) {
          assert.equal(await localAddressFor({ ...peer, avoid }, async () => ['::1', '127.0.0.1']), avoid)
        }
      }
    })
  }

  it('is loopback where the peer cannot be found or reached: nothing is opened to a network by mistake', async () => {
    const notFound = async () => {
      throw new Error('ENOTFOUND')
    }
    assert.equal(await addressFor('pbx.example.com', notFound), '127.0.0.1')
    assert.equal(await addressFor('pbx.example.com', async () => []), '127.0.0.1')
    assert.equal(await addressFor('pbx.example.com', async () => ['255.255.255.255']), '127.0.0.1')
  })
})
