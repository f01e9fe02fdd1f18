import assert from 'node:assert/strict'
import { systemClock } from '../../../src/base/clock.js'
import { silentLogger } from '../../../src/base/logger.js'
import { openEngineNames } from '../../../src/engine/engine-names.js'
import { DnsServer } from '../../support/dns-server.js'
import { within } from '../../support/wait.js'

describe('names of the engine', () => {
  let dns: DnsServer
  const deps = { clock: systemClock, log: silentLogger }

  beforeEach(async () => {
    dns = await DnsServer.start()
  })
  afterEach(() => dns.close())

  it('are asked for at the DNS server that is set: hosts, servers of a domain, hosts of peers', async () => {
    dns
      .a('example.com', '192.0.2.80')
      .a('a.example.com', '192.0.2.1')
      .srv('_sip._udp.example.com', 'a.example.com', 5060)
    const { names } = openEngineNames(deps, [dns.address])
    assert.deepEqual(await names.host('example.com'), ['192.0.2.80'])
    assert.deepEqual(await names.servers('example.com'), ['192.0.2.1', '192.0.2.80'])
    assert.deepEqual(await names.hostOfPeer('example.com'), ['192.0.2.80'])
    assert.deepEqual(await names.servers('192.0.2.7'), ['192.0.2.7'])
    names.close()
  })

  it('that do not exist reject; a name in the SDP of a peer has no address then', async () => {
    const { names } = openEngineNames(deps, [dns.address])
    await assert.rejects(names.host('gone.example.com'), { code: 'TRANSPORT' })
    await assert.rejects(names.servers('gone.example.com'), { code: 'TRANSPORT' })
    assert.deepEqual(await names.hostOfPeer('gone.example.com'), [])
    names.close()
  })

  it('without an answer end with the engine', async () => {
    dns.isSilent = true
    const { names } = openEngineNames(deps, [dns.address])
    const asked = assert.rejects(names.host('slow.example.com'), { code: 'TRANSPORT' })
    await names.hostOfPeer('localhost')
    names.close()
    await within(asked, 'the end of the question', 900)
  })

  it('of DNS servers are addresses', () => {
    assert.throws(() => openEngineNames(deps, ['ns.example']), { code: 'BAD_CONFIG' })
  })
})
