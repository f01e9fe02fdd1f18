import assert from 'node:assert/strict'
import { twinsOf } from '../../../nodes/sip-account/twins.js'
import type { AccountConfig } from '../../../src/engine/protocol.js'

const account = (id: string, aor: string, transport: object = {}): AccountConfig =>
  ({
    id,
    aor,
    transport: { id: 't1', bindAddress: '', ports: { udp: 5060 }, ...transport },
  }) as AccountConfig

const ids = (...accounts: AccountConfig[]) => twinsOf(accounts).map(([first, second]) => [first.id, second.id])

describe('accounts of one address', () => {
  it('are found on one port, also by way of two transports', () => {
    const [a, b] = [account('a', 'alice@pbx.local'), account('b', 'sip:Alice@PBX.local', { id: 't2' })]
    assert.deepEqual(ids(a, account('c', 'carol@pbx.local'), b), [['a', 'b']])
  })

  it('are found on one transport that takes any port, and not on two', () => {
    const any = (id: string, transport: string) => account(id, 'alice@pbx.local', { id: transport, ports: { udp: 0 } })
    assert.deepEqual(ids(any('a', 't1'), any('b', 't1'), any('c', 't2')), [['a', 'b']])
  })

  it('do not matter on other ports, addresses and protocols', () => {
    const others = [{ ports: { udp: 5062 } }, { bindAddress: '192.0.2.1' }, { ports: { tcp: 5060 } }]
    assert.deepEqual(ids(account('a', 'a@b'), ...others.map((other, i) => account(`${i}`, 'a@b', other))), [])
  })
})
