import assert from 'node:assert/strict'
import type { MediaStats, MediaTrouble } from '../../../src/media/protocol.js'
import { someStats } from '../../support/fake-media.js'
import { dialledAndAnswered, incomingAnswered } from './call-fixture.js'

const trouble: MediaTrouble = {
  reason: 'undecodable',
  text: 'the sound of the peer cannot be decoded',
  undecoded: [{ payloadType: 96, octets: 60, packets: 50 }],
  strangerSources: [],
}

describe('a call whose peer is not heard', () => {
  it('tells it while it lasts, in both directions', async () => {
    for (const scene of [await dialledAndAnswered(), await incomingAnswered()]) {
      scene.session.happen('trouble', trouble)
      assert.deepEqual(scene.last('call.media-trouble').trouble, trouble)
      const { length } = scene.types
      const ended = scene.call.hangup()
      scene.session.happen('trouble', trouble)
      await ended
      assert.deepEqual(scene.types.slice(length), ['call.ended'], 'not while it ends')
    }
  })

  for (const heard of ['undecodable', 'other-source'] as const) {
    it(`says so at its end and in its record: ${heard}`, async () => {
      const { call, session, last } = await answeredWith({
        heard,
        mos: null,
        undecodedPackets: 5,
        strangerPackets: 815,
        strangerSources: [
          { address: '192.0.2.5:51234', packets: 812 },
          { address: '[2001:db8::1]:4000', packets: 3 },
        ],
      })
      await call.hangup()
      assert.ok(session.closed)
      const { end, cdr, call: snapshot } = last()
      assert.equal(end.mediaTrouble, heard)
      assert.equal(snapshot.end?.mediaTrouble, heard)
      assert.deepEqual(
        [cdr.heard, cdr.mos, cdr.undecodedPackets, cdr.strangerPackets, cdr.strangerSources],
        [heard, null, 5, 815, '192.0.2.5:51234=812;[2001:db8::1]:4000=3'],
      )
    })
  }

  for (const heard of ['sound', 'silence', 'nothing', 'not-owed'] as const) {
    it(`has no trouble at its end where packets are not the reason: ${heard}`, async () => {
      const { call, last } = await answeredWith({ heard })
      await call.hangup()
      assert.equal('mediaTrouble' in last().end, false)
      assert.equal(last().cdr.heard, heard)
    })
  }
})

async function answeredWith(figures: Partial<MediaStats>) {
  const scene = await dialledAndAnswered()
  scene.session.figures = { ...someStats, ...figures }
  return { ...scene, session: scene.session, last: () => scene.last('call.ended') }
}
