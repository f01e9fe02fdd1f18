import assert from 'node:assert/strict'
import { ClientTransaction, type OutgoingRequestMessage } from 'sip.js/lib/core/index.js'
import { AllowedMethods } from 'sip.js/lib/core/user-agent-core/allowed-methods.js'
import { applyCoreSettings, QuietLoggerFactory, SUPPORTED } from '../../../../src/sip/core/core-settings.js'

/** What core's transactions call. If an update of sip.js renames it, this fails before branches start to collide. */
const makeId = (request: object): string =>
  (ClientTransaction as unknown as { makeId(request: OutgoingRequestMessage): string }).makeId(
    request as OutgoingRequestMessage,
  )

describe('settings of sip.js that it lets nobody configure', () => {
  before(() => applyCoreSettings())

  it('branches have 64 random bits', () => {
    const branches = new Set(Array.from({ length: 5000 }, () => makeId({ method: 'INVITE' })))
    assert.equal(branches.size, 5000)
    for (const branch of branches) assert.match(branch, /^z9hG4bK[0-9a-f]{16}$/)
  })

  it('a CANCEL has the branch of what it cancels', () => {
    assert.equal(makeId({ method: 'CANCEL', branch: 'z9hG4bKabc' }), 'z9hG4bKabc')
  })

  it("core's Allow is ours", () => {
    assert.deepEqual(AllowedMethods, [...SUPPORTED])
    applyCoreSettings()
    assert.equal(AllowedMethods.length, SUPPORTED.length)
  })

  it('core is still what calls makeId', () => {
    assert.match(String(ClientTransaction), /ClientTransaction\.makeId\(_request\)/)
  })

  it('core writes nothing to the console', () => {
    const { error, log } = console
    let written = 0
    console.error = () => written++
    console.log = () => written++
    try {
      const logger = new QuietLoggerFactory().getLogger('test')
      logger.error('x')
      logger.log('x')
    } finally {
      Object.assign(console, { error, log })
    }
    assert.equal(written, 0)
  })
})
