/** Message fields that reach the wire cannot start another header line. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { watchers, wired } from '../support/flow-items.js'
import { type FlowItem, TestFlows } from '../support/node-red.js'
import { RawPeer } from '../support/raw-peer.js'
import { requestText, SDP } from '../support/sip-messages.js'
import { freeUdpPorts } from '../support/udp-ports.js'

const BREAKERS = {
  CR: '\r',
  LF: '\n',
  CRLF: '\r\n',
  NUL: '\0',
  'U+2028': '\u2028',
  'U+2029': '\u2029',
  'U+0085': '\u0085',
}
const WHERE = {
  within: (b: string) => `12${b}X-Evil: 1`,
  'at the end': (b: string) => `12${b}`,
  'at the start': (b: string) => `${b}12`,
}
const msg = (name: string) => ({ [name]: name, [`${name}Type`]: 'msg' })

describe('text of a message that reaches the wire', function () {
  this.timeout(20_000)

  let flows: TestFlows
  let peer: RawPeer
  let port: number
  let userDir: string
  let probes = 0

  before(async () => {
    userDir = mkdtempSync(join(tmpdir(), 'ringflow-injection-'))
    peer = await RawPeer.open()
    ;[port = 0] = await freeUdpPorts(1)
    const answer = (id: string, settings: Record<string, unknown>) => wired(id, 'sip-answer', 1, settings)
    const flow: FlowItem[] = [
      { id: 'tab', type: 'tab', label: 'injection' },
      { id: 'transport', type: 'sip-transport', bindAddress: '127.0.0.1', udpPort: String(port) },
      {
        id: 'account',
        type: 'sip-account',
        transport: 'transport',
        aor: 'bob@127.0.0.1',
        register: false,
        allowedSources: '127.0.0.1',
      },
      ...wired('dial', 'sip-dial', 3, {
        account: 'account',
        ...msg('target'),
        ...msg('callerName'),
        ...msg('headers'),
        ...msg('callerId'),
        ...msg('diverted'),
        ringTimeout: '1',
      }),
      ...wired('incoming', 'sip-incoming', 2, { account: 'account', sendRinging: false }),
      ...answer('answer', { action: 'answer', ...msg('headers') }),
      ...answer('early', { action: 'early', ...msg('headers') }),
      ...answer('reject', { action: 'reject', rejectStatus: '486', ...msg('reason'), ...msg('headers') }),
      ...answer('redirect', { action: 'redirect', ...msg('target'), ...msg('reason') }),
      ...wired('hangup', 'sip-hangup', 1, { ...msg('reason'), ...msg('headers') }),
      ...wired('keys', 'sip-dtmf', 1, msg('digits')),
      ...watchers([]),
    ]
    flows = await TestFlows.start(flow, { settings: { userDir, ringflow: { logLevel: 'silent' } } })
    await flows.status('incoming', 'listening')
    peer.send(invite(), port)
    await flows.message('incoming-1')
  })

  after(async () => {
    await flows.stop()
    await peer.close()
    rmSync(userDir, { recursive: true, force: true })
  })

  const invite = () =>
    requestText({
      uri: `sip:bob@127.0.0.1:${port}`,
      via: peer.via('inject'),
      body: SDP,
    })

  async function refused(node: string, fields: Record<string, unknown>): Promise<string> {
    const probe = ++probes
    const waiting = flows.messages('incoming-1')[0]
    flows.receive(node, { probe, call: waiting?.call, ...fields })
    const caught = await flows.message('caught', (message) => message.probe === probe)
    return (caught.error as { code: string }).code
  }

  const target = () => `sip:x@127.0.0.1:${peer.port}`

  const FIELDS: [node: string, field: string, code: string, fields: (evil: string) => Record<string, unknown>][] = [
    ['dial', 'target', 'BAD_TARGET', (evil) => ({ target: evil })],
    ['dial', 'callerName', 'BAD_HEADER', (evil) => ({ target: target(), callerName: evil })],
    ['dial', 'callerId', 'BAD_ARGUMENT', (evil) => ({ target: target(), callerId: evil })],
    ['dial', 'diverted', 'BAD_ARGUMENT', (evil) => ({ target: target(), diverted: evil })],
    [
      'dial',
      'reason of a diversion',
      'BAD_ARGUMENT',
      (evil) => ({ target: target(), diverted: [{ target: '1', reason: evil }] }),
    ],
    ['dial', 'header value', 'BAD_HEADER', (evil) => ({ target: target(), headers: { 'X-Ticket': evil } })],
    ['dial', 'header name', 'BAD_HEADER', (evil) => ({ target: target(), headers: { [`X-${evil}`]: '1' } })],
    ['answer', 'header value', 'BAD_HEADER', (evil) => ({ headers: { 'X-Ticket': evil } })],
    ['answer', 'header name', 'BAD_HEADER', (evil) => ({ headers: { [`X-${evil}`]: '1' } })],
    ['early', 'header value', 'BAD_HEADER', (evil) => ({ headers: { 'X-Ticket': evil } })],
    ['reject', 'reason', 'BAD_HEADER', (evil) => ({ reason: evil })],
    ['reject', 'header value', 'BAD_HEADER', (evil) => ({ headers: { 'X-Ticket': evil } })],
    ['hangup', 'header value', 'BAD_HEADER', (evil) => ({ headers: { 'X-Ticket': evil } })],
    ['redirect', 'reason', 'BAD_HEADER', (evil) => ({ target: '1002', reason: evil })],
    ['redirect', 'target', 'BAD_TARGET', (evil) => ({ target: evil })],
    ['redirect', 'one of the targets', 'BAD_TARGET', (evil) => ({ target: ['1002', evil] })],
    ['keys', 'digits', 'BAD_ARGUMENT', (evil) => ({ digits: `${evil}X` })],
  ]
  for (const [node, field, code, fields] of FIELDS) {
    it(`sip-${node}, ${field}: ${code} for each way to break a line`, async () => {
      for (const [name, breaker] of Object.entries(BREAKERS)) {
        for (const [where, evil] of Object.entries(WHERE)) {
          assert.equal(await refused(node, fields(evil(breaker))), code, `${name} ${where}`)
        }
      }
    })
  }

  it('none of it was sent: not one INVITE, no final answer, and the call still waits', async () => {
    assert.ok(probes >= FIELDS.length * 21)
    flows.receive('redirect', {
      call: flows.messages('incoming-1')[0]?.call,
      target: ['1002', 'carol@192.0.2.7'],
      reason: 'Moved for now',
    })
    assert.equal((await flows.message('redirect-1')).topic, 'call.redirected')
    const seen: number[] = []
    for (;;) {
      const { message, text } = await peer.responses.next()
      seen.push(message.status ?? 0)
      if (message.status === 302) {
        assert.match(text, /^SIP\/2\.0 302 Moved for now\r$/m)
        assert.deepEqual(text.match(/^contact: .*/gim), ['Contact: <sip:1002@127.0.0.1>, <sip:carol@192.0.2.7>'])
        break
      }
    }
    assert.deepEqual(new Set(seen), new Set([100, 302]))
    assert.equal(peer.requests.waiting.length, 0)
    const written = peer.texts.join('').match(/Evil/g)?.length ?? 0
    console.log(`      line breaks in message fields: ${probes} refused, ${written} lines written (0)`)
    assert.equal(written, 0)
    const ended = await flows.message('incoming-2', (message) => message.topic === 'call.ended')
    assert.equal((ended.call as { end: { sipCode: number } }).end.sipCode, 302)
  })
})
