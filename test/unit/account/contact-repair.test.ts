import assert from 'node:assert/strict'
import { ContactRepair, repairedAddress } from '../../../src/account/contact-repair.js'
import type { SipResponse } from '../../../src/sip/types.js'
import { FakeClock } from '../../support/fake-clock.js'

const PRIVATE = 'sip:0a1b@192.168.1.10:5060'
const PUBLIC = 'sip:0a1b@198.51.100.1:5060'

/** A 2xx whose first Via ends so. */
function accepted(via: string, headers: Record<string, readonly string[]> = {}): SipResponse {
  const all: Record<string, readonly string[]> = {
    Via: [`SIP/2.0/${via}`, 'SIP/2.0/UDP 192.0.2.99;received=192.0.2.98'],
    ...headers,
  }
  return { status: 200, headers: (name: string) => all[name] ?? [] } as unknown as SipResponse
}

describe('Contact repaired from what the registrar saw', () => {
  for (const [what, via, contact, address, headers] of [
    ['another host and port', 'UDP 192.168.1.10;rport=40000;received=203.0.113.9', PRIVATE, '203.0.113.9 40000'],
    ['another port', 'UDP 198.51.100.1:5060;rport=40000;received=198.51.100.1', PUBLIC, '198.51.100.1 40000'],
    ['another port, no received', 'UDP 198.51.100.1:5060;rport=40000', PUBLIC, '198.51.100.1 40000'],
    ['a host only: our port stays', 'UDP 192.168.1.10:5060;received=203.0.113.9', PRIVATE, '203.0.113.9 5060'],
    ['a private host from a public Contact', 'UDP 198.51.100.1;rport=5070;received=10.0.0.2', PUBLIC, '10.0.0.2 5070'],
    ['IPv6', 'UDP [fd00::1];rport=5070;received=2001:db8::1', 'sip:a@[fd00::1]:5060', '2001:db8::1 5070'],
    ['IPv6 in brackets', 'UDP [fd00::1];rport=5070;received=[2001:db8::1]', 'sip:a@[fd00::1]', '2001:db8::1 5070'],
    ['our address', 'UDP 192.168.1.10:5060;rport=5060;received=192.168.1.10', PRIVATE, ''],
    ['our address, default port', 'UDP 192.168.1.10;rport=5060;received=192.168.1.10', 'sip:a@192.168.1.10', ''],
    ['nothing', 'UDP 192.168.1.10:5070;branch=z9hG4bKx', PRIVATE, ''],
    ['rport without a value', 'UDP 192.168.1.10;rport', PRIVATE, ''],
    ['an rport that is not a port', 'UDP 192.168.1.10;rport=none;received=192.168.1.10', PRIVATE, ''],
    ['port 0', 'UDP 192.168.1.10;rport=0;received=203.0.113.9', PRIVATE, ''],
    ['the other IP version', 'UDP 192.168.1.10;rport=5060;received=2001:db8::1', PRIVATE, ''],
    ['no address', 'UDP 192.168.1.10;rport=5060;received=nat.example.com', PRIVATE, ''],
    ['an unreadable Via', 'UDP', PRIVATE, ''],
    [
      'another address than our name',
      'UDP pbx.example.com;rport=5060;received=203.0.113.9',
      'sip:a@pbx.example.com',
      '',
    ],
    [
      'by TCP: a public one for a private one',
      'TCP 192.168.1.10;rport=40000;received=203.0.113.9',
      PRIVATE,
      '203.0.113.9 40000',
    ],
    ['by TCP: another port, as always', 'TCP 198.51.100.1:5060;rport=40000;received=198.51.100.1', PUBLIC, ''],
    ['by TCP: a private one', 'TCP 192.168.1.10;rport=40000;received=192.168.1.20', PRIVATE, ''],
    [
      'by TLS, which it uses again',
      'TLS 192.168.1.10;rport=40000;received=203.0.113.9',
      PRIVATE,
      '',
      { Require: ['path, outbound'] },
    ],
    ['by a WebSocket', 'WSS 192.168.1.10;rport=40000;received=203.0.113.9', PRIVATE, ''],
  ] as const) {
    it(`it saw ${what}`, () => {
      const found = repairedAddress(accepted(via, headers), contact)
      assert.equal(found ? `${found.host} ${found.port}` : '', address)
    })
  }

  const seen = (host: string, port: number) => accepted(`UDP 192.168.1.10;rport=${port};received=${host}`)
  const contact = (host: string, port: number) => `sip:0a1b@${host}:${port}`

  it('is repaired at once, and again after a while', () => {
    const clock = new FakeClock()
    const repair = new ContactRepair(clock)
    assert.deepEqual(repair.addressAfter(seen('203.0.113.9', 40_000), PRIVATE), { host: '203.0.113.9', port: 40_000 })
    assert.equal(repair.addressAfter(seen('203.0.113.9', 40_001), contact('203.0.113.9', 40_000)), undefined)
    clock.advance(60_000)
    const second = repair.addressAfter(seen('203.0.113.9', 40_001), contact('203.0.113.9', 40_000))
    assert.equal(second?.port, 40_001)
  })

  it('does not go back to an address that it left, for an hour', () => {
    const clock = new FakeClock()
    const repair = new ContactRepair(clock)
    let at = { host: '192.168.1.10', port: 5060 }
    let repairs = 0
    for (let refresh = 0; refresh < 11; refresh++) {
      const address = repair.addressAfter(seen('203.0.113.9', refresh % 2 ? 5060 : 5070), contact(at.host, at.port))
      if (address) {
        at = address
        repairs++
      }
      clock.advance(300_000)
    }
    assert.deepEqual([at, repairs], [{ host: '203.0.113.9', port: 5060 }, 2])
    clock.advance(600_000)
    assert.equal(repair.addressAfter(seen('203.0.113.9', 5070), contact(at.host, at.port))?.port, 5070)
  })

  it('stays as it is after the registrar has refused a repaired one', () => {
    const clock = new FakeClock()
    const repair = new ContactRepair(clock)
    assert.ok(repair.addressAfter(seen('203.0.113.9', 40_000), PRIVATE))
    repair.refused()
    clock.advance(7_200_000)
    assert.equal(repair.addressAfter(seen('203.0.113.10', 40_000), PRIVATE), undefined)
  })
})
