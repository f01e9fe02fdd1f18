/** What `ringflow` says about sound that cannot be decoded, comes from elsewhere, is silent or does not come. */
import assert from 'node:assert/strict'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { RawPeer } from '../../support/raw-peer.js'
import { Ringflow } from '../../support/ringflow-process.js'

const PCMA = 8
const G722 = 9
/** RFC 3551: the G.711 A-law octet of silence. */
const SILENCE = Buffer.alloc(160, 0xd5)
const TONE = Buffer.from(Array.from({ length: 160 }, (_, i) => (i % 16 < 8 ? 0x35 : 0xb5)))

function rtp(payloadType: number, seq: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(12)
  header.writeUInt8(0x80, 0)
  header.writeUInt8(payloadType, 1)
  header.writeUInt16BE(seq, 2)
  header.writeUInt32BE(seq * 160, 4)
  header.writeUInt32BE(0x1234, 8)
  return Buffer.concat([header, payload])
}

describe('ringflow and the sound of a peer', function () {
  this.timeout(40_000)
  let peer: RawPeer
  let agreed: Socket
  let other: Socket
  let caller: Ringflow | undefined

  const bound = async () => {
    const socket = createSocket('udp4').bind(0, '127.0.0.1')
    await once(socket, 'listening')
    return socket
  }

  beforeEach(async () => {
    ;[peer, agreed, other] = await Promise.all([RawPeer.open(), bound(), bound()])
  })

  afterEach(async () => {
    caller?.kill()
    agreed.close()
    other.close()
    await peer.close()
  })

  /** A call of 2.5 s, longer than two rounds of the watch for media trouble, that the peer answers; `send` is called every 20 ms, until BYE. */
  async function call(
    init: { flags?: string[]; direction?: string; json?: boolean; host?: string },
    send?: (toPort: number, seq: number) => void,
  ) {
    const { flags = [], direction = 'sendrecv', json = true, host = '127.0.0.1' } = init
    caller = new Ringflow(['call', peer.uri, '--duration', '2.5', ...flags], {}, json)
    const invite = await peer.requests.next()
    const toPort = Number(/^m=audio (\d+)/m.exec(invite.message.body)?.[1])
    const body = [
      'v=0',
      'o=- 1 1 IN IP4 127.0.0.1',
      's=-',
      `c=IN IP4 ${host}`,
      't=0 0',
      `m=audio ${agreed.address().port} RTP/AVP ${PCMA}`,
      `a=${direction}`,
      '',
    ].join('\r\n')
    peer.answer(invite, 200, { body })
    let seq = 0
    const timer = setInterval(() => send?.(toPort, seq++), 20)
    for (;;) {
      const request = await peer.requests.next()
      if (request.message.method !== 'BYE') continue
      peer.answer(request, 200)
      clearInterval(timer)
      return caller.exit()
    }
  }

  it('that cannot be decoded: says so, and exits with 1', async () => {
    const { code, err, last } = await call({}, (port, seq) => agreed.send(rtp(G722, seq, TONE), port, '127.0.0.1'))
    assert.deepEqual([code, last?.ok, last?.heard, last?.mos], [1, false, 'undecodable', null])
    assert.ok(Number(last?.undecodedPackets) > 20)
    assert.match(err, /nothing was heard: \d+ packets of the other side could not be decoded/)
  })

  it('that comes from another address: says how many packets came from where', async () => {
    const { out } = await call({ json: false }, (port, seq) => other.send(rtp(PCMA, seq, TONE), port, '127.0.0.1'))
    const source = `127\\.0\\.0\\.1:${other.address().port}`
    assert.match(out, new RegExp(`nothing is heard: sound comes from another address.*${source}.*--audio-from any`))
    assert.match(out, new RegExp(`\\d+ packets from another address .* \\d+ from ${source}; .*--audio-from any`))
  })

  it('that comes from another address is heard with --audio-from any', async () => {
    const flags = ['--audio-from', 'any']
    const { code, last, err } = await call({ flags }, (port, seq) =>
      other.send(rtp(PCMA, seq, TONE), port, '127.0.0.1'),
    )
    assert.deepEqual([code, last?.heard], [0, 'sound'], err)
  })

  it('that is silent: does not say that nothing was heard', async () => {
    const { code, out } = await call({ json: false }, (port, seq) =>
      agreed.send(rtp(PCMA, seq, SILENCE), port, '127.0.0.1'),
    )
    assert.equal(code, 0)
    assert.match(out, /the other side sent silence/)
    assert.doesNotMatch(out, /nothing was heard/)
  })

  it('that does not come, and need not come: does not say that nothing was heard', async () => {
    const { code, out } = await call({ json: false, direction: 'recvonly' })
    assert.equal(code, 0)
    assert.doesNotMatch(out, /nothing was heard/)
  })

  it('whose SDP names a host without an address: says so during the call and after it, and exits with 1', async () => {
    const { code, out, err } = await call({ json: false, host: 'nowhere.invalid' })
    assert.equal(code, 1)
    assert.match(out, /nothing can be sent or heard: no address was found for the host name “nowhere\.invalid”/)
    assert.match(err, /nothing was heard: no address was found for the host name/)
    assert.doesNotMatch(out, /firewall/)
  })

  it('that does not come, although it should: says what may be in its way', async () => {
    const { code, out } = await call({ json: false })
    assert.equal(code, 0)
    assert.match(out, /nothing was heard: a firewall or NAT may block the sound/)
  })
})
