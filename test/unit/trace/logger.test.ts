import assert from 'node:assert/strict'
import { createLogger } from '../../../src/trace/logger.js'

interface Line {
  level: string
  line: string
}

function collect(level: 'debug' | 'info' | 'silent') {
  const lines: Line[] = []
  const logger = createLogger({ level, sink: (lineLevel, line) => lines.push({ level: lineLevel, line }) })
  return { lines, logger }
}

describe('logger', () => {
  it('is silent below its level', () => {
    const { lines, logger } = collect('info')
    logger.debug({}, 'not heard')
    logger.warn({ status: 503 }, 'heard')
    assert.equal(lines.length, 1)
    assert.equal(lines[0]?.level, 'warn')
    assert.equal(JSON.parse(lines[0]?.line ?? '').msg, 'heard')
  })

  it('gives a child its own fields and the level', () => {
    const { lines, logger } = collect('debug')
    logger.child({ accountId: 'a1' }).child({ callId: 'c1' }).debug({ more: 1 }, 'from a call')
    const line = JSON.parse(lines[0]?.line ?? '')
    assert.deepEqual([line.accountId, line.callId, line.more], ['a1', 'c1', 1])
  })

  it('writes no value of a field named like a secret', () => {
    const { lines, logger } = collect('debug')
    for (const name of ['password', 'credentials', 'authorization', 'ha1', 'secret']) {
      logger.info({ [name]: 'canary-1', account: { [name]: 'canary-2', deep: { [name]: 'canary-3' } } }, 'set')
    }
    assert.equal(lines.length, 5)
    for (const { line } of lines) assert.doesNotMatch(line, /canary/)
  })

  it('masks a known secret in any text, also as JSON or a URI spells it', () => {
    const { lines, logger } = collect('debug')
    const forget = logger.secrets.add('can"ary /9')
    logger.error({ err: new Error('wrong password can"ary /9') }, 'sip:a:can%22ary%20%2F9@b')
    assert.doesNotMatch(lines[0]?.line ?? '', /ary/)
    assert.match(lines[0]?.line ?? '', /\[secret\]/)
    forget()
    forget()
    assert.equal(logger.secrets.mask('can"ary /9'), 'can"ary /9')
  })

  it('keeps a secret that two accounts share until both are gone', () => {
    const { logger } = collect('silent')
    const first = logger.secrets.add('shared-secret')
    logger.secrets.add('shared-secret')
    first()
    assert.equal(logger.secrets.mask('is shared-secret'), 'is [secret]')
  })
})
