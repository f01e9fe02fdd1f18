/** The transport node's settings as they reach the network. */
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { authority } from '../support/certificates.js'
import { wired } from '../support/flow-items.js'
import { type FlowItem, TestFlows } from '../support/node-red.js'

const TAB: FlowItem = { id: 'tab', type: 'tab', label: 'call' }

const party = (
  name: string,
  transport: Record<string, unknown>,
  settings: Record<string, unknown> = {},
): FlowItem[] => [
  { id: `${name}-transport`, type: 'sip-transport', bindAddress: '127.0.0.1', udpPort: '0', ...transport },
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

async function freeTcpPort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return String(port)
}

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

  const start = async (flow: FlowItem[], settings: Record<string, unknown> = {}) => {
    userDir = mkdtempSync(join(tmpdir(), 'ringflow-transports-'))
    flows = await TestFlows.start(flow, { settings: { userDir, ringflow: { logLevel: 'error' }, ...settings } })
    return flows
  }
  afterEach(async () => {
    await flows.stop()
    rmSync(userDir, { recursive: true, force: true })
  })

  it('calls over TCP and IPv6', async () => {
    const { port, release } = await heldPort('::1')
    await release()
    const at = (port: string) => ({ bindAddress: '::1', udpPort: port, tcpPort: port })
    await start([
      TAB,
      ...party('caller', at('0'), { protocol: 'tcp' }),
      ...party('callee', at(port), { inboundFrom: 'known', allowedSources: '::/64, 192.0.2.1' }),
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

  it('calls by TLS with a CA file, by WSS with the certificate of Node-RED, and traces what it is told to', async () => {
    const { certificateFile, keyFile } = authority.make()
    const [tlsPort, wssPort] = [await freeTcpPort(), await freeTcpPort()]
    const https = async () => ({ cert: readFileSync(certificateFile), key: readFileSync(keyFile, 'utf8') })
    const dial = (id: string, port: string, protocol: string) =>
      wired(id, 'sip-dial', 3, {
        account: 'caller',
        target: `sip:callee@127.0.0.1:${port};transport=${protocol}`,
        targetType: 'str',
      })
    await start(
      [
        TAB,
        ...party('caller', { udpPort: '', tlsCa: authority.caFile, trace: true }, { protocol: 'tls' }),
        ...party('callee', { tlsPort, wssPort }),
        ...dial('tls', tlsPort, 'tls'),
        ...dial('wss', wssPort, 'wss'),
        ...wired('incoming', 'sip-incoming', 2, { account: 'callee', mode: 'answer' }),
      ],
      { https },
    )
    await flows.status('incoming', 'listening')
    for (const id of ['tls', 'wss']) {
      flows.receive(id, {})
      assert.equal(((await flows.message(`${id}-1`)).call as { state: string }).state, 'answered')
    }
    const traced = flows.logged.filter((line) => /^\[ringflow\] SIP (to|from) 127\.0\.0\.1:\d+:\n {2}/.test(line))
    assert.ok(
      traced.some((line) => line.includes(`INVITE sip:callee@127.0.0.1:${wssPort};transport=wss`)),
      flows.logged.join('\n'),
    )
    assert.ok(
      traced.every((line) => !line.includes(`from 127.0.0.1:${tlsPort}:\n  INVITE`)),
      'only of the caller',
    )
  })

  it('a certificate that is missing is said where the account is, with what to do', async () => {
    await start([
      TAB,
      ...party('callee', { tlsPort: '0' }),
      ...party('filed', { tlsPort: '0', tlsCertificate: 'cert.pem', tlsKey: 'key.pem' }),
      ...wired('incoming', 'sip-incoming', 2, { account: 'callee', mode: 'answer' }),
      ...wired('filed-in', 'sip-incoming', 2, { account: 'filed', mode: 'answer' }),
    ])
    await flows.status('incoming', 'bad settings')
    await flows.status('filed-in', 'bad settings')
    const said = flows.logged.join('\n')
    assert.match(said, /a TLS or WSS port, but no certificate. Choose its files, or set https in settings.js/)
    assert.ok(
      said.includes(`the file ${join(userDir, 'cert.pem')} cannot be read`) || said.includes(join(userDir, 'key.pem')),
      said,
    )
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
      ...party('callee', { udpPort: free.port }),
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

  it('names the protocol and the port that is in use', async () => {
    const holder = createServer().listen(0, '127.0.0.1')
    await once(holder, 'listening')
    const port = String((holder.address() as AddressInfo).port)
    await start([
      TAB,
      ...party('callee', { wsPort: port }),
      ...wired('incoming', 'sip-incoming', 2, { account: 'callee', mode: 'answer' }),
    ])
    await flows.status('incoming', `port in use ${port}`)
    assert.ok(
      flows.logged.some((line) => line.includes(`WS port ${port} of 127.0.0.1 is in use by another program`)),
      flows.logged.join('\n'),
    )
    holder.close()
  })

  it('shows that its port is in use, and works as soon as that is free', async () => {
    const { port, release } = await heldPort('127.0.0.1')
    await start([
      TAB,
      ...party('callee', { udpPort: port }),
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
