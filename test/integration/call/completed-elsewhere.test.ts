/** Another telephone took the call (RFC 3326): a cause of its own, by whichever way it is said. */
import assert from 'node:assert/strict'
import type { MediaService } from '../../../src/media/client.js'
import { openForEachTest, startMediaForAllTests } from '../../support/each-test.js'
import { RawPeer } from '../../support/raw-peer.js'
import { requestText, SDP } from '../../support/sip-messages.js'
import { Telephone } from '../../support/telephone.js'

const SIP = 'SIP;cause=200;text="Call completed elsewhere"'
const Q850 = 'Q.850;cause=16'

describe('a call that another telephone took', () => {
  let media: MediaService
  let bob: Telephone
  let peer: RawPeer

  startMediaForAllTests((started) => {
    media = started
  })
  openForEachTest(
    () => Promise.all([Telephone.open('bob', media, { exposeHeaders: ['X-Queue', 'Reason'] }), RawPeer.open()]),
    (...opened) => {
      ;[bob, peer] = opened
    },
  )

  const text = (method: string, headers: readonly string[], parts: Parameters<typeof requestText>[0] = {}): string =>
    requestText({
      method,
      uri: bob.party.address,
      via: peer.via('c'),
      headers,
      cseq: `314159 ${method}`,
      ...parts,
    })

  for (const [name, headers] of [
    ['in the first line', [`Reason: ${SIP}`, `Reason: ${Q850}`]],
    ['in the second line', [`Reason: ${Q850}`, `Reason: ${SIP}`]],
    ['as the second value of a line', [`Reason: ${Q850};text="a, b", ${SIP}`]],
    ['without text', ['Reason: SIP ;cause=200']],
  ] as const) {
    it(`is told so by a CANCEL: ${name}`, async () => {
      const taken = bob.take()
      peer.send(text('INVITE', [], { body: SDP }), bob.party.endpoint.local.port)
      const { call, events } = await taken
      peer.send(text('CANCEL', headers), bob.party.endpoint.local.port)
      const end = await call.ended
      assert.deepEqual([end.by, end.cause, end.sipCode], ['remote', 'completed-elsewhere', 487])
      assert.match(end.reason, /SIP ?;cause=200/)
      const { cdr } = await events.first('call.ended')
      assert.deepEqual([cdr.cause, cdr.reason], ['completed-elsewhere', end.reason])
    })
  }

  it('is not what a CANCEL with other reasons says', async () => {
    const taken = bob.take()
    peer.send(text('INVITE', [], { body: SDP }), bob.party.endpoint.local.port)
    const { call } = await taken
    peer.send(text('CANCEL', [`Reason: ${Q850}`, 'Reason: SIP;cause=487']), bob.party.endpoint.local.port)
    const { cause, reason } = await call.ended
    assert.deepEqual([cause, reason], ['cancelled', `${Q850}, SIP;cause=487`])
  })

  it('reaches the telephone that our call rings, and sets the cause of our end', async () => {
    const calling = bob.call({ party: { address: peer.uri, user: 'raw' } } as Telephone)
    const invite = await peer.requests.next()
    peer.answer(invite, 180)
    const { call, events } = await calling
    await events.first('call.ringing')
    const hungUp = call.hangup({ elsewhere: true })
    const cancel = await peer.requests.next()
    assert.deepEqual([cancel.message.method, cancel.message.getHeaders('reason')], ['CANCEL', [SIP]])
    peer.answer(cancel, 200, { contact: false })
    peer.answer(invite, 487)
    await hungUp
    const { cause, by } = (await events.first('call.ended')).end
    assert.deepEqual([by, cause], ['local', 'completed-elsewhere'])
  })

  it('is nothing that a call which was answered can end with', async () => {
    const calling = bob.call({ party: { address: peer.uri, user: 'raw' } } as Telephone)
    peer.answer(await peer.requests.next(), 200, { body: SDP, headers: [] })
    const { call, events } = await calling
    await events.first('call.answered')
    await peer.requests.next() // ACK
    const hungUp = call.hangup({ elsewhere: true })
    peer.answer(await peer.requests.next(), 200, { contact: false })
    await hungUp
    assert.equal((await call.ended).cause, 'normal')
  })

  for (const status of [487, 603]) {
    it(`is read from the ${status} that answers our call`, async () => {
      const calling = bob.call({ party: { address: peer.uri, user: 'raw' } } as Telephone)
      const invite = await peer.requests.next()
      peer.answer(invite, status, { headers: [`Reason: ${Q850}`, `Reason: ${SIP}`, 'X-Queue: a', 'X-Queue: b, c'] })
      const { call, events } = await calling
      const end = await call.ended
      assert.deepEqual([end.by, end.cause, end.sipCode], ['remote', 'completed-elsewhere', status])
      // All lines of a header are exposed, not the first one only.
      const { headers } = (await events.first('call.ended')).call
      assert.deepEqual(headers, { 'X-Queue': 'a, b, c', Reason: `${Q850}, ${SIP}` })
    })
  }
})
