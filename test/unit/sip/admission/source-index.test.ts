import assert from 'node:assert/strict'
import { SourceIndex } from '../../../../src/sip/admission/source-index.js'
import type { AccountSources } from '../../../../src/sip/types.js'

const SILENT: AccountSources = { known: [], anyone: false, strangers: 'silence' }
const knows = (...known: string[]): AccountSources => ({ ...SILENT, known })

describe('the sources of all accounts of an endpoint', () => {
  let index: SourceIndex<string>
  beforeEach(() => {
    index = new SourceIndex()
  })

  it('are known where one account knows them; other accounts do not exist for them', () => {
    index.set('a', knows('192.0.2.1'))
    index.set('b', knows('198.51.100.0/24', '2001:db8::/32'))
    const hosts = ['192.0.2.1', '198.51.100.9', '2001:db8::9', '203.0.113.1']
    assert.deepEqual(
      hosts.map((host) => index.standing(host)),
      ['known', 'known', 'known', 'silent'],
    )
    assert.deepEqual(
      hosts.map((host) => index.hears('a', host)),
      [true, false, false, false],
    )
    assert.deepEqual(
      hosts.map((host) => index.hears('b', host)),
      [false, true, true, false],
    )
    assert.equal(index.hears('c', '192.0.2.1'), false)
  })

  it('are unknown where an account takes requests from anyone, known where it knows them too', () => {
    index.set('a', knows('192.0.2.1'))
    index.set('b', { ...SILENT, anyone: true, known: ['192.0.2.2'] })
    const hosts = ['192.0.2.1', '192.0.2.2', '192.0.2.3']
    assert.deepEqual(
      hosts.map((host) => index.standing(host)),
      ['known', 'known', 'unknown'],
    )
    assert.deepEqual(
      hosts.map((host) => index.hears('b', host)),
      [true, true, true],
    )
    index.remove('b')
    assert.equal(index.standing('192.0.2.3'), 'silent')
  })

  it('get 403 where no account wants silence, whichever came first', () => {
    const said: AccountSources = { ...SILENT, strangers: '403' }
    index.set('a', said)
    assert.equal(index.standing('192.0.2.9'), 'refused')
    index.set('b', SILENT)
    assert.equal(index.standing('192.0.2.9'), 'silent')
    index.set('a', said)
    assert.equal(index.standing('192.0.2.9'), 'silent')
    index.set('b', said)
    assert.equal(index.standing('192.0.2.9'), 'refused')
    index.remove('b')
    index.remove('a')
    assert.equal(index.standing('192.0.2.9'), 'unknown', 'no account, no secrets')
  })

  it('follow an account that learns, changes its list or goes, and leave what others know', () => {
    index.set('a', knows('192.0.2.0/24'))
    index.set('b', knows('192.0.2.0/24', '203.0.113.1'))
    index.set('a', knows('198.51.100.1'))
    const standing = () => ['192.0.2.7', '203.0.113.1', '198.51.100.1'].map((host) => index.standing(host))
    assert.deepEqual(standing(), ['known', 'known', 'known'])
    assert.equal(index.hears('a', '192.0.2.7'), false)
    index.remove('b')
    index.remove('b')
    assert.deepEqual(standing(), ['silent', 'silent', 'known'])
    index.remove('a')
    assert.deepEqual(standing(), ['unknown', 'unknown', 'unknown'])
  })
})
