import assert from 'node:assert/strict'
import { localAddressTowards, systemLookup } from '../../../src/engine/local-address.js'

describe('local address', () => {
  const towards = (host: string, lookup = systemLookup) => localAddressTowards({ host, port: 5060 }, lookup)

  it('is the one that the routing table has for the peer', async () => {
    assert.equal(await towards('127.0.0.1'), '127.0.0.1')
    assert.equal(await towards('pbx.example.com', async () => ['127.0.0.2']), '127.0.0.1')
  })

  it('is loopback where the peer cannot be found or reached: nothing is opened to a network by mistake', async () => {
    const notFound = async () => {
      throw new Error('ENOTFOUND')
    }
    assert.equal(await towards('pbx.example.com', notFound), '127.0.0.1')
    assert.equal(await towards('pbx.example.com', async () => []), '127.0.0.1')
    assert.equal(await towards('pbx.example.com', async () => ['255.255.255.255']), '127.0.0.1')
  })
})
