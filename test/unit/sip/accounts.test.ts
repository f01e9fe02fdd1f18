import assert from 'node:assert/strict'
import { AccountUserAgent } from '../../../src/sip/account-user-agent.js'
import { Accounts } from '../../../src/sip/accounts.js'
import type { ParsedRequest } from '../../../src/sip/message/parsed-message.js'
import type { AccountSources } from '../../../src/sip/types.js'
import { SOURCE } from '../../support/sip-messages.js'
import { uriOf } from '../../support/uri.js'

interface Init {
  aor: string
  contactUser: string
  anyUser?: boolean
  sources?: AccountSources
}

describe('Accounts', () => {
  let accounts: Accounts

  beforeEach(() => {
    accounts = new Accounts()
  })

  const made = (init: Init): AccountUserAgent =>
    new AccountUserAgent({ init } as unknown as ConstructorParameters<typeof AccountUserAgent>[0], accounts)

  function added(init: Init): AccountUserAgent {
    const agent = made(init)
    assert.ok(accounts.add(agent))
    return agent
  }

  const find = (uri: string) => accounts.find({ target: uriOf(uri), source: SOURCE } as ParsedRequest)

  it('are found by Contact user, then by the user of the address, the one of this host preferred', () => {
    const one = added({ aor: 'sip:alice@one.example', contactUser: 'c1' })
    const two = added({ aor: 'sip:alice@two.example', contactUser: 'c2' })
    assert.equal(find('sip:c2@192.0.2.1'), two)
    assert.equal(find('sip:alice@two.example'), two)
    assert.equal(find('sip:alice@elsewhere.example'), one)
    assert.equal(find('sip:bob@one.example'), undefined)
    assert.equal(find('sip:one.example'), undefined)
    assert.equal(find('tel:alice'), one)
  })

  it('that want every user get the rest, a URI without a user as well, until they go', () => {
    const alice = added({ aor: 'sip:alice@one.example', contactUser: 'c1' })
    const trunk = added({ aor: 'sip:trunk@one.example', contactUser: 'c2', anyUser: true })
    for (const uri of ['sip:4711@one.example', 'sip:one.example', 'tel:+4930123']) assert.equal(find(uri), trunk, uri)
    assert.equal(find('sip:alice@one.example'), alice)
    accounts.remove(trunk)
    for (const uri of ['sip:4711@one.example', 'sip:one.example', 'sip:trunk@one.example'])
      assert.equal(find(uri), undefined, uri)
  })

  it('do not share a Contact user; one that was refused takes nothing from the other when it goes', () => {
    const alice = added({ aor: 'sip:alice@one.example', contactUser: 'c1' })
    const second = made({ aor: 'sip:alice@one.example', contactUser: 'c1' })
    assert.equal(accounts.add(second), false)
    const nobody: AccountSources = { known: [], anyone: false, strangers: 'silence' }
    accounts.setSources(second, nobody)
    accounts.remove(second)
    assert.equal(find('sip:c1@192.0.2.1'), alice)
    assert.equal(find('sip:alice@one.example'), alice)
    assert.equal(accounts.standing(SOURCE.host), 'known')
    accounts.setSources(alice, nobody)
    assert.deepEqual([find('sip:c1@192.0.2.1'), accounts.standing(SOURCE.host)], ['hidden', 'silent'])
    accounts.remove(alice)
    accounts.remove(alice)
    assert.deepEqual([...accounts.all()], [])
  })
})
