import assert from 'node:assert/strict'
import { natHosts } from '../../../src/call/nat.js'
import type { SipMessage } from '../../../src/sip/types.js'
import { response, sdpBody } from '../../support/fake-user-agent.js'
import { dialled, dialledAndAnswered, incoming, peerSdp } from './call-fixture.js'

function from(host: string, contact = '<sip:bob@192.0.2.9:5060>'): SipMessage {
  const source = { protocol: 'udp', host, port: 5060 } as const
  return { source, header: (name: string) => (name === 'contact' ? contact : undefined) } as SipMessage
}

describe('NAT in front of a peer’s media', () => {
  it('is seen where a private address is signalled from a public one', () => {
    for (const sdpHost of ['10.1.2.3', '172.16.0.1', '172.31.9.9', '192.168.0.4', '100.64.0.1', '169.254.1.1']) {
      assert.deepEqual(natHosts(sdpHost, from('203.0.113.7'), 'auto'), ['203.0.113.7'], sdpHost)
    }
    const contact = '"Bob" <sip:bob@192.168.1.5:5062;ob>;expires=60'
    assert.deepEqual(natHosts('203.0.113.7', from('203.0.113.7', contact), 'auto'), ['203.0.113.7'])
  })

  it('is read from the address of the Contact, not from its name or parameters', () => {
    for (const contact of ['"sip:10.0.0.1" <sip:198.51.100.1>', 'sip:bob@198.51.100.1;x="<sip:bob@10.0.0.1>"']) {
      assert.deepEqual(natHosts('198.51.100.1', from('203.0.113.7', contact), 'auto'), [], contact)
    }
    const bare = 'sip:bob@10.0.0.1:5062;+sip.instance="<urn:x>"'
    assert.deepEqual(natHosts('198.51.100.1', from('203.0.113.7', bare), 'auto'), ['203.0.113.7'])
  })

  it('is not seen on loopback, in a LAN, between public addresses, or before anything was signalled', () => {
    assert.deepEqual(natHosts('127.0.0.1', from('127.0.0.1', '<sip:bob@127.0.0.1>'), 'auto'), [])
    assert.deepEqual(natHosts('192.168.0.4', from('192.168.0.9', '<sip:bob@10.0.0.1>'), 'auto'), [])
    assert.deepEqual(natHosts('198.51.100.1', from('203.0.113.7'), 'auto'), [])
    assert.deepEqual(natHosts('172.32.0.1', from('203.0.113.7'), 'auto'), [])
    assert.deepEqual(natHosts('100.128.0.1', from('203.0.113.7', ''), 'auto'), [])
    assert.deepEqual(natHosts('10.1.2.3', from('2001:db8::1'), 'auto'), [])
    assert.deepEqual(natHosts('10.1.2.3', undefined, 'auto'), [])
  })

  it('is taken for granted where the owner says so: for the hosts of SDP and signalling, for no others', () => {
    assert.deepEqual(natHosts('10.1.2.3', from('203.0.113.7'), 'latch'), ['10.1.2.3', '203.0.113.7'])
    assert.deepEqual(natHosts('127.0.0.1', from('127.0.0.1'), 'latch'), ['127.0.0.1'])
    assert.deepEqual(natHosts('10.1.2.3', undefined, 'latch'), ['10.1.2.3'])
  })

  it('does not matter where the owner lets every host send', () => {
    assert.equal(natHosts('10.1.2.3', from('203.0.113.7'), 'any'), 'any')
    assert.equal(natHosts('192.0.2.9', undefined, 'any'), 'any')
  })

  it('reaches the media of calls in both directions, and nothing does where there is none', async () => {
    const offer = peerSdp({ host: '192.168.0.4' })
    const inbound = incoming({ offer })
    await inbound.call.answer()
    assert.deepEqual(inbound.session.connects.at(-1)?.natHosts, [inbound.invite.request.source.host])
    const outbound = await dialled()
    outbound.userAgent.invite0.handlers.progress(response(183, { body: sdpBody(offer) }))
    assert.deepEqual(outbound.session.connects.at(-1)?.natHosts, [response(183).source.host])
    const direct = await dialledAndAnswered()
    assert.equal('natHosts' in (direct.session.connects.at(-1) ?? {}), false)
    const latching = await dialledAndAnswered({ mediaSource: 'latch' })
    assert.ok(latching.session.connects.at(-1)?.natHosts?.includes('192.0.2.9'))
  })
})
