import assert from 'node:assert/strict'
import { RealmGuard } from '../../../src/account/realm-guard.js'
import type { Challenge } from '../../../src/sip/types.js'
import { uriOf } from '../../support/uri.js'

const challenge = (realm: string): Challenge => ({
  status: 401,
  realm,
  nonce: 'n',
  algorithm: 'MD5',
  qop: [],
  stale: false,
})
const request = (method: string, source: string) => ({
  method,
  uri: uriOf('sip:pbx'),
  callId: 'c',
  body: '',
  attempt: 1,
  source,
})

describe('realms that are found to be ours', () => {
  it('are trusted within dialogs from the last 64 addresses that a registrar asked from', () => {
    const guard = new RealmGuard({ realm: '', viaProxy: false, isOurs: () => false })
    for (let n = 0; n < 1_000; n++) assert.ok(guard.trusts(challenge('pbx'), request('REGISTER', `10.0.0.${n}`)))
    const trusted = (n: number) => guard.trusts(challenge('pbx'), request('BYE', `10.0.0.${n}`))
    assert.deepEqual([0, 935, 936, 999].map(trusted), [false, false, true, true])
  })

  it('are at most 64, the last ones', () => {
    const guard = new RealmGuard({ realm: '', viaProxy: false, isOurs: () => false })
    for (let n = 0; n < 1_000; n++) guard.trusts(challenge(`realm${n}`), request('REGISTER', '10.0.0.1'))
    const trusted = (n: number) => guard.trusts(challenge(`realm${n}`), request('BYE', '10.0.0.1'))
    assert.deepEqual([0, 935, 936, 999].map(trusted), [false, false, true, true])
  })
})
