/** Canary passwords: they reach the wire as digests only and appear in no readable output. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { tell } from '../support/figures.js'
import { account } from '../support/flow-items.js'
import { type FlowNode, type RunningNodeRed, startNodeRed } from '../support/node-red-process.js'
import { ObligingPeer } from '../support/obliging-peer.js'
import { Phone } from '../support/phone.js'

/** With characters that JSON, URIs and quoted strings escape. */
const RIGHT = 'canary-Right "4711" %20\\'
const WRONG = 'canary-Wrong-0815'

/** Every spelling of the password, and the hash that can replace it (RFC 7616 3.4.2). */
function spellings(password: string, user: string): string[] {
  const ha1 = createHash('md5').update(`${user}:peer:${password}`).digest('hex')
  const bytes = Buffer.from(password)
  const inner = JSON.stringify(password).slice(1, -1)
  return [password, inner, encodeURIComponent(password), bytes.toString('base64'), bytes.toString('hex'), ha1]
}
const CANARIES = [...spellings(RIGHT, 'alice'), ...spellings(WRONG, 'bob')]

const asks = (header: string) => (text: string) => !new RegExp(`^${header}:`, 'im').test(text)

describe('passwords', function () {
  this.timeout(60_000)

  let peer: ObligingPeer
  let nodeRed: RunningNodeRed | undefined
  let phone: Phone | undefined

  beforeEach(async () => {
    peer = await ObligingPeer.listen(({ method, text }) => {
      if (/^From: .*sip:bob@/im.test(text)) return 401 // never satisfied
      if (method === 'REGISTER' && asks('Authorization')(text)) return 401
      return method === 'INVITE' && asks('Proxy-Authorization')(text) ? 407 : 0
    })
  })

  afterEach(async () => {
    await nodeRed?.close()
    await phone?.close()
    await peer.close()
    nodeRed = undefined
    phone = undefined
  })

  it('stand in no log, message, record, export or file of Node-RED, at the level trace', async () => {
    const running = await startNodeRed({
      settings: {
        ringflow: { logLevel: 'trace' },
        logging: { console: { level: 'trace', metrics: true, audit: true } },
      },
    })
    nodeRed = running
    const flow = watchedFlow(peer)
    await running.deploy(flow)
    const shown = await running.debugMessages('show')
    await peer.request('REGISTER', ({ text }) => /^Authorization: Digest/im.test(text))
    await running.press('ring')
    const messages: unknown[] = []
    const next = async (matches: (text: string) => boolean) => {
      do messages.push(await shown.next())
      while (!matches(JSON.stringify(messages.at(-1))))
    }
    await peer.request('INVITE', ({ text }) => /^Proxy-Authorization: Digest/im.test(text))
    await next((text) => text.includes('"cause":"normal"') || text.includes('call.ended'))
    shown.close()

    const flows = JSON.stringify(await running.flow())
    const read = async (path: string) => (await fetch(`${running.url}${path}`)).text()
    const places: Record<string, string> = {
      log: running.log.join(''),
      messages: JSON.stringify(messages),
      flows,
      credentials: (await read('/credentials/sip-account/account')) + (await read('/credentials/sip-account/loser')),
      files: filesBelow(running.userDir),
    }
    report(`Node-RED's ${Object.keys(places).join(', ')}`, places)
    assert.ok(places.log?.includes('REGISTER'), 'the log is there')
    assert.ok(messages.length > 0 && flows.includes('sip-account'))
  })

  it('stand in no trace, log line, event or record of the engine', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ringflow-secrets-'))
    const who = { aor: `alice@127.0.0.1:${peer.port}`, password: RIGHT, register: true }
    phone = await Phone.start({ folder, trace: true, hosted: true, logLevel: 'trace', account: who })
    await phone.registration('registered')
    const callId = await phone.dial(`sip:bob@127.0.0.1:${peer.port}`)
    await phone.event('call.answered', { callId })
    await phone.call('hangup', { callId })
    await phone.event('call.ended', { callId })
    const places = {
      traces: JSON.stringify(phone.traces),
      events: JSON.stringify([phone.events, phone.registrations]),
      log: phone.logLines.join('\n'),
    }
    report(`the engine's ${Object.keys(places).join(', ')}`, places)
    assert.ok(places.traces.includes('Proxy-Authorization: Digest'), 'the trace is there')
    assert.ok(phone.logLines.length > 0, 'the log is there')
    rmSync(folder, { recursive: true })
  })
})

function report(what: string, places: Record<string, string>): void {
  const found = Object.entries(places).flatMap(([place, text]) =>
    CANARIES.flatMap((canary, n) => (text.includes(canary) ? [`spelling ${n} in ${place}`] : [])),
  )
  const octets = Object.values(places).reduce((sum, text) => sum + text.length, 0)
  tell(`passwords found in ${Math.round(octets / 1024)} kB of ${what}`, `${found.length}`, 'none')
  assert.deepEqual(found, [])
}

function watchedFlow(peer: ObligingPeer): FlowNode[] {
  const at = { z: 'tab', x: 100, y: 100 }
  const props = [{ p: 'payload' }]
  const settings = { register: true, mediaTimeout: '0' }
  const [tab, transport, alice] = account({ aor: `alice@127.0.0.1:${peer.port}`, ...settings })
  const show = [['show'], ['show'], ['show']]
  return [
    ...[tab, transport].flatMap((item) => (item ? [item] : [])),
    { ...alice, id: 'account', type: 'sip-account', credentials: { password: RIGHT } },
    { ...alice, id: 'loser', type: 'sip-account', aor: `bob@127.0.0.1:${peer.port}`, credentials: { password: WRONG } },
    { id: 'ring', type: 'inject', ...at, payload: 'carol', payloadType: 'str', props, wires: [['dial', 'lost']] },
    { id: 'dial', type: 'sip-dial', ...at, account: 'account', wires: [['bye', 'show'], ['show'], ['show']] },
    { id: 'lost', type: 'sip-dial', ...at, account: 'loser', wires: show },
    { id: 'bye', type: 'sip-hangup', ...at, wires: [['show']] },
    { id: 'event', type: 'sip-event', ...at, events: [], wires: [['show']] },
    { id: 'cdr', type: 'sip-cdr-out', ...at, wires: [['show']] },
    { id: 'catch', type: 'catch', ...at, scope: null, uncaught: false, wires: [['show']] },
    { id: 'status', type: 'status', ...at, scope: null, wires: [['show']] },
    { id: 'show', type: 'debug', ...at, active: true, tosidebar: true, console: true, complete: 'true', wires: [] },
  ]
}

/** All files that a backup of the folder would contain; links are not followed. */
function filesBelow(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.includes('node_modules') && statSync(path).isFile())
    .map((path) => readFileSync(path, 'latin1'))
    .join('\n')
}
