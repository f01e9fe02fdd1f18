import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { appendFileSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writePcap } from '../../../src/trace/capture/pcap-writer.js'
import { Ringflow } from '../../support/ringflow-process.js'
import { request, traced, usualCall } from '../../support/trace-texts.js'

describe('ringflow trace', function () {
  this.timeout(40_000)
  const started: Ringflow[] = []
  const folder = mkdtempSync(join(tmpdir(), 'ringflow-trace-'))

  const ringflow = (args: string[], json = true) => {
    const one = new Ringflow(args, {}, json)
    started.push(one)
    return one
  }

  afterEach(() => {
    for (const one of started.splice(0)) one.kill()
  })

  it('a call writes its trace, and ringflow trace reads it', async () => {
    const callee = ringflow([
      'answer',
      '--listen',
      'udp://127.0.0.1:0',
      '--tone',
      '425',
      '--once',
      '--trace-file',
      join(folder, 'callee.mmd'),
    ])
    const { port } = await callee.line('listening')
    const file = join(folder, 'call.pcap')
    const call = await ringflow(['call', `sip:a@127.0.0.1:${port}`, '--duration', '1', '--trace-file', file]).exit()
    assert.deepEqual([call.code, call.err], [0, ''])
    assert.equal((await callee.exit()).code, 0)
    assert.match(readFileSync(join(folder, 'callee.mmd'), 'utf8'), /^sequenceDiagram\n(?:.*\n)*.*INVITE sip:a@/)
    const read = await ringflow(['trace', file], false).exit()
    assert.deepEqual([read.code, read.err], [0, ''])
    assert.match(read.out, /INVITE sip:a@127\.0\.0\.1:\d+(?:.*\n)+.*200 OK \(INVITE\)(?:.*\n)+.*BYE/)
    assert.match(read.out, /RTP 127\.0\.0\.1:\d+ → 127\.0\.0\.1:\d+: \d+ packets, 0 lost/)
    const mermaid = await ringflow(['trace', file, '--format', 'mermaid'], false).exit()
    assert.match(mermaid.out, /^sequenceDiagram\n/)
  })

  it('filters choose calls, and the diagnosis is about them', async () => {
    const file = join(folder, 'two.pcap')
    const invite = request('INVITE', { callId: 'lost' })
    writeFileSync(
      file,
      writePcap(
        [
          ...usualCall(),
          ...traced([
            ['>', invite],
            ['>', invite, 500],
          ]),
        ],
        [],
      ),
    )
    const chosen = await ringflow(['trace', file, '--call-id', 'lost']).exit()
    assert.deepEqual([chosen.last?.messages, chosen.last?.type], [2, 'summary'])
    assert.match(
      chosen.err,
      /diagnosis: 198\.51\.100\.2:5080 did not answer INVITE, sent 2 times\n {4}Check host and port/,
    )
    const other = await ringflow(['trace', file, '--status', '2xx', '--party', 'alice']).exit()
    assert.equal(other.last?.messages, 6)
  })

  it('--follow shows messages as the file grows', async () => {
    const file = join(folder, 'grows.pcap')
    const [first, ...others] = usualCall()
    assert.ok(first)
    const whole = writePcap([first, ...others], [])
    const head = writePcap([first], [])
    writeFileSync(file, head)
    const follower = ringflow(['trace', file, '--follow'], false)
    await follower.text(/INVITE sip:bob/)
    appendFileSync(file, whole.subarray(head.length))
    await follower.text(/200 OK \(BYE\)/)
    follower.interrupt()
    assert.equal((await follower.exit()).code, 0)
  })

  it('refuses what it cannot read, in plain words', async () => {
    const file = join(folder, 'text.pcap')
    writeFileSync(file, 'this is not a capture of packets')
    const [wrong, missing, none, status, ending] = await Promise.all(
      [
        ['trace', file],
        ['trace', join(folder, 'nowhere.pcap')],
        ['trace'],
        ['trace', file, '--status', 'x'],
        ['call', 'sip:a@127.0.0.1', '--trace-file', 'x.doc'],
      ].map((args) => ringflow(args).exit()),
    )
    assert.match(wrong?.err ?? '', /not a pcap or pcapng capture\. Use a file of/)
    assert.match(missing?.err ?? '', /nowhere\.pcap: the file cannot be read/)
    assert.match(none?.err ?? '', /give one capture file/)
    assert.match(status?.err ?? '', /--status x is not valid/)
    assert.match(ending?.err ?? '', /--trace-file x\.doc: the ending is not known\. Use \.txt, \.mmd or \.pcap/)
    assert.deepEqual(
      [wrong, missing, none, status, ending].map((run) => run?.code),
      [1, 2, 2, 2, 2],
    )
  })

  it('a failed call and a failed registration get their diagnosis', async () => {
    const socket = createSocket('udp4').bind(0, '127.0.0.1')
    await once(socket, 'listening')
    const { port } = socket.address()
    socket.on('message', (octets, from) => {
      const text = octets.toString()
      if (!text.startsWith('REGISTER')) return
      const headers = ['Via', 'From', 'Call-ID', 'CSeq'].map((name) =>
        new RegExp(`^${name}:.*$`, 'm').exec(text)?.[0].trim(),
      )
      const to = `${/^To:.*$/m.exec(text)?.[0].trim()};tag=x`
      const challenge = `WWW-Authenticate: Digest realm="pbx", nonce="${Math.random()}", algorithm=MD5`
      socket.send(
        ['SIP/2.0 401 Unauthorized', ...headers, to, challenge, 'Content-Length: 0', '', ''].join('\r\n'),
        from.port,
      )
    })
    const server = `127.0.0.1:${port}`
    const registration = await ringflow([
      'register',
      '--server',
      server,
      '--user',
      'a',
      '--password',
      'wrong',
      '--once',
    ]).exit()
    assert.match(
      registration.err,
      /diagnosis: the server 127\.0\.0\.1:\d+ refused the password of the user “a” \(401\)\n {4}Check the password/,
    )
    const call = await ringflow(['call', `sip:a@${server}`, '--ring-timeout', '0.3']).exit()
    assert.match(call.err, /diagnosis: 127\.0\.0\.1:\d+ did not answer INVITE/)
    assert.equal((call.last?.diagnosis as { code: string }[] | undefined)?.[0]?.code, 'no-response')
    socket.close()
  })
})
