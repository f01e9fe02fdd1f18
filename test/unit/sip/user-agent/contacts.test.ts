import assert from 'node:assert/strict'
import type { SipProtocol } from '../../../../src/sip/types.js'
import { Contacts, ContactWith } from '../../../../src/sip/user-agent/contacts.js'

const way = (protocol: SipProtocol, sentBy: string) => ({
  remote: { protocol, host: '192.0.2.9', port: 9 },
  sentBy,
})

describe('Contacts', () => {
  it('name the transport of the way; a WebSocket client over TLS names ws (RFC 7118 5)', () => {
    const contacts = new Contacts({ user: 'alice', home: undefined })
    const cases: [SipProtocol, string, string][] = [
      ['udp', '192.0.2.1:5060', 'sip:alice@192.0.2.1:5060'],
      ['tls', '192.0.2.1:5061', 'sip:alice@192.0.2.1:5061;transport=tls'],
      ['ws', 'x1.invalid', 'sip:alice@x1.invalid;transport=ws'],
      ['wss', 'x1.invalid', 'sip:alice@x1.invalid;transport=ws'],
      ['wss', '192.0.2.1:8089', 'sip:alice@192.0.2.1:8089;transport=wss'],
    ]
    for (const [protocol, sentBy, uri] of cases) assert.equal(contacts.uriFor(way(protocol, sentBy)), uri)
  })

  it('are SIPS with the name of the protocol below TLS where the request is SIPS (RFC 3261 8.1.1.8, 26.2.2)', () => {
    const contacts = new Contacts({ user: 'alice', home: undefined })
    assert.equal(contacts.uriFor(way('tls', '192.0.2.1:5061'), true), 'sips:alice@192.0.2.1:5061;transport=tcp')
    assert.equal(contacts.uriFor(way('wss', '192.0.2.1:8089'), true), 'sips:alice@192.0.2.1:8089;transport=ws')
  })

  it('in dialogs are the GRUU of the registrar (RFC 5627 4.4.1), or have ob (RFC 5626 4.3); a REGISTER has neither', () => {
    const contacts = new Contacts({ user: 'alice', home: undefined })
    const tls = way('tls', '192.0.2.1:5061')
    contacts.bind({ isOutbound: true })
    assert.equal(contacts.lineFor(tls), 'Contact: <sip:alice@192.0.2.1:5061;transport=tls;ob>')
    contacts.bind({ isOutbound: true, gruu: 'sip:alice@example.com;gr=1' })
    assert.equal(contacts.lineFor(tls), 'Contact: <sip:alice@example.com;gr=1>')
    assert.equal(contacts.lineFor(tls, true), 'Contact: <sips:alice@192.0.2.1:5061;transport=tcp;ob>')
    const register = new ContactWith(contacts, ';expires=60')
    assert.equal(register.lineFor(tls, false), 'Contact: <sip:alice@192.0.2.1:5061;transport=tls>;expires=60')
    contacts.bind()
    assert.equal(contacts.lineFor(tls), 'Contact: <sip:alice@192.0.2.1:5061;transport=tls>')
  })
})
