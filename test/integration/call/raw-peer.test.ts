/** Peers that negotiate in the less usual ways, written message by message. */
import assert from 'node:assert/strict'
import { createSocket, type Socket } from 'node:dgram'
import { silentLogger } from '../../../src/base/logger.js'
import { startMediaService } from '../../../src/media/client.js'
import { RawPeer } from '../../support/raw-peer.js'
import { requestText } from '../../support/sip-messages.js'
import { Inbox } from '../../support/sip-parties.js'
import { type Conversation, flowRule, Telephone } from '../../support/telephone.js'

const sdp = (direction = 'sendrecv', host = '127.0.0.1'): string =>
  [
    'v=0',
    `o=- 1 ${++version} IN IP4 ${host}`,
    's=-',
    `c=IN IP4 ${host}`,
    't=0 0',
    'm=audio 9 RTP/AVP 0 101',
    'a=rtpmap:101 telephone-event/8000',
    `a=${direction}`,
    '',
  ].join('\r\n')
let version = 0

/** Where the peer's audio is to go. */
class RtpPort {
  readonly #socket: Socket
  readonly #packets = new Inbox<Buffer>('an RTP packet')

  static async open(): Promise<RtpPort> {
    const socket = createSocket('udp4')
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
    return new RtpPort(socket)
  }

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('message', (packet) => this.#packets.put(packet))
  }

  get port(): number {
    return this.#socket.address().port
  }

  packet(): Promise<Buffer> {
    return this.#packets.next()
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#socket.close(resolve))
  }
}

