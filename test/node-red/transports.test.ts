/** The transport node's settings as they reach the network. */
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { wired } from '../support/flow-items.js'
import { type FlowItem, TestFlows } from '../support/node-red.js'

const TAB: FlowItem = { id: 'tab', type: 'tab', label: 'call' }

const party = (
  name: string,
  transport: Record<string, unknown>,
  settings: Record<string, unknown> = {},
): FlowItem[] => [
  { id: `${name}-transport`, type: 'sip-transport', bindAddress: '127.0.0.1', bindPort: '0', ...transport },
  {
    id: name,
    type: 'sip-account',
    transport: `${name}-transport`,
    aor: `${name}@127.0.0.1`,
    register: false,
    inboundFrom: 'anyone',
    ...settings,
  },
]

/** A free port, and the socket that holds it until it is closed. */
async function heldPort(host: string) {
  const socket = createSocket(host === '::1' ? 'udp6' : 'udp4').bind(0, host)
  await once(socket, 'listening')
  const release = () => new Promise<void>((resolve) => socket.close(() => resolve()))
  return { port: String(socket.address().port), release }
}

describe('sip-transport on the network', function () {
  this.timeout(20_000)
  let flows: TestFlows
  let userDir: string

  const start = async (flow: FlowItem[]) => {
    userDir = mkdtempSync(join(tmpdir(), 'ringflow-transports-'))
    flows = await TestFlows.start(flow, { settings: { userDir, ringflow: { logLevel: 'error' } } })
    return flows
  }
  afterEach(async () => {
    await flows.stop()
    rmSync(userDir, { recursive: true, force: true })
  })

  it('calls over TCP and IPv6', async () => {
    const { port, release } = await heldPort('::1')
    await release()
    const transport = { protocol: 'udp+tcp', bindAddress: '::1' }
    await start([
      TAB,
      ...party('caller', { ...transport, bindPort: '0' }, { protocol: 'tcp' }),
      ...party(
        'callee',
        { ...transport, bindPort: port },
        { inboundFrom: 'known', allowedSources: '::/64, 192.0.2.1' },
      ),
      ...wired('dial', 'sip-dial', 3, { account: 'caller', target: `sip:callee@[::1]:${port}`, targetType: 'str' }),
      ...wired('incoming', 'sip-incoming', 2, { account: 'callee', mode: 'answer' }),
      ...wired('bye', 'sip-hangup', 1),
    ])
    await flows.status('incoming', 'listening')
    flows.receive('dial', {})
    const answered = await flows.message('dial-1')
    assert.equal((answered.call as { state: string }).state, 'answered')
    flows.receive('bye', answered)
    const ended = await flows.message('bye-1')
    assert.equal((ended.call as { end: { cause: string } }).end.cause, 'normal')
  })

  it('a server that says nothing reads "no response", a person who does not answer "no answer"', async () => {
    const { port, release } = await heldPort('127.0.0.1')
    const free = await heldPort('127.0.0.1')
    await free.release()
    const dial = (id: string, to: string) =>
      wired(id, 'sip-dial', 3, {
        account: 'caller',
        target: `sip:callee@127.0.0.1:${to}`,
        targetType: 'str',
        ringTimeout: '1',
      })
    await start([
      TAB,
      ...party('caller', {}),
      ...party('callee', { bindPort: free.port }),
      ...dial('silent', port),
      ...dial('ringing', free.port),
      ...wired('incoming', 'sip-incoming', 2, { account: 'callee' }),
    ])
    await flows.status('incoming', 'listening')
    for (const id of ['silent', 'ringing']) flows.receive(id, {})
    assert.equal((await flows.status('silent', 'no response')).fill, 'red')
    assert.equal((await flows.status('ringing', 'no answer')).fill, 'grey')
    for (const id of ['silent', 'ringing']) assert.equal((await flows.message(`${id}-2`)).payload, 'no-answer')
    await release()
  })

  it('shows that its port is in use, and works as soon as that is free', async () => {
    const { port, release } = await heldPort('127.0.0.1')
    await start([
      TAB,
      ...party('callee', { bindPort: port }),
      ...party('caller', {}),
      ...wired('dial', 'sip-dial', 3, { account: 'caller', target: `sip:callee@127.0.0.1:${port}`, targetType: 'str' }),
      ...wired('incoming', 'sip-incoming', 2, { account: 'callee', mode: 'answer' }),
    ])
    await flows.status('incoming', `port in use ${port}`)
    await release()
    const startedMs = performance.now()
    await flows.status('incoming', 'listening')
    console.log(`      port free, listening ${((performance.now() - startedMs) / 1000).toFixed(1)} s later (5 s)`)
    flows.receive('dial', {})
    await flows.message('dial-1')
  })
})
