/** Wireshark reads our capture files and agrees with our ladder and RTP statistics. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { writePcap } from '../../src/trace/capture/pcap-writer.js'
import { CaptureContents } from '../../src/trace/capture/read-capture.js'
import { buildLadder } from '../../src/trace/ladder.js'
import { RtpStreams } from '../../src/trace/rtp-streams.js'
import { readSdp } from '../../src/trace/sdp-text.js'
import type { TracedMessage, TracedPacket } from '../../src/trace/traced.js'
import { peerFolder } from '../support/peers/peer-folder.js'
import { peerPath } from '../support/peers/peer-process.js'
import '../support/peers/root-hooks.js'
import { Phone } from '../support/phone.js'
import { ALICE_RTP, BOB_RTP, request, rtp, sdp, traced, usualCall } from '../support/trace-texts.js'

const run = promisify(execFile)

async function tshark(file: string, ...args: string[]): Promise<string> {
  const env = { ...process.env, PATH: peerPath }
  const { stdout } = await run('tshark', ['-n', '-r', file, ...args], { maxBuffer: 1 << 26, env })
  return stdout
}

/** Fields of each packet that passes the filter. */
async function fields(file: string, filter: string, ...names: string[]): Promise<string[][]> {
  const args = ['-Y', filter, '-T', 'fields', '-E', 'occurrence=f', ...names.flatMap((name) => ['-e', name])]
  const text = await tshark(file, ...args)
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split('\t'))
}

function written(name: string, messages: TracedMessage[], packets: TracedPacket[] = []): string {
  const file = peerFolder.file(name)
  writeFileSync(file, writePcap(messages, packets))
  return file
}

