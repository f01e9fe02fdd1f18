import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TraceQuery } from '../../../src/engine/protocol.js'
import { CaptureContents } from '../../../src/trace/capture/read-capture.js'
import { closeAllPhones, Phone, type PhoneInit } from '../../support/phone.js'

describe('trace of the engine', function () {
  this.timeout(20_000)
  const folder = mkdtempSync(join(tmpdir(), 'ringflow-trace-'))
  const start = (init: Partial<PhoneInit> = {}) => Phone.start({ folder, ...init })
  const read = (phone: Phone, query: Partial<TraceQuery> = {}) => phone.call('trace', { format: 'text', ...query })

  afterEach(closeAllPhones)

  async function talk(alice: Phone, bob: Phone, digits = ''): Promise<string> {
    const callId = await alice.dial(`sip:ringflow@${bob.address}`)
    await alice.event('call.media', { callId })
    if (digits) await alice.call('sendDigits', { callId, digits, toneMs: 80 })
    await alice.call('hangup', { callId })
    await alice.event('call.ended', { callId })
    return callId
  }

  for (const hosted of [false, true]) {
    it(`is switched while the engine runs, and gives a call as text, Mermaid and pcap${hosted ? '; in a worker' : ''}`, async () => {
      const [alice, bob] = [await start({ hosted }), await start({ inbound: {} })]
      await assert.rejects(read(alice), /WRONG_STATE|the trace is off/)
      const before = await talk(alice, bob)
      await alice.call('setTrace', { on: true, rtp: true })
      const callId = await talk(alice, bob, '5')
      await assert.rejects(read(alice, { callId: before }), /the trace has no call/)
      const { data: text, findings } = await read(alice, { callId })
      assert.match(String(text), /INVITE sip:ringflow.*\n(?:.*\n)*.*200 OK \(INVITE\)(?:.*\n)*.*BYE/)
      assert.deepEqual(findings, [])
      assert.match(String((await read(alice, { callId, format: 'mermaid' })).data), /^sequenceDiagram\n/)
      const { data: pcap, messages, packets } = await read(alice, { callId, format: 'pcap' })
      const contents = new CaptureContents()
      contents.push(Buffer.from(pcap as Uint8Array))
      assert.equal(contents.messages.length, messages)
      assert.ok(
        packets > 0 &&
          contents.rtp.streams.length === 2 &&
          contents.rtp.streams.every(({ isAnnounced }) => isAnnounced),
      )
      const ofAccount = await read(alice, { accountId: alice.accountId })
      assert.deepEqual([ofAccount.messages, ofAccount.packets], [messages, packets])
      assert.equal((await read(alice, { filter: { method: 'REGISTER' } })).messages, 0)
      await alice.call('setTrace', { on: false })
      await assert.rejects(read(alice), /the trace is off/)
      await alice.call('setTrace', { on: true })
      assert.equal((await read(alice)).messages, 0, 'what was kept is forgotten')
    })
  }

  it('masks pressed keys in RTP unless they are wanted', async () => {
    const [alice, bob] = [await start(), await start({ inbound: {} })]
    for (const digits of [false, true]) {
      await alice.call('setTrace', { on: true, rtp: true, digits })
      const callId = await talk(alice, bob, '5')
      const { data } = await read(alice, { callId, format: 'pcap' })
      const octets = Buffer.from(data as Uint8Array)
      // Event, end and volume, duration: the last of three end packets of a key of 80 ms.
      const codes = new Set([5, 255].filter((code) => octets.includes(Buffer.from([code, 0x8a, 640 >> 8, 640 & 255]))))
      assert.deepEqual([...codes], [digits ? 5 : 255])
    }
  })

  it('emits messages live while it is asked to', async () => {
    const [alice, bob] = [await start(), await start({ inbound: {} })]
    await alice.call('setTrace', { on: true, live: true })
    await talk(alice, bob)
    const live = alice.traces.length
    assert.equal(live, (await read(alice)).messages)
    await alice.call('setTrace', { on: true })
    await talk(alice, bob)
    assert.equal(alice.traces.length, live)
  })

  it('the end of a call carries its diagnosis', async () => {
    const silent = createSocket('udp4').bind(0, '127.0.0.1')
    await once(silent, 'listening')
    const alice = await start()
    await alice.call('setTrace', { on: true })
    const at = `127.0.0.1:${silent.address().port}`
    const callId = await alice.dial(`sip:bob@${at}`, { ringTimeoutMs: 300 })
    const { call } = await alice.event('call.ended', { callId })
    assert.deepEqual(
      call.diagnosis?.map(({ code }) => code),
      ['no-response'],
    )
    const { findings } = await read(alice, { callId, format: 'diagnosis' })
    assert.deepEqual(findings, call.diagnosis)
    silent.close()
  })
})
