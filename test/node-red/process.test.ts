import assert from 'node:assert/strict'
import { account } from '../support/flow-items.js'
import type { FlowItem } from '../support/node-red.js'
import { type RunningNodeRed, startNodeRed } from '../support/node-red-process.js'
import { type HeardRequest, ObligingPeer } from '../support/obliging-peer.js'

const PRESS_MS = 5_000

const isUnregister = ({ method, text }: HeardRequest) =>
  method === 'REGISTER' && /(^Expires: *0\r$|;expires=0\b)/im.test(text)

/** The admin API answers shortly before the flow has started. */
async function press(nodeRed: RunningNodeRed, id: string): Promise<void> {
  const until = Date.now() + PRESS_MS
  while (!(await fetch(`${nodeRed.url}/inject/${id}`, { method: 'POST' })).ok) {
    assert.ok(Date.now() < until, `the inject node ${id} could not be pressed`)
  }
}

describe('Node-RED as a process of its own', function () {
  this.timeout(90_000)

  let peer: ObligingPeer
  let nodeRed: RunningNodeRed

  beforeEach(async () => {
    peer = await ObligingPeer.listen()
    nodeRed = await startNodeRed()
  })

  afterEach(async () => {
    await nodeRed.close()
    await peer.close()
  })

  const flow = (note: string): FlowItem[] => {
    const at = { z: 'tab', x: 100, y: 100 }
    return [
      ...account({ aor: `alice@127.0.0.1:${peer.port}`, register: true, mediaTimeout: '0' }),
      {
        id: 'ring',
        type: 'inject',
        ...at,
        props: [{ p: 'payload' }],
        payload: 'bob',
        payloadType: 'str',
        wires: [['dial']],
      },
      { id: 'dial', type: 'sip-dial', ...at, account: 'account', wires: [[], [], []] },
      { id: 'note', type: 'comment', ...at, name: note, wires: [] },
    ]
  }

  it('keeps call and registration through Full deploys; SIGTERM says BYE and unregisters', async () => {
    await nodeRed.deploy(flow('first'))
    await peer.request('REGISTER')
    await press(nodeRed, 'ring')
    const invite = await peer.request('INVITE')
    await peer.request('ACK')

    for (const note of ['second', 'third']) {
      await nodeRed.deploy(flow(note))
      await press(nodeRed, 'ring')
    }
    await peer.request('INVITE', () => new Set(invites(peer)).size === 3)
    assert.deepEqual(
      peer.heard.filter((request) => request.method === 'BYE' || isUnregister(request)),
      [],
    )
    assert.equal(peer.heard.filter(({ method }) => method === 'REGISTER').length, 1)

    await nodeRed.close()
    const byes = peer.heard.filter(({ method }) => method === 'BYE').map(({ callId }) => callId)
    assert.ok(byes.includes(invite.callId))
    assert.deepEqual([...new Set(byes)].sort(), [...new Set(invites(peer))].sort())
    assert.ok(peer.heard.some(isUnregister), 'it did not unregister')
  })
})

const invites = (peer: ObligingPeer): string[] =>
  peer.heard.filter(({ method }) => method === 'INVITE').map(({ callId }) => callId)
