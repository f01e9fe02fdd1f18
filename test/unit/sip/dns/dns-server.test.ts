import assert from 'node:assert/strict'
import { parseDnsServer, serverText } from '../../../../src/sip/dns/dns-server.js'

describe('the address of a DNS server', () => {
  for (const [text, host, port, shown] of [
    ['192.0.2.53', '192.0.2.53', 53, '192.0.2.53'],
    [' 192.0.2.53:5353 ', '192.0.2.53', 5353, '192.0.2.53:5353'],
    ['2001:db8::53', '2001:db8::53', 53, '2001:db8::53'],
    ['[2001:db8::53]', '2001:db8::53', 53, '2001:db8::53'],
    ['[2001:db8::53]:5353', '2001:db8::53', 5353, '[2001:db8::53]:5353'],
    ['fe80::1%eth0', 'fe80::1%eth0', 53, 'fe80::1%eth0'],
  ] as const) {
    it(`"${text}" is ${host}, port ${port}`, () => {
      const server = parseDnsServer(text)
      assert.deepEqual(server, { host, port })
      assert.equal(serverText(server), shown)
    })
  }

  for (const text of [
    '',
    'dns.example.com',
    '192.0.2.53:0',
    '192.0.2.53:65536',
    '192.0.2',
    '[2001:db8::53',
    '1.2.3.4:x',
  ]) {
    it(`"${text}" is refused`, () => {
      assert.throws(() => parseDnsServer(text), { code: 'BAD_CONFIG', message: /is not a valid DNS server/ })
    })
  }
})
