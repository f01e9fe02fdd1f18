import assert from 'node:assert/strict'
import { type LiveNode, LiveNodes } from '../../../nodes/shared/live-nodes.js'

const node = (id: string): LiveNode => ({ id }) as LiveNode

describe('nodes/shared/live-nodes', () => {
  it('finds a node by its id until it is removed', () => {
    const live = new LiveNodes()
    const [dial, play] = [node('dial'), node('play')]
    live.add(dial)
    live.add(play)
    assert.equal(live.get('dial'), dial)
    assert.deepEqual(live.all(), [dial, play])
    live.remove(dial)
    assert.equal(live.get('dial'), undefined)
    assert.deepEqual(live.all(), [play])
  })

  it('keeps the successor when the node before it closes late', () => {
    const live = new LiveNodes()
    const [before, after] = [node('dial'), node('dial')]
    live.add(before)
    live.add(after)
    live.remove(before)
    assert.equal(live.get('dial'), after)
    live.remove(after)
    assert.equal(live.get('dial'), undefined)
  })

  it('names the nodes that listen to every call, and follows each change of the flow', () => {
    const live = new LiveNodes()
    const watcher = (id: string): LiveNode => ({ id, onAnyCall: () => undefined }) as unknown as LiveNode
    const [dial, event, later] = [node('dial'), watcher('event'), watcher('later')]
    live.add(dial)
    live.add(event)
    assert.deepEqual(live.listeningTo('onAnyCall'), [event])
    assert.deepEqual(live.listeningTo('onRecord'), [])
    live.add(later)
    assert.deepEqual(live.listeningTo('onAnyCall'), [event, later])
    live.remove(event)
    assert.deepEqual(live.listeningTo('onAnyCall'), [later])
  })
})
