import assert from 'node:assert/strict'
import fc from 'fast-check'
import { systemClock } from '../../../src/base/clock.js'
import { silentLogger } from '../../../src/base/logger.js'
import { openSipEndpoint } from '../../../src/sip/endpoint.js'
import type { SipEndpoint } from '../../../src/sip/types.js'
import { RawPeer } from '../../support/raw-peer.js'
import { requestText, responseText, SDP } from '../../support/sip-messages.js'
import { ANSWER } from '../../support/sip-parties.js'

const PIECES = [
  '\r\n',
  '\n',
  '\0',
  ',',
  ';',
  '"',
  '<',
  '>',
  ':',
  '%',
  '=',
  '@',
  ' ',
  'ü',
  '__proto__',
  'tag=',
  'INVITE',
  'ACK',
  '-1',
  '',
]

const edits = fc.array(fc.tuple(fc.nat(700), fc.nat(8), fc.constantFrom(...PIECES)), { minLength: 1, maxLength: 4 })

describe('an endpoint, fuzzed over its socket', () => {
  let endpoint: SipEndpoint
  let peer: RawPeer
  const errors: unknown[] = []

  before(async () => {
    const log = { ...silentLogger, error: (fields: object) => errors.push(fields) }
    endpoint = await openSipEndpoint(
      { clock: systemClock, log },
      { host: '127.0.0.1', listeners: [{ protocol: 'udp', port: 0 }], userAgent: 'x' },
    )
    peer = await RawPeer.open()
    endpoint.createUserAgent({
      aor: 'sip:bob@example.org',
      displayName: '',
      contactUser: 'bob-contact',
      routeSet: [],
      authenticator: { answer: () => undefined },
      handlers: {
        admit: () => ({ admit: true }),
        // Decides at random, but the same for the same request.
        invite: (invite) => {
          if (invite.request.callId.length % 3 === 0) invite.reject(486)
          else if (invite.request.callId.length % 3 === 1)
            invite.accept({ body: ANSWER }).handlers = { request: (o) => o.reject(488) }
          else invite.progress(180)
        },
        request: (incoming) => incoming.accept(),
      },
    })
  })

  after(async () => {
    await Promise.all([endpoint.close(), peer.close()])
  })

  it('answers the next request after each, and no handler or core path throws', async () => {
    let n = 0
    const via = () => peer.via(`f${n++}`)
    const methods = ['INVITE', 'BYE', 'CANCEL', 'ACK', 'OPTIONS', 'MESSAGE', 'UPDATE', 'INFO', 'REGISTER']
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...methods, 'response'),
        edits,
        fc.boolean(),
        async (method, changes, inDialog) => {
          const to = inDialog ? '<sip:bob@example.org>;tag=1' : '<sip:bob@example.org>'
          const right =
            method === 'response'
              ? responseText(200)
              : requestText({ method, via: via(), callId: `${'c'.repeat(n % 7)}${n}`, to, body: SDP })
          peer.send(
            changes.reduce((text, [at, cut, put]) => text.slice(0, at) + put + text.slice(at + cut), right),
            endpoint.local.port,
          )
          if (n % 25 !== 0) return
          const probe = via()
          peer.send(requestText({ method: 'OPTIONS', via: probe, callId: `probe${n}` }), endpoint.local.port)
          const branch = /branch=([^;]+)/.exec(probe)?.[1]
          while ((await peer.responses.next()).message.via.branch !== branch);
        },
      ),
      { numRuns: 1500 },
    )
    assert.deepEqual(errors, [])
  }).timeout(30_000)
})
