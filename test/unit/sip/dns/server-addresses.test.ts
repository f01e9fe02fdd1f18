import assert from 'node:assert/strict'
import { serverAddresses } from '../../../../src/sip/dns/server-addresses.js'
import { FakeNames, naptr, srv } from './fake-names.js'

describe('addresses of the servers of a domain', () => {
  it('are those of its services, the best first, and its own', async () => {
    const names = new FakeNames()
    names.hosts
      .set('example.com', ['192.0.2.80'])
      .set('a.example.com', ['192.0.2.1', '2001:db8::1'])
      .set('b.example.com', ['192.0.2.2'])
      .set('c.example.com', ['192.0.2.3'])
    names.services
      .set('_sip._udp.example.com', [srv(20, 0, 'b.example.com'), srv(10, 0, 'a.example.com')])
      .set('_sips._tcp.example.com', [srv(30, 0, 'a.example.com'), srv(40, 0, 'gone.example.com')])
      .set('tcp.example.net', [srv(35, 0, 'c.example.com')])
    names.pointers.set('example.com', [naptr(1, 'SIP+D2T', 'tcp.example.net')])
    names.failing.add('SRV _sip._tcp.example.com').add('A+AAAA gone.example.com')
    assert.deepEqual(await serverAddresses(names, 'example.com'), [
      '192.0.2.1',
      '2001:db8::1',
      '192.0.2.2',
      '192.0.2.3',
      '192.0.2.80',
    ])
  })

  it('of an address are that address', async () => {
    const names = new FakeNames()
    assert.deepEqual(await serverAddresses(names, '2001:db8::1'), ['2001:db8::1'])
    assert.deepEqual(names.asked, [])
  })

  it('are an error if there is none', async () => {
    const names = new FakeNames()
    names.failing.add('A+AAAA example.com')
    await assert.rejects(serverAddresses(names, 'example.com'), /server failure/)
  })
})
