/** Which Contact in the answer to a REGISTER is our binding, from the wire to the event (RFC 3261 10.2.4). */
import assert from 'node:assert/strict'
import { startLocalEngine } from '../../../src/engine/client.js'
import type { Engine } from '../../../src/engine/protocol.js'
import { engineInit, loopbackAccount } from '../../support/engine-pair.js'
import { RawPeer } from '../../support/raw-peer.js'

describe('a registrar that lists bindings', () => {
  let engine: Engine
  let registrar: RawPeer

  beforeEach(async () => {
    ;[engine, registrar] = await Promise.all([startLocalEngine(engineInit()), RawPeer.open()])
  })
  afterEach(async () => {
    const closed = engine.close()
    registrar.answer(await registrar.requests.next(), 200) // un-REGISTER
    await closed
    await registrar.close()
  })

  const cases: [name: string, contacts: (own: string) => string[], grantedSec: number][] = [
    ['under a Contact of its own', () => ['Contact: <sip:sbc-4f1c2@192.0.2.10:5060>;expires=8'], 8],
    [
      'with ours among others, in any quoting',
      (own) => [
        `Contact: "Desk, <2>" <sip:desk@192.0.2.7>;expires=9, sip:x@192.0.2.8;+sip.instance="<urn:x, 1>";expires=10`,
        `Contact: ${own.replace(/;expires.*/, '')};+sip.instance="<urn:uuid:1>";expires="40"`,
      ],
      40,
    ],
    [
      'and none of several is ours',
      () => ['Contact: <sip:a@192.0.2.7>;expires=9, <sip:b@192.0.2.8>;expires=10', 'Expires: 90'],
      90,
    ],
  ]
  for (const [name, contacts, grantedSec] of cases) {
    it(`${name}: granted are ${grantedSec} s`, async () => {
      const registered = new Promise<string>((resolve) => {
        engine.on('registration', ({ registration }) => {
          if (registration.state === 'registered') resolve(registration.expiresAt)
        })
      })
      const aor = `alice@127.0.0.1:${registrar.port}`
      await engine.call('setAccount', loopbackAccount('alice', { aor, register: true }))
      const register = await registrar.requests.next()
      const own = register.message.header('contact') ?? ''
      registrar.answer(register, 200, { contact: false, headers: contacts(own) })
      const leftMs = Date.parse(await registered) - Date.now()
      assert.ok(leftMs <= grantedSec * 1000 && leftMs > (grantedSec - 7) * 1000, `${leftMs} ms left`)
    })
  }
})