describe('exported captures in tshark', function () {
  this.timeout(60_000)

  for (const protocol of ['udp', 'tcp', 'tls', 'ws', 'wss'] as const) {
    it(`SIP over ${protocol}: the same messages as in our ladder`, async () => {
      const messages = usualCall(protocol)
      const { steps } = buildLadder(messages)
      const file = written(`${protocol}.pcap`, messages)
      const seen = await fields(
        file,
        'sip',
        'sip.Method',
        'sip.Status-Code',
        'sip.CSeq.method',
        'sip.Call-ID',
        'ip.src',
      )
      assert.deepEqual(
        seen,
        steps.map(({ sip, message }) => [
          sip.status === undefined ? sip.method : '',
          sip.status === undefined ? '' : String(sip.status),
          sip.method,
          sip.callId,
          message.from.host,
        ]),
      )
      const bad =
        '_ws.malformed || ip.checksum.status == 0 || udp.checksum.status == 0 || tcp.checksum.status == 0 || tcp.analysis.flags'
      const checks = ['-o', 'ip.check_checksum:TRUE', '-o', 'udp.check_checksum:TRUE', '-o', 'tcp.check_checksum:TRUE']
      assert.equal(await tshark(file, ...checks, '-Y', bad), '')
    })
  }

  it('SIP over TLS at port 5061 and over WSS at port 443 is shown in clear', async () => {
    for (const [protocol, port] of [
      ['tls', 5061],
      ['wss', 443],
    ] as const) {
      const at = <T extends { port: number }>(place: T) => ({ ...place, port: place.port === 5080 ? port : place.port })
      const messages = usualCall(protocol).map((message) => ({
        ...message,
        from: at(message.from),
        to: at(message.to),
      }))
      const methods = await fields(written(`${port}.pcap`, messages), 'sip', 'sip.CSeq.method')
      assert.deepEqual(methods.flat(), ['INVITE', 'INVITE', 'INVITE', 'INVITE', 'BYE', 'BYE'].with(3, 'ACK'))
    }
  })

  it('a message that needs several TCP segments is put together', async () => {
    const long = request('INVITE', { body: `${sdp(ALICE_RTP)}a=x-long:${'x'.repeat(4000)}\r\n` })
    const file = written('long.pcap', traced([['>', long]], 'tcp'))
    assert.deepEqual(await fields(file, 'sip', 'sip.Method', 'sip.msg_body'), [
      ['INVITE', ...(await fields(file, 'sip', 'sip.msg_body')).flat()],
    ])
    assert.equal((await fields(file, 'tcp', 'frame.number')).length, 4)
  })

  it('IPv6', async () => {
    const v6 = usualCall().map((message) => ({
      ...message,
      from: { ...message.from, host: `2001:db8::${message.from.port}` },
      to: { ...message.to, host: `2001:db8::${message.to.port}` },
    }))
    const file = written('v6.pcap', v6)
    const bad = '_ws.malformed || udp.checksum.status == 0'
    assert.equal(await tshark(file, '-o', 'udp.check_checksum:TRUE', '-Y', bad), '')
    assert.deepEqual(
      (await fields(file, 'sip', 'ipv6.src')).flat(),
      v6.map(({ from }) => from.host),
    )
  })

  it('RTP: packets, loss and jitter of each stream are those that we count', async () => {
    const packets = [...rtp(BOB_RTP, ALICE_RTP, 90, [7, 8, 40]), ...rtp(ALICE_RTP, BOB_RTP, 80)]
    const streams = new RtpStreams()
    const messages = usualCall()
    for (const message of messages) {
      const description = readSdp(message.text)
      if (description) streams.expect(description)
    }
    for (const packet of packets) streams.packet(packet)
    const file = written('rtp.pcap', messages, packets)
    const table = await tshark(file, '-q', '-z', 'rtp,streams')
    const rows = table.split('\n').flatMap((line) => {
      const [, , , from, fromPort, , , ssrc, , count, lost, , , , , , meanJitter] = ` ${line}`.split(/\s+/)
      return ssrc?.startsWith('0x') ? [{ line, from, fromPort, ssrc, count, lost, meanJitter }] : []
    })
    console.log(table)
    assert.equal(rows.length, 2)
    for (const stream of streams.streams) {
      const row = rows.find(({ ssrc }) => Number(ssrc) === stream.ssrc)
      assert.deepEqual([row?.count, row?.lost], [String(stream.packets), String(stream.lost)], row?.line)
      assert.ok(Math.abs(Number(row?.meanJitter) - stream.meanJitterMs) < 0.1, `${row?.line}: ${stream.meanJitterMs}`)
    }
  })

  it('a real call: messages, methods, Call-ID and RTP streams are those of our ladder and statistics', async () => {
    const folder = peerFolder.folder('phones')
    const [alice, bob] = [await Phone.start({ folder }), await Phone.start({ folder, inbound: {} })]
    await alice.call('setTrace', { on: true, rtp: true })
    const callId = await alice.dial(`sip:ringflow@${bob.address}`)
    await alice.event('call.media', { callId })
    await alice.call('sendDigits', { callId, digits: '12', toneMs: 160 })
    await alice.call('hangup', { callId })
    const { stats, call } = await alice.event('call.ended', { callId })
    const { data, messages } = await alice.call('trace', { callId, format: 'pcap' })
    const ladder = await alice.call('trace', { callId, format: 'text' })
    const file = peerFolder.file('real.pcap')
    writeFileSync(file, data)
    const seen = await fields(file, 'sip', 'sip.CSeq.method', 'sip.Status-Code', 'sip.Call-ID')
    assert.equal(seen.length, messages)
    assert.deepEqual([...new Set(seen.map(([, , sipCallId]) => sipCallId))], [call.sipCallId])
    const arrows = String(ladder.data)
      .split('\n')
      .filter((line) => line.includes('|'))
    assert.equal(arrows.length, seen.length)
    for (const [i, [method = '', status = '']] of seen.entries()) {
      assert.ok(arrows[i]?.includes(status === '' ? `${method} ` : `${status} `), arrows[i])
    }
    const contents = new CaptureContents()
    contents.push(Buffer.from(data as Uint8Array))
    const table = await tshark(file, '-q', '-z', 'rtp,streams')
    const rows = [...table.matchAll(/ (0x[\da-f]+) .* (\d+) +(\d+) \(/gi)]
    assert.deepEqual(
      rows.map(([, ssrc, packets, lost]) => [ssrc, packets, lost].map(Number)).sort(),
      contents.rtp.streams.map(({ ssrc, packets, lost }) => [ssrc, packets, lost]).sort(),
    )
    const counts = rows.map(([, , packets]) => Number(packets))
    assert.ok(counts.includes(stats?.packetsSent ?? -1), `${counts} ${stats?.packetsSent}`)
    assert.equal(stats?.packetsLost, 0)
    // Packets before the answer was read are not in the statistics.
    assert.ok(Math.max(...counts) >= (stats?.packetsReceived ?? 0), `${counts} ${stats?.packetsReceived}`)
    const bad = await tshark(file, '-Y', '_ws.malformed')
    assert.equal(bad, '')
    await Promise.all([alice.close(), bob.close()])
  })
})
