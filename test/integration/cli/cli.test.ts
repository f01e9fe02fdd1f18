import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CallSnapshot, CdrRecord } from '../../../src/call/call-event.js'
import type { Playable } from '../../../src/engine/protocol.js'
import type { SipAddress } from '../../../src/sip/types.js'
import { measureTone, sine, writeWav } from '../../support/audio.js'
import { authority } from '../../support/certificates.js'
import { Phone } from '../../support/phone.js'
import { RawPeer } from '../../support/raw-peer.js'
import { RINGFLOW_MAIN, Ringflow } from '../../support/ringflow-process.js'

describe('ringflow as processes', function () {
  this.timeout(40_000)
  const started: Ringflow[] = []
  let folder: string

  const ringflow = (args: string[], env?: NodeJS.ProcessEnv) => {
    const one = new Ringflow(args, env)
    started.push(one)
    return one
  }

  async function answering(...args: string[]): Promise<{ callee: Ringflow; at: string }> {
    const callee = ringflow(['answer', '--listen', 'udp://127.0.0.1:0', ...args])
    const { host, port } = await callee.line('listening')
    return { callee, at: `${host}:${port}` }
  }

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ringflow-cli-'))
  })

  afterEach(() => {
    for (const one of started.splice(0)) one.kill()
  })

  for (const [listen, address, options] of [
    ['udp+tcp://127.0.0.1:0', '127.0.0.1', ['--protocol', 'tcp']],
    ['udp://[::1]:0', '[::1]', ['--ipv6-only']],
    ['udp://127.0.0.1:0', '127.0.0.1', ['--ipv6']],
    ['tcp://[::1]:0', '[::1]', ['--protocol', 'tcp']],
  ] as const) {
    it(`calls ${listen} ${options.join(' ')}`, async () => {
      const callee = ringflow(['answer', '--listen', listen, '--tone', '425', '--once'])
      const { port } = await callee.line('listening')
      const here = join(folder, 'here.wav')
      const target = `sip:anybody@${address}:${port}`
      const caller = ringflow(['call', target, '--record', here, '--duration', '1', ...options])
      const [called, answered] = await Promise.all([caller.exit(), callee.exit()])
      assert.deepEqual([called.code, answered.code], [0, 0], called.err + answered.err)
      assert.ok(measureTone(here, 425).share > 0.9)
    })
  }

  it('rings two at once: the one that presses the key gets the call, the other one is left', async () => {
    const [mailbox, person] = await Promise.all([
      answering('--once'),
      answering('--once', '--press', '1', '--tone', '425'),
    ])
    const here = join(folder, 'winner.wav')
    const targets = [`sip:mailbox@${mailbox.at}`, `sip:person@${person.at}`]
    const options = ['--confirm-key', '1', '--record', here, '--duration', '1', '--json']
    const { code, out, err } = await ringflow(['call', ...targets, ...options]).exit()
    assert.equal(code, 0, err)
    const lines = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    const group = lines.find(({ type }) => type === 'group') as { attempts?: { outcome: string }[] } | undefined
    assert.equal(group?.attempts?.[1]?.outcome, 'answered')
    await mailbox.callee.exit()
    assert.equal(lines.at(-1)?.type, 'summary')
    assert.ok(measureTone(here, 425).share > 0.9, 'the sound of the person is recorded')
  })

  it('rings in order, each for its time; without an answer it says why and fails', async () => {
    const { at } = await answering('--ring-time', '30')
    const options = ['--strategy', 'in-order', '--ring-each', '0.3', '--json']
    const { code, out, err } = await ringflow(['call', `sip:a@${at}`, `sip:b@${at}`, ...options]).exit()
    assert.equal(code, 1, out)
    assert.match(err, /no-answer/)
    const lines = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; call?: { to: { user: string } } })
    const order = lines.filter(({ type }) => type === 'call.trying' || type === 'call.ended')
    assert.deepEqual(
      order.map(({ type, call }) => `${type} ${call?.to.user}`),
      ['call.trying a', 'call.ended a', 'call.trying b', 'call.ended b'],
    )
  })

  it('listens by five protocols at once, and calls by TLS, WS and WSS with a certificate that it checks', async () => {
    const { certificateFile, keyFile } = authority.make()
    const protocols = ['udp', 'tcp', 'tls', 'ws', 'wss']
    const listen = protocols.flatMap((protocol) => ['--listen', `${protocol}://127.0.0.1:0`])
    const callee = ringflow(['answer', ...listen, '--tls-cert', certificateFile, '--tls-key', keyFile, '--tone', '425'])
    const { listeners } = (await callee.line('listening')) as unknown as { listeners: SipAddress[] }
    assert.deepEqual(
      listeners.map(({ protocol }) => protocol),
      protocols,
    )
    const called = await Promise.all(
      ['tls', 'ws', 'wss'].map(async (protocol) => {
        const { port } = listeners.find((listener) => listener.protocol === protocol) ?? {}
        const here = join(folder, `${protocol}.wav`)
        const target = `sip:anybody@127.0.0.1:${port}`
        const options = ['--protocol', protocol, '--tls-ca', authority.caFile, '--record', here, '--duration', '1']
        const { code, err } = await ringflow(['call', target, ...options]).exit()
        assert.equal(code, 0, `${protocol}: ${err}`)
        return measureTone(here, 425).share > 0.9
      }),
    )
    assert.deepEqual(called, [true, true, true])
    const tlsPort = listeners.find(({ protocol }) => protocol === 'tls')?.port
    const target = `sip:a@127.0.0.1:${tlsPort};transport=tls`
    const [doubtful, insecure] = await Promise.all([
      ringflow(['call', target]).exit(),
      ringflow(['call', target, '--tls-insecure', '--duration', '0.3']).exit(),
    ])
    assert.equal(doubtful.code, 1)
    assert.match(doubtful.err, /\(CERTIFICATE_UNKNOWN_ISSUER\)\n {2}Give the certificate of its issuer with --tls-ca/)
    assert.equal(insecure.code, 0, insecure.err)
    assert.match(insecure.err, /^warning: --tls-insecure/)
  })

  it('exits 1 where the ACK could not be sent, and says so in the summary', async () => {
    const peer = await RawPeer.open()
    const caller = ringflow(['call', peer.uri, '--duration', '1'])
    const invite = await peer.requests.next(15_000)
    // No resolver takes a label of more than 63 letters.
    const contact = `sip:x@${'x'.repeat(64)}.example.com`
    const body = ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0', 'm=audio 9 RTP/AVP 8', '']
    peer.answer(invite, 200, { contact, body: body.join('\r\n') })
    const { code, last } = await caller.exit()
    assert.equal(code, 1)
    assert.deepEqual([last?.type, last?.ok, last?.cause, last?.answered], ['summary', false, 'failed', true])
    assert.match(String(last?.reason), /the ACK could not be sent: the name x+\.example\.com/)
    await peer.close()
  })

  it('one calls the other: sound both ways, digits, summaries, exit codes', async () => {
    const prompt = join(folder, 'prompt.wav')
    writeWav(prompt, [sine(700, 1500, { sampleRate: 16_000 })], 16_000)
    const there = join(folder, 'there.wav')
    const here = join(folder, 'here.wav')
    const { callee, at } = await answering('--tone', '425', '--record', there, '--press', '1', '--once')
    const caller = ringflow(['call', `sip:anybody@${at}`, '--play', prompt, '--record', here, '--digits', '42'])
    const [called, answered] = await Promise.all([caller.exit(), callee.exit()])

    assert.deepEqual([called.code, answered.code], [0, 0], called.err + answered.err)
    assert.deepEqual(
      caller.lines
        .map(({ type }) => type)
        .filter((type) => ['call.trying', 'call.answered', 'call.ended'].includes(type)),
      ['call.trying', 'call.answered', 'call.ended'],
    )
    const { last: summary } = called
    assert.equal(summary?.type, 'summary')
    assert.deepEqual([summary.ok, summary.cause, summary.by, summary.codec], [true, 'normal', 'local', 'PCMA'])
    assert.deepEqual([summary.digits, answered.last?.digits], ['1', '42'])
    assert.ok(Number(summary.packetsSent) > 70 && Number(summary.packetsReceived) > 70)
    assert.ok(Number(summary.mos) > 4 && Number(summary.packetsLost) === 0)
    assert.ok(measureTone(there, 700).share >= 0.95)
    assert.ok(measureTone(here, 425).share >= 0.95)
  })

  it('bills talking, not ringing: --ring-time', async () => {
    const { callee, at } = await answering('--ring-time', '1', '--tone', '425', '--once')
    const caller = ringflow(['call', `sip:a@${at}`, '--duration', '1'])
    const [called, answered] = await Promise.all([caller.exit(), callee.exit()])
    assert.deepEqual([called.code, answered.code], [0, 0], called.err + answered.err)
    for (const { lines } of [caller, callee]) {
      const { cdr } = lines.find(({ type }) => type === 'call.ended') as unknown as { cdr: CdrRecord }
      const summary = lines.at(-1)
      assert.equal(summary?.talkMs, cdr.talkMs)
      assert.ok(Number(summary?.talkMs) >= 900 && cdr.durationMs - cdr.talkMs >= 900, JSON.stringify(cdr))
    }
  })

  it('tells of a missed call why it failed, and goes on', async () => {
    const { callee, at } = await answering('--ring-time', '60')
    const caller = await ringflow(['call', `sip:a@${at}`, '--ring-timeout', '0.3']).exit()
    assert.match(caller.err, /^call failed: no-answer, ring timeout\n.*--ring-timeout waits longer/)
    await callee.line('summary')
    callee.interrupt()
    const { code, err, last } = await callee.exit()
    assert.match(err, /call failed: cancelled by the caller/)
    assert.deepEqual([code, last], [0, { type: 'summary', ok: true, calls: 1, failed: 1 }])
  })

  it('records each call that it answers into a file of its own', async () => {
    const there = join(folder, 'there.wav')
    const { callee, at } = await answering('--record', there)
    for (const tone of ['500', '900']) {
      const caller = await ringflow(['call', `sip:a@${at}`, '--tone', tone, '--duration', '1']).exit()
      assert.equal(caller.code, 0, caller.err)
    }
    callee.interrupt()
    await callee.exit()
    assert.ok(measureTone(there, 500).share > 0.9)
    assert.ok(measureTone(join(folder, 'there-2.wav'), 900).share > 0.9)
    const recordings = callee.lines
      .filter(({ type, callId }) => type === 'summary' && callId)
      .map((line) => line.recordings)
    assert.deepEqual(recordings, [[there], [join(folder, 'there-2.wav')]])
  })

  it('records the announcement of a call that is refused after it', async () => {
    const bob = await Phone.start({ folder, inbound: { mode: 'flow' } })
    const here = join(folder, 'announcement.wav')
    const caller = ringflow(['call', `sip:ringflow@${bob.address}`, '--record', here])
    const { callId } = await bob.event('call.incoming')
    await bob.call('early', { callId })
    const source: Playable = { kind: 'tone', hz: [425], durationMs: 1_500 }
    await caller.line('call.media')
    await bob.call('play', { callId, mediaId: 'announcement', source })
    await bob.call('reject', { callId, status: 486 })
    const { code, last } = await caller.exit()
    assert.deepEqual([code, last?.cause, last?.recordings], [1, 'busy', [here]])
    const { share, soundMs } = measureTone(here, 425)
    assert.ok(share > 0.9 && soundMs > 1_000, `${share} ${soundMs}`)
    await bob.close()
  })

  it('is called as the seed caller is: without a command, from flags or from the environment', async () => {
    const { callee, at } = await answering('--tone', '425')
    const typed = await ringflow(['-s', at, '-u', '1001', '-p', 'secret', '-t', '1002', '-d', '0.5']).exit()
    assert.deepEqual([typed.code, typed.last?.ok], [0, true], typed.err)
    const env = {
      SIP_SERVER: at,
      SIP_USER: '1001',
      SIP_PASSWORD: 'secret',
      SIP_TARGET: '1003',
      RINGFLOW_DURATION: '0.5',
    }
    const exported = await ringflow([], env).exit()
    assert.deepEqual([exported.code, exported.last?.ok], [0, true], exported.err)
    callee.interrupt()
    await callee.exit()
    const called = callee.lines
      .filter(({ type }) => type === 'call.incoming')
      .map(({ call }) => (call as CallSnapshot).to.user)
    assert.deepEqual(called, ['1002', '1003'])
  })

  it('writes its log from the level on that --log-level names', async () => {
    const { at } = await answering('--tone', '425')
    const run = (...flags: string[]) => ringflow(['call', `sip:a@${at}`, '--duration', '0.3', ...flags]).exit()
    const [quiet, error, info] = [await run(), await run('--log-level', 'error'), await run('-l', 'info')]
    assert.deepEqual([quiet.err, error.err], ['', ''])
    assert.match(info.err, /"msg":"call ended"/)
  })

  it('hears itself from --echo', async () => {
    const { at } = await answering('--echo', '--once')
    const here = join(folder, 'echo.wav')
    const caller = ringflow(['call', `sip:echo@${at}`, '--tone', '600', '--record', here, '--duration', '3'])
    assert.equal((await caller.exit()).code, 0)
    const echoed = measureTone(here, 600)
    assert.ok(echoed.share >= 0.95 && echoed.soundMs > 1_000, JSON.stringify(echoed))
  })

  it('message and options: text, latency and loss, and 1 without an answer', async () => {
    const { callee, at } = await answering()
    const pinged = await ringflow(['options', `sip:${at}`, '--count', '2', '--interval', '0.1']).exit()
    assert.equal(pinged.code, 0, pinged.err)
    assert.deepEqual([pinged.last?.sent, pinged.last?.answered, pinged.last?.lostPercent], [2, 2, 0])
    const peer = await RawPeer.open()
    const silent = await ringflow(['options', peer.uri, '--count', '1', '--timeout', '0.3']).exit()
    assert.deepEqual([silent.code, silent.last?.lostPercent], [1, 100])
    const sending = ringflow(['message', peer.uri, 'Pumpe', '3'])
    peer.requests.drop(() => true)
    const request = await peer.requests.next(15_000)
    assert.equal(request.message.method, 'MESSAGE')
    assert.match(request.text, /\r\n\r\nPumpe 3$/)
    peer.answer(request, 202, { contact: false })
    assert.equal((await sending.exit()).code, 0)
    const refused = await ringflow(['message', `sip:a@${at}`, 'x']).exit()
    assert.equal(refused.code, 1)
    assert.match(refused.err, /480/)
    callee.kill()
    await peer.close()
  })

  it('fails with 1, the reason and what to do', async () => {
    const { callee, at } = await answering('--max-calls', '1')
    const first = ringflow(['call', `sip:a@${at}`])
    await first.line('call.answered')
    const second = ringflow(['call', `sip:b@${at}`])
    const busy = await second.exit()
    assert.equal(busy.code, 1)
    assert.match(busy.err, /busy, 486 .*\n.*busy/)
    assert.deepEqual([busy.last?.ok, busy.last?.cause, busy.last?.sipCode], [false, 'busy', 486])
    first.interrupt()
    assert.equal((await first.exit()).code, 0, 'Ctrl-C hangs up in good order')
    await callee.line('summary')
    callee.interrupt()
    assert.equal((await callee.exit()).code, 0)
  })

  it('gives up with Ctrl-C while nobody has answered', async () => {
    // A port that is bound but never answers.
    const silent = createSocket('udp4').bind(0, '127.0.0.1')
    await once(silent, 'listening')
    const caller = ringflow(['call', `sip:a@127.0.0.1:${silent.address().port}`])
    await caller.line('call.trying')
    caller.interrupt()
    const { code, last, err } = await caller.exit()
    assert.equal(code, 1)
    assert.equal(last?.cause, 'cancelled')
    assert.match(err, /waiting for the server to answer/)
    silent.close()
  })

  it('hangs up when nobody reads what it prints', async () => {
    const { callee, at } = await answering('--once')
    const caller = ringflow(['call', `sip:a@${at}`])
    await caller.line('call.trying')
    caller.stopReading()
    const { end } = await callee.line('call.ended')
    assert.equal((end as { by: string }).by, 'remote')
    assert.equal((await callee.exit()).code, 0)
  })

  it('rings nobody when the file to play is not there, and says once that its port is in use', async () => {
    const { callee, at } = await answering()
    const caller = await ringflow(['call', `sip:a@${at}`, '--play', 'nowhere.wav']).exit()
    const problem = 'ringflow call: --play nowhere.wav: the file does not exist. Check its name'
    assert.deepEqual([caller.code, caller.last], [2, { type: 'summary', ok: false, problem }])
    assert.match(caller.err, /--play nowhere.wav: the file does not exist. Check its name/)
    const bad = join(folder, 'bad.wav')
    writeFileSync(bad, 'RIFF and nothing that can be played')
    const unplayable = await ringflow(['call', `sip:a@${at}`, '--play', bad]).exit()
    assert.equal(unplayable.code, 1)
    assert.match(unplayable.err, /BAD_AUDIO/)
    assert.deepEqual([unplayable.last?.type, unplayable.last?.ok], ['summary', false])
    for (const args of [['--once'], []]) {
      const answerer = ringflow(['answer', '--listen', 'udp://127.0.0.1:0', '--play', bad, ...args])
      const refused = await answerer.exit()
      assert.deepEqual([refused.code, refused.last?.type, refused.last?.ok], [1, 'summary', false], refused.err)
    }
    const second = await ringflow(['answer', '--listen', `udp://${at}`]).exit()
    assert.equal(second.code, 1)
    assert.equal(second.err.match(/is in use/g)?.length, 1, second.err)
    assert.doesNotMatch(second.err, /registration/)
    assert.deepEqual(
      callee.lines.map(({ type }) => type).filter((type) => type.startsWith('call.')),
      [],
    )
  })

  for (const flags of [[], ['--once']]) {
    it(`register ${flags.join('')}: interrupted before the server has said anything it ends within 5 s, with 1, and claims no un-registration`, async () => {
      const silent = createSocket('udp4').bind(0, '127.0.0.1')
      await once(silent, 'listening')
      const server = `127.0.0.1:${silent.address().port}`
      const client = spawn(process.execPath, [RINGFLOW_MAIN, 'register', '--server', server, '--user', 'a', ...flags])
      let out = ''
      client.stdout.on('data', (text) => {
        out += text
      })
      await once(silent, 'message')
      const startedMs = performance.now()
      client.kill('SIGINT')
      const [code] = await once(client, 'close')
      silent.close()
      assert.ok(performance.now() - startedMs < 5_000)
      assert.equal(code, 1)
      assert.doesNotMatch(out, /un-registered/)
    })
  }

  it('says that nothing can be reached at an address', async () => {
    const { callee, at } = await answering()
    callee.interrupt()
    await callee.exit()
    const { code, err } = await ringflow(['call', `sip:a@${at}`, '--ring-timeout', '0.5']).exit()
    assert.equal(code, 1)
    assert.match(err, /call failed: no response, .*\n.*a SIP server or telephone listens there/)
  })

  it('says on a terminal in one line and an advice why a call failed', async () => {
    const { at } = await answering('--max-calls', '1')
    const first = ringflow(['call', `sip:a@${at}`])
    await first.line('call.answered')
    const busy = new Ringflow(['call', `sip:b@${at}`], {}, false)
    started.push(busy)
    const { out, err } = await busy.exit()
    assert.deepEqual([out, err.split('\n')[0]], [`calling sip:b@${at}\n`, 'call failed: busy, 486 Busy Here'])
    assert.equal(err.trimEnd().split('\n').length, 2, err)
  })

  it('closes answer without any call with the line that it has after calls', async () => {
    const answerer = new Ringflow(['answer', '--listen', 'udp://127.0.0.1:0'], {}, false)
    started.push(answerer)
    await answerer.text(/listening on/)
    answerer.interrupt()
    assert.match((await answerer.exit()).out, /\ncalls: 0, failed: 0\n$/)
  })

  it('says that it still waits for a silent peer and a silent server', async () => {
    const silent = createSocket('udp4').bind(0, '127.0.0.1')
    await once(silent, 'listening')
    const at = `127.0.0.1:${silent.address().port}`
    for (const [from, one] of [
      [`sip:a@${at}`, ringflow(['call', `sip:a@${at}`])],
      [at, ringflow(['register', '--server', at, '--user', 'a'])],
    ] as const) {
      assert.equal((await one.line('waiting')).from, from)
      one.interrupt()
    }
    silent.close()
  })

  it('says that register without a password was refused for lack of one', async () => {
    const server = await RawPeer.open()
    const client = ringflow(['register', '--server', `127.0.0.1:${server.port}`, '--user', 'a', '--once'])
    const headers = ['WWW-Authenticate: Digest realm="pbx", nonce="1", algorithm=MD5']
    server.answer(await server.requests.next(15_000), 401, { headers })
    const { code, err } = await client.exit()
    assert.equal(code, 1)
    assert.match(err, /registration failed: 401 .*\n {2}No password was given/)
    await server.close()
  })

  it('never shows a password, not even with --trace and --verbose', async () => {
    const { at } = await answering('--once')
    const env = { RINGFLOW_PASSWORD: 'canary-password' }
    const caller = ringflow(['call', `sip:a@${at}`, '--duration', '0.3', '--trace', '--verbose'], env)
    const { code, err } = await caller.exit()
    assert.equal(code, 0)
    assert.match(err, /INVITE sip:a@/)
    assert.doesNotMatch(err + JSON.stringify(caller.lines), /canary/)
  })
})
