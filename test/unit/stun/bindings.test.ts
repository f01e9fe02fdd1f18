import assert from 'node:assert/strict'
import { TelephonyError } from '../../../src/base/errors.js'
import type { HostPort } from '../../../src/base/host-port.js'
import { Bindings } from '../../../src/stun/bindings.js'
import { BINDING, parseStun, type StunKind, stunOctets, xorMappedAddress } from '../../../src/stun/message.js'
import { FakeClock } from '../../support/fake-clock.js'

const SERVER: HostPort = { host: '198.51.100.7', port: 3478 }
const PUBLIC: HostPort = { host: '203.0.113.9', port: 40_000 }

describe('STUN binding requests', () => {
  let clock: FakeClock
  let sent: { octets: Buffer; to: HostPort }[]
  let bindings: Bindings

  beforeEach(() => {
    clock = new FakeClock()
    sent = []
    bindings = new Bindings({
      clock,
      send: async (octets, to) => {
        sent.push({ octets, to })
      },
    })
  })
  afterEach(() => {
    bindings.close()
    assert.equal(clock.pending, 0)
  })

  const answer = (
    init: { kind?: StunKind; id?: string; from?: HostPort; without?: boolean; request?: number } = {},
  ) => {
    const asked = parseStun(sent[init.request ?? 0]?.octets ?? Buffer.alloc(0))
    assert.deepEqual([asked?.kind, asked?.method], ['request', BINDING])
    const id = init.id ?? asked?.id ?? ''
    const attributes = init.without ? [] : [xorMappedAddress(PUBLIC, id)]
    bindings.receive(stunOctets({ kind: init.kind ?? 'success', method: BINDING, id, attributes }), init.from ?? SERVER)
  }

  it('resolve with the address that the server saw', async () => {
    const found = bindings.ask(SERVER)
    assert.deepEqual(sent[0]?.to, SERVER)
    answer()
    assert.deepEqual(await found, PUBLIC)
  })

  it('are sent again until there is an answer, seven times in 39.5 s (RFC 8489 6.2.1)', async () => {
    const found = bindings.ask(SERVER)
    const times: number[] = []
    for (let ms = 0; ms < 39_500; ms += 500) {
      if (sent.length > times.length) times.push(ms)
      clock.advance(500)
    }
    assert.deepEqual(times, [0, 500, 1500, 3500, 7500, 15_500, 31_500])
    assert.equal(new Set(sent.map(({ octets }) => octets.toString('hex'))).size, 1)
    await assert.rejects(found, (error: TelephonyError) => {
      assert.equal(error.code, 'TRANSPORT')
      assert.equal(error.message, 'the STUN server 198.51.100.7:3478 does not answer')
      return true
    })
  })

  it('ignore answers with another id, from another source, and requests', async () => {
    const found = bindings.ask(SERVER)
    answer({ id: '0'.repeat(24) })
    answer({ from: { ...SERVER, port: 3479 } })
    answer({ from: { ...SERVER, host: '198.51.100.8' } })
    answer({ kind: 'request' })
    bindings.receive(Buffer.from('0001'), SERVER)
    answer()
    assert.deepEqual(await found, PUBLIC)
  })

  it('reject if the server refuses, has no address for us, or the socket is closed', async () => {
    const asked = [bindings.ask(SERVER), bindings.ask(SERVER), bindings.ask(SERVER)]
    const messages = Promise.all(asked.map((one) => one.catch((error: TelephonyError) => error.message)))
    answer({ kind: 'error', request: 0 })
    answer({ without: true, request: 1 })
    bindings.close()
    const without = 'the STUN server 198.51.100.7:3478 answered without an address'
    assert.deepEqual(await messages, [without, without, 'the socket was closed'])
  })

  it('reject with the reason if the request cannot be sent', async () => {
    const failing = new Bindings({ clock, send: () => Promise.reject(new TelephonyError('TRANSPORT', 'no route')) })
    await assert.rejects(failing.ask(SERVER), /no route/)
  })
})
