/** The end of a call by itself: what is decided, what is reported, and how long its media is waited for. */
import assert from 'node:assert/strict'
import { deferred } from '../../../src/base/deferred.js'
import { silentLogger } from '../../../src/base/logger.js'
import type { CallEnd } from '../../../src/call/call-event.js'
import { Ending } from '../../../src/call/ending.js'
import { MediaLink, type MediaLinkHost } from '../../../src/call/media-link.js'
import { FakeClock } from '../../support/fake-clock.js'
import { FakeMedia, someStats } from '../../support/fake-media.js'
import { account } from './call-fixture.js'

const NORMAL: CallEnd = { by: 'local', cause: 'normal', sipCode: null, reason: 'hung up' }
const BUSY: CallEnd = { by: 'remote', cause: 'busy', sipCode: 486, reason: 'Busy Here' }

const run = (ending: Ending, decision: CallEnd, status: number | null = null) =>
  ending.run({ clock: new FakeClock(), log: silentLogger }, decision, {
    leave: async () => status,
    closeMedia: async () => someStats,
    unknownHost: () => undefined,
  })

describe('Ending', () => {
  it('has one decision, the first', () => {
    const ending = new Ending()
    assert.deepEqual([ending.isDecided, ending.decide(NORMAL), ending.decide(BUSY)], [false, true, false])
    assert.ok(ending.isDecided)
  })

  it('has the status of the decision, or else that of the last response', async () => {
    assert.equal((await run(new Ending(), BUSY, 487)).end.sipCode, 486)
    assert.equal((await run(new Ending(), NORMAL, 487)).end.sipCode, 487)
  })

  it('that seemed normal is a failure if the BYE could not be sent; any other one stays what it was', async () => {
    const ending = new Ending()
    ending.unsent(`no way to ${'x'.repeat(1_000)}`)
    const { end } = await run(ending, NORMAL)
    assert.deepEqual([end.by, end.cause, end.sipCode, end.reason.length], ['error', 'failed', 503, 256])
    assert.deepEqual((await run(ending, BUSY)).end, BUSY)
  })

  it('is told to those who waited, and to those who come after it', async () => {
    const ending = new Ending()
    const waiting = ending.reported
    ending.report(BUSY)
    assert.deepEqual(await Promise.all([waiting, ending.reported]), [BUSY, BUSY])
    assert.ok(ending.isReported)
  })
})

describe('MediaLink', () => {
  function link(media: FakeMedia, host: { ending: boolean }): MediaLink {
    const lookup = async (): Promise<never> => {
      throw new Error('no name is looked up here')
    }
    const whole = { id: 'call', account, ...host } as unknown as MediaLinkHost
    Object.defineProperty(whole, 'ending', { get: () => host.ending })
    return new MediaLink({ media, lookup: { resolve: lookup } as never }, whole, {
      codecs: ['PCMA'],
      latest: () => undefined,
    })
  }

  it('that closes while its media is being opened is closed when the port is free again', async () => {
    const media = new FakeMedia()
    const gate = deferred<void>()
    media.openGate = gate.promise
    const host = { ending: false }
    const joined = link(media, host)
    const opening = joined.open()
    const refused = assert.rejects(opening, { code: 'CALL_ENDED' })
    host.ending = true
    let closed = false
    const closing = joined.close().then((stats) => {
      closed = true
      assert.equal(stats, null)
    })
    await new Promise(setImmediate)
    assert.equal(closed, false)
    gate.resolve()
    await refused
    await closing
    assert.deepEqual([media.sessions.length, media.openSessions], [1, 0])
  })

  it('opens its media once, and has none to close if that failed', async () => {
    const media = new FakeMedia()
    const joined = link(media, { ending: false })
    assert.equal(await joined.open(), await joined.open())
    assert.equal(media.sessions.length, 1)
    assert.equal(await joined.close(), media.sessions[0]?.figures)
    assert.equal(await link(new FakeMedia(), { ending: false }).close(), null)
  })
})
