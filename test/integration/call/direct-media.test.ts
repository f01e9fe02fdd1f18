/** Two calls behind an exchange that takes itself out of the media: re-INVITEs give each leg the address of the other one. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLogger } from '../../../src/base/logger.js'
import { startMediaService } from '../../../src/media/client.js'
import type { PromptSource } from '../../../src/media/protocol.js'
import type { ParsedRequest } from '../../../src/sip/message/parsed-message.js'
import { measureTone } from '../../support/audio.js'
import { RawCaller } from '../../support/raw-call.js'
import { RawPeer, type Received } from '../../support/raw-peer.js'
import { RtpParty } from '../../support/rtp-party.js'
import { requestText } from '../../support/sip-messages.js'
import { type Conversation, flowRule, Telephone } from '../../support/telephone.js'

const tone = (hz: number, durationMs: number): PromptSource => ({ kind: 'tone', hz: [hz], durationMs, levelDbfs: -13 })
const silence: PromptSource = { kind: 'tone', hz: [50], durationMs: 200, levelDbfs: -90 }

let version = 0

function sdpOf(port: number): string {
  const top = ['v=0', `o=- 7 ${++version} IN IP4 127.0.0.1`, 's=-', 'c=IN IP4 127.0.0.1', 't=0 0']
  return [...top, `m=audio ${port} RTP/AVP 8`, 'a=sendrecv', ''].join('\r\n')
}

describe('an exchange that moves the media of two of our calls between them', () => {
  let media: ReturnType<typeof startMediaService>
  let alice: Telephone
  let bob: Telephone
  let towardsAlice: RawPeer
  let towardsBob: RawPeer
  /** The exchange's own ports, one for each leg. */
  let relays: [RtpParty, RtpParty]
  let folder: string

  before(() => {
    media = startMediaService({ log: silentLogger })
    folder = mkdtempSync(join(tmpdir(), 'ringflow-direct-'))
  })
  after(async () => {
    await media.close()
    rmSync(folder, { recursive: true })
  })
  beforeEach(async () => {
    ;[alice, bob, towardsAlice, towardsBob] = await Promise.all([
      Telephone.open('alice', media),
      Telephone.open('bob', media),
      RawPeer.open(),
      RawPeer.open(),
    ])
    relays = await Promise.all([RtpParty.open({ hz: 2000, ssrc: 1 }), RtpParty.open({ hz: 2000, ssrc: 2 })])
  })
  afterEach(() =>
    Promise.all([
      alice.close(),
      bob.close(),
      towardsAlice.close(),
      towardsBob.close(),
      ...relays.map((relay) => relay.close()),
    ]),
  )

  const portIn = (sdp: string): number => Number(/^m=audio (\d+)/m.exec(sdp)?.[1])

  /** A request of the exchange within the call that Alice has placed. */
  function toAlice(invite: Received<ParsedRequest>, method: string, cseq: number, body = ''): void {
    const { message } = invite
    const text = requestText({
      method,
      uri: alice.party.address,
      via: towardsAlice.via(`a${method}${cseq}`),
      from: `${message.getHeader('to')};tag=raw`,
      to: message.getHeader('from') ?? '',
      callId: message.callId,
      cseq: `${cseq} ${method}`,
      body,
    }).replace('sip:alice@192.0.2.1:5060', towardsAlice.uri)
    towardsAlice.send(text, alice.party.endpoint.local.port)
  }

  async function answerToAlice() {
    for (;;) {
      const { message } = await towardsAlice.responses.next()
      if (message.statusCode >= 200) return message
    }
  }
  const request = async (peer: RawPeer, method: string): Promise<Received<ParsedRequest>> => {
    for (;;) {
      const received = await peer.requests.next()
      if (received.message.method === method) return received
    }
  }

  /** Both sides play at once, and each records what it hears of the other one. */
  async function heardBothWays(out: Conversation, taken: Conversation): Promise<void> {
    const [atAlice, atBob] = [join(folder, 'alice.wav'), join(folder, 'bob.wav')]
    await out.call.startRecord('r', atAlice)
    await taken.call.startRecord('r', atBob)
    await Promise.all([out.call.play('p', tone(1000, 1000)), taken.call.play('p', tone(425, 1000))])
    // What the jitter buffers still hold is heard before the recordings stop.
    await Promise.all([out.call.play('q', silence), taken.call.play('q', silence)])
    await Promise.all([out.call.stopRecord('r'), taken.call.stopRecord('r')])
    for (const [path, hz] of [
      [atBob, 1000],
      [atAlice, 425],
    ] as const) {
      const { share, rmsDbfs } = measureTone(path, hz)
      assert.ok(
        share >= 0.9 && Math.abs(rmsDbfs + 13) < 3,
        `${path}: ${share} of the power is ${hz} Hz, ${rmsDbfs} dBFS`,
      )
    }
  }

  for (const when of ['with its 200, before our ACK', 'after our ACK', 'when it has been heard itself'] as const) {
    it(`${when}: both are heard both ways`, async () => {
      const [relayA, relayB] = relays
      const placing = alice.callTo({ uri: towardsAlice.uri, user: 'raw' })
      const invite = await request(towardsAlice, 'INVITE')
      const out = await placing

      const caller = new RawCaller(towardsBob, { uri: bob.party.address, port: bob.party.endpoint.local.port })
      const taking = bob.take({ ...flowRule, mode: 'answer' })
      const ok = await caller.ask('INVITE', { body: sdpOf(relayB.port) })
      const taken = await taking
      caller.send('ACK')

      towardsAlice.answer(invite, 200, { body: sdpOf(relayA.port) })
      const [portA, portB] = [portIn(invite.message.body), portIn(ok.body)]
      if (when !== 'with its 200, before our ACK') await request(towardsAlice, 'ACK')
      if (when === 'when it has been heard itself') {
        relayA.talk({ host: '127.0.0.1', port: portA })
        relayB.talk({ host: '127.0.0.1', port: portB })
        await Promise.all([out.events.first('call.media'), taken.events.first('call.media')])
      }
      toAlice(invite, 'INVITE', 1, sdpOf(portB))
      const [atAlice, atBob] = await Promise.all([answerToAlice(), caller.ask('INVITE', { body: sdpOf(portA) })])
      assert.deepEqual([atAlice.statusCode, atBob.statusCode], [200, 200])
      toAlice(invite, 'ACK', 1)
      caller.send('ACK')
      for (const relay of relays) relay.silence()
      await Promise.all([out.events.first('call.media'), taken.events.first('call.media')])
      await heardBothWays(out, taken)

      toAlice(invite, 'BYE', 2)
      await Promise.all([answerToAlice(), caller.ask('BYE')])
      for (const { call } of [out, taken]) assert.equal((await call.ended).cause, 'normal')
    })
  }
})
