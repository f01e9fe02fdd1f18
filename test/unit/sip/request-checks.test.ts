import assert from 'node:assert/strict'
import type { ParsedRequest } from '../../../src/sip/message/parsed-message.js'
import { parseMessage } from '../../../src/sip/message/parser.js'
import { checkRequest, checkTargetRefresh } from '../../../src/sip/request-checks.js'
import type { SipProtocol } from '../../../src/sip/types.js'
import { MemoryWire } from '../../support/memory-wire.js'
import { requestText, SDP, SOURCE } from '../../support/sip-messages.js'

const read = (parts: Parameters<typeof requestText>[0]): ParsedRequest =>
  parseMessage(Buffer.from(requestText(parts)), SOURCE) as ParsedRequest

const statusOf = (parts: Parameters<typeof requestText>[0]): number | undefined => checkRequest(read(parts))?.status

describe('the checks of a request (RFC 3261 8.2)', () => {
  it('take sip and tel as Request-URI, and say 416 to other schemes', () => {
    assert.deepEqual(
      ['sip:bob@example.org', 'tel:+49301234', 'sips:bob@example.org', 'urn:service:sos'].map((uri) =>
        statusOf({ uri }),
      ),
      [undefined, undefined, 416, 416],
    )
  })

  it('take sips from an encrypted connection (26.2.2)', () => {
    const status = (protocol: SipProtocol) => {
      const octets = Buffer.from(requestText({ uri: 'sips:bob@example.org' }))
      return checkRequest(parseMessage(octets, { ...SOURCE, protocol }) as ParsedRequest)?.status
    }
    assert.deepEqual((['udp', 'tcp', 'ws', 'tls', 'wss'] as const).map(status), [416, 416, 416, undefined, undefined])
  })

  for (const method of ['INVITE', 'UPDATE']) {
    it(`${method}: an encoded body is 415 with Accept-Encoding; identity is none, in any case`, () => {
      const encoded = (...values: string[]) =>
        statusOf({ method, body: SDP, headers: values.map((value) => `Content-Encoding: ${value}`) })
      assert.deepEqual([encoded(), encoded('identity'), encoded('IDENTITY')], Array(3).fill(undefined))
      assert.deepEqual([encoded('gzip'), encoded('identity', 'gzip'), encoded('identity, gzip')], Array(3).fill(415))
    })

    it(`${method}: one Contact that requests can be sent to`, () => {
      const refused = (contact: string) => {
        const text = requestText({ method, body: SDP }).replace(/^Contact: .*\r\n/m, contact)
        return checkTargetRefresh(parseMessage(Buffer.from(text), SOURCE) as ParsedRequest)?.status
      }
      assert.equal(refused('Contact: <sip:a@b>\r\n'), undefined)
      assert.deepEqual(['', 'Contact: <sip:a@b>, <sip:c@d>\r\n', 'Contact: <tel:1>\r\n'].map(refused), [400, 400, 400])
    })
  }

  it('do not look into the body of other requests', () => {
    assert.equal(statusOf({ method: 'INFO', body: 'x', headers: ['Content-Encoding: gzip'] }), undefined)
  })
})

describe('a request that is refused because it is malformed', () => {
  it('has further Vias in its answer only if they can be read: otherwise the answer would be as malformed', () => {
    const wire = new MemoryWire()
    const more = ['Via: nonsense', 'Via: SIP/2.0/UDP 198.51.100.4;branch=z9hG4bKfirst']
    wire.receive(requestText({ method: 'OPTIONS', from: '<', headers: more }))
    const [answer = ''] = wire.out
    assert.match(answer, /^SIP\/2\.0 400 /)
    const vias = [...answer.matchAll(/^Via: (.*)\r$/gm)].map(([, via]) => via)
    assert.equal(vias.length, 2)
    assert.equal(vias[1], 'SIP/2.0/UDP 198.51.100.4;branch=z9hG4bKfirst')
    wire.endpoint.close()
  })
})
