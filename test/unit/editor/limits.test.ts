import assert from 'node:assert/strict'
import { MAX_GATHER_DIGITS } from '../../../src/base/limits.js'
import { editorNode, registered } from './node-sources.js'

describe('the form of sip-gather', () => {
  const page = globalThis as { RED?: unknown; $?: unknown }
  before(() => Object.assign(page, { RED: { editor: { getEditStack: () => [] } }, $: undefined }))
  after(() => {
    delete page.RED
    delete page.$
  })

  const { definition } = registered('sip-gather')
  const verdict = (maxDigits: number) =>
    definition.defaults.maxDigits?.validate?.call(editorNode('sip-gather'), String(maxDigits), {})

  it('takes as many digits as the engine, and no more', () => {
    assert.equal(verdict(MAX_GATHER_DIGITS), true)
    assert.match(String(verdict(MAX_GATHER_DIGITS + 1)), new RegExp(`from 1 to ${MAX_GATHER_DIGITS}`))
  })
})
