import assert from 'node:assert/strict'
import {
  ALLOW,
  CAPABILITY_LINES,
  Capabilities,
  type MethodUse,
  OUR_CAPABILITIES,
} from '../../../src/sip/capabilities.js'
import { ParsedRequest } from '../../../src/sip/message/parsed-message.js'
import { parseMessage } from '../../../src/sip/message/parser.js'
import { checkRequest } from '../../../src/sip/request-checks.js'
import { requestText, SOURCE } from '../../support/sip-messages.js'

const METHODS: [string, MethodUse][] = [
  ['INVITE', 'offered'],
  ['ACK', 'offered'],
  ['NOTIFY', 'taken'],
  ['PRACK', 'elsewhere'],
]

const request = (method: string, require = ''): ParsedRequest => {
  const headers = require === '' ? [] : [`Require: ${require}`]
  const message = parseMessage(Buffer.from(requestText({ method, headers })), SOURCE)
  assert.ok(message instanceof ParsedRequest)
  return message
}

describe('the tables of capabilities', () => {
  it('a method moves from 501 to 405 to taken to Allow by its entry alone', () => {
    const withPrack = (use?: MethodUse) =>
      new Capabilities(new Map([...METHODS.slice(0, 3), ...(use ? [['PRACK', use] as const] : [])]), [])
    const seen = ([undefined, 'elsewhere', 'taken', 'offered'] as const).map((use) => {
      const table = withPrack(use)
      return [checkRequest(request('PRACK'), table)?.status, table.allow]
    })
    assert.deepEqual(seen, [
      [501, 'Allow: INVITE, ACK'],
      [405, 'Allow: INVITE, ACK'],
      [undefined, 'Allow: INVITE, ACK'],
      [undefined, 'Allow: INVITE, ACK, PRACK'],
    ])
  })

  it('405 and 501 say what is allowed, a refusal by a handler too', () => {
    const table = new Capabilities(new Map(METHODS), [])
    assert.deepEqual(checkRequest(request('PRACK'), table), { status: 405, lines: ['Allow: INVITE, ACK'] })
    assert.deepEqual(checkRequest(request('NEVER'), table), { status: 501, lines: ['Allow: INVITE, ACK'] })
    assert.deepEqual(table.refusalLines(405), ['Allow: INVITE, ACK'])
    assert.deepEqual(table.refusalLines(480), [])
  })

  it('an option tag moves from 420 to Supported by its entry alone', () => {
    const without = new Capabilities(new Map(METHODS), [])
    const table = new Capabilities(new Map(METHODS), ['timer', '100rel'])
    assert.deepEqual(without.supported, [])
    assert.deepEqual(table.supported, ['Supported: timer, 100rel'])
    assert.deepEqual(checkRequest(request('INVITE', 'Timer, x'), without), {
      status: 420,
      lines: ['Unsupported: Timer, x'],
    })
    assert.deepEqual(checkRequest(request('INVITE', 'Timer, x'), table), { status: 420, lines: ['Unsupported: x'] })
    assert.equal(checkRequest(request('INVITE', 'TIMER, 100rel'), table), undefined)
  })

  it('do not take names that JavaScript objects have', () => {
    assert.equal(OUR_CAPABILITIES.methodRefusal('constructor'), 501)
    assert.deepEqual(OUR_CAPABILITIES.unsupported(['__proto__']), ['__proto__'])
  })

  it('what OPTIONS is answered with comes from them', () => {
    assert.ok(CAPABILITY_LINES.includes(ALLOW))
    for (const line of OUR_CAPABILITIES.supported) assert.ok(CAPABILITY_LINES.includes(line))
  })
})
