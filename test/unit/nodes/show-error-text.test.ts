import assert from 'node:assert/strict'
import { TelephonyError } from '../../../nodes/shared/errors.js'
import { type RedNode, showErrorText } from '../../../nodes/shared/red.js'

/** Node-RED's own `node.error` is called with these arguments. */
function nodeIn(flow: object | undefined) {
  const logged: unknown[][] = []
  const node = { _flow: flow, error: (...args: unknown[]) => logged.push(args) } as unknown as RedNode
  showErrorText(node)
  return { node, logged }
}

const FAULT = new TelephonyError('NO_CALL', 'there is no call x')
const MESSAGE = { _msgid: 'm' }

describe('an error of a node', () => {
  it('that a Catch node takes is not logged', () => {
    const handled: unknown[][] = []
    const { node, logged } = nodeIn({ handleError: (...args: unknown[]) => handled.push(args) > 0 })
    node.error(FAULT, MESSAGE)
    assert.deepEqual(handled, [[node, FAULT, MESSAGE]])
    assert.deepEqual(logged, [])
  })

  it('that no Catch node takes is logged once, as text with its code', () => {
    const { node, logged } = nodeIn({ handleError: () => false })
    node.error(FAULT, MESSAGE)
    assert.deepEqual(logged, [['there is no call x [NO_CALL]']])
  })

  it('without a message is logged as text with its code', () => {
    const { node, logged } = nodeIn({ handleError: () => assert.fail('asked without a message') })
    node.error(FAULT)
    assert.deepEqual(logged, [['there is no call x [NO_CALL]']])
  })

  it('goes to Node-RED with its message where Node-RED has no handleError: Catch nodes get it still', () => {
    for (const flow of [undefined, {}]) {
      const { node, logged } = nodeIn(flow)
      node.error(FAULT, MESSAGE)
      assert.deepEqual(logged, [[FAULT, MESSAGE]])
    }
  })
})
