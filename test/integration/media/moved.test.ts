import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { MediaService, MediaSession } from '../../../src/media/client.js'
import { measureTone } from '../../support/audio.js'
import { connect, digits, LOOPBACK_PORTS, mediaPair } from '../../support/media-pair.js'

const NEW = { ...LOOPBACK_PORTS, address: '127.0.0.2' }

describe('media: a call moves to another local address', () => {
  let service: MediaService
  let a: MediaSession
  let b: MediaSession
  let folder: string

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ringflow-media-'))
    const pair = await mediaPair()
    ;({ service, a, b } = pair)
    await Promise.all([pair.started.a, pair.started.b])
  })

  afterEach(() => service.close())

  it('plays, recordings, digits and figures go on, and the peer hears one stream', async () => {
    const heardByA = await a.record(join(folder, 'a.wav'))
    const playing = a.play({ kind: 'tone', hz: [1000], durationMs: 1500, levelDbfs: -13 })
    const before = await b.stats()
    const { port } = a.local
    await a.moveTo(NEW)
    assert.equal(a.local.host, NEW.address)
    await connect(b, a)
    assert.deepEqual(await playing.ended, { ended: 'finished', playedMs: 1500 })
    const pressed = digits(b, 2)
    assert.equal(await a.sendDigits('19'), 'finished')
    assert.equal(await pressed, '19')
    await b.play({ kind: 'tone', hz: [425], durationMs: 600, levelDbfs: -13 }).ended
    await heardByA.stop()
    assert.ok(measureTone(join(folder, 'a.wav'), 425).share >= 0.95)
    const after = await b.stats()
    assert.ok(after.packetsReceived > before.packetsReceived + 75)
    // Packets sent in between came from an address that b did not know yet.
    assert.ok(after.packetsLost < 25, `${after.packetsLost} lost: one stream, its sequence going on`)
    const next = await service.open({ ...LOOPBACK_PORTS, id: 'next', portMin: port, portMax: port + 1 })
    assert.equal(next.local.port, port, 'the ports that the call has left are free for the next one')
  })

  it('to an address that is not ours: TRANSPORT, and nothing has changed', async () => {
    const local = { ...a.local }
    await assert.rejects(a.moveTo({ ...NEW, address: '192.0.2.1' }), { code: 'TRANSPORT' })
    assert.deepEqual(a.local, local)
    const before = await a.stats()
    await a.play({ kind: 'tone', hz: [1000], durationMs: 200, levelDbfs: -13 }).ended
    assert.ok((await a.stats()).packetsReceived > before.packetsReceived)
  })

  it('of a call that has ended: CLOSED', async () => {
    const closed = a.close()
    await assert.rejects(a.moveTo(NEW), { code: 'CLOSED' })
    await closed
  })
})