describe('a call with a peer that', () => {
  let media: ReturnType<typeof startMediaService>
  let bob: Telephone
  let peer: RawPeer
  let toTag: string
  let rtp: RtpPort
  let cseq: number

  before(() => {
    media = startMediaService({ log: silentLogger })
  })

  after(() => media.close())

  beforeEach(async () => {
    ;[bob, peer, rtp] = await Promise.all([Telephone.open('bob', media), RawPeer.open(), RtpPort.open()])
    toTag = ''
    cseq = 0
  })

  afterEach(() => Promise.all([bob.close(), peer.close(), rtp.close()]))

  const text = (method: string, body = ''): string =>
    requestText({
      method,
      uri: bob.party.address,
      via: peer.via(`${method}${cseq}`),
      to: `<${bob.party.address}>${toTag}`,
      cseq: `${cseq} ${method}`,
      body,
    }).replace('sip:alice@192.0.2.1:5060', peer.uri)

  /** Sends a request and gives its final answer; to an INVITE the ACK is sent with the body given. */
  async function request(method: string, body = '', ackBody = '', change = (message: string) => message) {
    cseq++
    peer.send(change(text(method, body)), bob.party.endpoint.local.port)
    for (;;) {
      const { message } = await peer.responses.next()
      if (message.method !== method || (message.statusCode ?? 0) < 200) continue
      const tag = /;tag=[^;]+/.exec(message.getHeader('to') ?? '')
      toTag = tag?.[0] ?? ''
      if (method === 'INVITE') peer.send(text('ACK', ackBody), bob.party.endpoint.local.port)
      return { status: message.statusCode, body: message.body }
    }
  }

  async function taken(): Promise<Conversation> {
    const conversation = await bob.take({ ...flowRule, mode: 'answer' })
    await conversation.events.first('call.answered')
    return conversation
  }

  it('sends no offer gets ours and answers in its ACK, at first and again', async () => {
    const incoming = taken()
    const { body } = await request('INVITE', '', sdp())
    assert.match(body, /^m=audio \d+ RTP\/AVP 8 0 101\r$/m)
    const { call, events } = await incoming
    const again = await request('INVITE', '', sdp('inactive'))
    assert.match(again.body, /^m=audio \d+ RTP\/AVP 0 8 101\r$/m, 'the codec in use first')
    assert.equal((await events.first('call.held')).direction, 'inactive')
    assert.equal(call.snapshot().codec, 'PCMU')
    assert.equal((await request('BYE')).status, 200)
    assert.equal((await call.ended).by, 'remote')
  })

  it('puts its SDP into a multipart body is understood, in INVITE and re-INVITE', async () => {
    const incoming = taken()
    const parts = (direction: string) =>
      [
        '--x',
        'Content-Type: application/isup',
        '',
        'binary',
        '--x',
        'Content-Type: application/sdp',
        '',
        sdp(direction),
        '--x--',
        '',
      ].join('\r\n')
    const asMultipart = (message: string) => message.replace('application/sdp', 'multipart/mixed; boundary="x"')
    const { body } = await request('INVITE', parts('sendrecv'), '', asMultipart)
    assert.match(body, /^m=audio \d+ RTP\/AVP 0 101\r$/m)
    const { call, events } = await incoming
    assert.match((await request('INVITE', parts('inactive'), '', asMultipart)).body, /^a=inactive\r$/m)
    assert.equal((await events.first('call.held')).direction, 'inactive')
    await request('BYE')
    await call.ended
  })

  for (const [how, spell] of [
    ['ends its lines in a blank', (text: string) => text.replaceAll('\r\n', ' \r\n')],
    ['ends its lines in LF alone', (text: string) => text.replaceAll('\r\n', '\n')],
    ['ends its SDP without a line break, in a NUL', (text: string) => `${text.trimEnd()}\0`],
    [
      'writes odd blanks and letters',
      (text: string) => text.replace('IN IP4 ', 'in ip4  ').replace('rtpmap:', 'RTPMAP: '),
    ],
  ] as const) {
    it(`${how} is understood, in offers and in an ACK`, async () => {
      const incoming = taken()
      const { body } = await request('INVITE', spell(sdp()))
      assert.match(body, /^m=audio \d+ RTP\/AVP 0 101\r$/m)
      const { call, events } = await incoming
      assert.match((await request('INVITE', spell(sdp('sendonly')))).body, /^a=recvonly\r$/m)
      assert.equal((await events.first('call.held')).direction, 'sendonly')
      await request('INVITE', '', spell(sdp()))
      await events.first('call.resumed')
      await request('BYE')
      await call.ended
    })
  }

  it('asks for 30 ms in a packet gets them', async () => {
    const incoming = taken()
    await request('INVITE', sdp().replace('m=audio 9 ', `m=audio ${rtp.port} `).replace('a=sendrecv', 'a=ptime:30'))
    const { call } = await incoming
    const packet = await rtp.packet()
    assert.equal(packet.length, 12 + 30 * 8)
    await request('BYE')
    await call.ended
  })

  it('sends neither offer nor answer is hung up on', async () => {
    const incoming = bob.take({ ...flowRule, mode: 'answer' })
    await request('INVITE')
    const { call } = await incoming
    const bye = await peer.requests.next()
    assert.equal(bye.message.method, 'BYE')
    peer.answer(bye, 200)
    assert.match((await call.ended).reason, /no answer to our offer/)
  })

  it('holds with c=0.0.0.0, resumes, offers what we lack', async () => {
    const incoming = taken()
    await request('INVITE', sdp())
    const { call, events } = await incoming
    const held = await request('INVITE', sdp('sendrecv', '0.0.0.0'))
    assert.match(held.body, /^a=recvonly\r$/m)
    assert.equal((await events.first('call.held')).direction, 'sendonly')
    const resumed = await request('INVITE', sdp())
    assert.match(resumed.body, /^a=sendrecv\r$/m)
    await events.first('call.resumed')
    const refused = await request('INVITE', sdp().replace('RTP/AVP 0 101', 'RTP/AVP 18'))
    assert.equal(refused.status, 488)
    assert.equal(call.snapshot().state, 'answered')
    assert.equal((await request('UPDATE')).status, 200)
    await request('BYE')
    assert.equal((await call.ended).cause, 'normal')
  })

  // Timer F and the wait between questions pass in real time.
  if (process.env.RINGFLOW_LONG === '1')
    it('vanishes while it holds us is noticed within a minute, and its port is free', async function () {
      this.timeout(90_000)
      const incoming = taken()
      await request('INVITE', sdp())
      const { call, events } = await incoming
      await request('INVITE', sdp('inactive'))
      await events.first('call.held')
      // It answers one question, and none after that: the longest way to the end.
      const question = await peer.requests.next(30_000)
      assert.equal(question.message.method, 'OPTIONS')
      peer.answer(question, 200)
      const vanishedAt = Date.now()
      await call.ended
      const tookMs = Date.now() - vanishedAt
      console.log(`      a peer that vanishes on hold: call ended after ${(tookMs / 1000).toFixed(1)} s (<= 60 s)`)
      assert.ok(tookMs <= 60_000)
      const { end } = await events.first('call.ended')
      assert.deepEqual([end.by, end.cause, end.sipCode], ['error', 'failed', 408])
      assert.deepEqual(
        (await media.load()).map(({ calls }) => calls),
        [0],
      )
    })

  it('sends digits by INFO is understood', async () => {
    const incoming = taken()
    await request('INVITE', sdp())
    const { call, events } = await incoming
    cseq++
    const relay = text('INFO', 'Signal=5\r\nDuration=160\r\n').replace('application/sdp', 'application/dtmf-relay')
    const answer = await peer.ask(relay, bob.party.endpoint.local.port)
    assert.equal(answer.statusCode, 200)
    assert.equal((await events.first('call.digit')).digit, '5')
    await request('BYE')
    await call.ended
    assert.equal((await events.first('call.ended')).cdr.digits, '5')
  })
})
