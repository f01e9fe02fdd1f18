import assert from 'node:assert/strict'
import { OutgoingRequest } from '../../src/sip/message/outgoing-request.js'
import { type NameAddress, parseNameAddress } from '../../src/sip/uri/name-address.js'
import { uriOf } from './uri.js'

export const routes = (...texts: string[]): NameAddress[] =>
  texts.map((text) => {
    const parsed = parseNameAddress(text)
    assert.ok(parsed, text)
    return parsed
  })

/** Our INVITE, changed where the test says so. */
export const outgoing = (init: Partial<ConstructorParameters<typeof OutgoingRequest>[0]> = {}): OutgoingRequest =>
  new OutgoingRequest({
    method: 'INVITE',
    target: uriOf('sip:bob@example.org'),
    routeSet: [],
    from: '"Alice" <sip:alice@example.com>',
    fromTag: 'ours',
    to: '<sip:bob@example.org>',
    callId: 'call@test',
    cseq: 7,
    lines: [],
    ...init,
  })

/** The values of a header, each on its own line. */
export const lineOf = (request: OutgoingRequest, name: string): string[] =>
  request
    .toText('x', { remote: { protocol: 'udp', host: '192.0.2.7', port: 5060 }, sentBy: '192.0.2.1:5060' })
    .split('\r\n')
    .flatMap((line) => (line.startsWith(`${name}: `) ? [line.slice(name.length + 2)] : []))
