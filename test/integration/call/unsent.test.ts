/** What could not be sent is not a normal end; what the peer refuses is told with its status. */
import assert from 'node:assert/strict'
import type { MediaService } from '../../../src/media/client.js'
import { openForEachTest, startMediaForAllTests } from '../../support/each-test.js'
import { RawCaller } from '../../support/raw-call.js'
import { RawPeer } from '../../support/raw-peer.js'
import { type Conversation, flowRule, Telephone } from '../../support/telephone.js'

const NOWHERE = 'sip:x@nowhere.example.com'
const SDP = ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0', 'm=audio 9 RTP/AVP 8', ''].join(
  '\r\n',
)

describe('a call whose peer cannot be told of its end', () => {
  let media: MediaService
  let bob: Telephone
  let peer: RawPeer

  startMediaForAllTests((started) => {
    media = started
  })
  const resolve = async (host: string): Promise<never> => {
    throw new Error(`the name ${host} cannot be resolved`)
  }
  openForEachTest(
    () => Promise.all([Telephone.open('bob', media, {}, { resolve }), RawPeer.open()]),
    (...opened) => {
      ;[bob, peer] = opened
    },
  )

  async function placed(answer: { contact?: string } = {}): Promise<Conversation> {
    const placing = bob.callTo({ uri: peer.uri, user: 'raw' })
    peer.answer(await peer.requests.next(), 200, { body: SDP, ...answer })
    return placing
  }

  const endOf = async ({ events }: Conversation) => (await events.first('call.ended')).end

  it('fails where our ACK cannot be sent, and says so', async () => {
    const conversation = await placed({ contact: NOWHERE })
    const { by, cause, sipCode, reason } = await endOf(conversation)
    assert.deepEqual([by, cause, sipCode], ['error', 'failed', 503])
    assert.equal(reason, 'dialog lost: the ACK could not be sent: the name nowhere.example.com cannot be resolved')
  })

  for (const side of ['placed', 'taken'] as const) {
    it(`fails where our BYE cannot be sent, and says so: a call that was ${side}`, async () => {
      const caller = new RawCaller(peer, { uri: bob.party.address, port: bob.party.endpoint.local.port })
      let conversation: Conversation
      if (side === 'taken') {
        caller.send('INVITE', { body: SDP, contact: NOWHERE })
        conversation = await bob.take({ ...flowRule, mode: 'answer' })
        await caller.final('INVITE')
        caller.send('ACK')
      } else {
        conversation = await placed()
        const { message } = await peer.requests.next()
        assert.equal(message.method, 'ACK')
        // The peer moves to a name that nobody knows.
        caller.toTag = message.fromTag
        const update = caller
          .text('UPDATE', { contact: NOWHERE, fromTag: 'raw' })
          .replace(caller.callId, message.callId)
        assert.equal((await peer.ask(update, bob.party.endpoint.local.port)).statusCode, 200)
      }
      await conversation.events.first('call.answered')
      await conversation.call.hangup()
      const { by, cause, sipCode, reason } = await endOf(conversation)
      assert.deepEqual([by, cause, sipCode], ['error', 'failed', 503])
      assert.equal(reason, 'the BYE could not be sent: the name nowhere.example.com cannot be resolved')
    })
  }

  it('keeps the cause of an end that was not normal', async () => {
    const caller = new RawCaller(peer, { uri: bob.party.address, port: bob.party.endpoint.local.port })
    caller.send('INVITE', { body: SDP, contact: NOWHERE })
    const conversation = await bob.take({ ...flowRule, mode: 'answer' })
    await caller.final('INVITE')
    caller.send('ACK')
    await conversation.events.first('call.answered')
    await conversation.call.hangup({ failed: true, reason: 'the account was removed' })
    assert.equal((await endOf(conversation)).reason, 'the account was removed')
  })

  it('ends normally where the BYE was sent, though the peer answers with 481', async () => {
    const conversation = await placed()
    assert.equal((await peer.requests.next()).message.method, 'ACK')
    const ended = conversation.call.hangup()
    peer.answer(await peer.requests.next(), 481)
    await ended
    assert.equal((await endOf(conversation)).cause, 'normal')
  })

  for (const status of [406, 420, 421]) {
    it(`tells a refusal with ${status}`, async () => {
      const placing = bob.callTo({ uri: peer.uri, user: 'raw' })
      peer.answer(await peer.requests.next(), status)
      const { by, cause, sipCode, reason } = await endOf(await placing)
      assert.deepEqual([by, cause, sipCode, reason], ['remote', 'failed', status, 'Test'])
    })
  }
})
