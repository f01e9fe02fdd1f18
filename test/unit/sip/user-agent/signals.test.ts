import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import type { FinalResponse, SipDialog } from '../../../../src/sip/types.js'
import { MemoryWire, turn } from '../../../support/memory-wire.js'
import { SDP } from '../../../support/sip-messages.js'
import { OFFER } from '../../../support/sip-parties.js'

const LOCAL = (reason: string): FinalResponse => ({ status: 503, reason, local: true })

describe('AbortSignal of an operation', () => {
  let wire: MemoryWire
  let dialog: SipDialog
  let controller: AbortController

  beforeEach(async () => {
    wire = new MemoryWire()
    dialog = await wire.placed()
    controller = new AbortController()
  })

  /** Each kind of operation, and the method that it sends. */
  const OPERATIONS: Record<string, (signal: AbortSignal) => Promise<FinalResponse>> = {
    OPTIONS: async (signal) => {
      const request = { method: 'OPTIONS', target: 'sip:peer@192.0.2.1', sipCallId: 'options@test', cseq: 1, signal }
      return (await wire.endpoint.agent.request(request)).response
    },
    INFO: (signal) => dialog.request('INFO', { signal }),
    UPDATE: (signal) => dialog.update(OFFER, { signal }),
    INVITE: (signal) => dialog.reinvite(OFFER, { signal }),
  }

  const ended = async (): Promise<void> => {
    wire.endpoint.close()
    await turn()
    assert.equal(getEventListeners(controller.signal, 'abort').length, 0, 'no listener stays')
    await wire.assertNothingLeft()
  }

  for (const [method, begin] of Object.entries(OPERATIONS)) {
    describe(method, () => {
      it('aborted before: nothing is sent', async () => {
        controller.abort('too late')
        assert.deepEqual(await begin(controller.signal), LOCAL('too late'))
        assert.deepEqual(wire.sent(), [])
        await ended()
      })

      it('aborted while it waits: the wait ends at once, and the answer that comes later has no effect', async () => {
        const response = begin(controller.signal)
        await turn()
        controller.abort('not wanted')
        assert.deepEqual(await response, LOCAL('not wanted'))
        wire.answer(wire.last(method), 481)
        await turn()
        assert.deepEqual(
          wire.out.filter((text) => text.startsWith('BYE')),
          [],
          'the call lives on',
        )
        await ended()
      })

      it('aborted after its answer: nothing happens', async () => {
        const response = begin(controller.signal)
        await turn()
        wire.answer(wire.last(method), 200, { body: method === 'INVITE' ? SDP : '' })
        assert.equal((await response).status, 200)
        wire.out.length = 0
        controller.abort('too late')
        await turn()
        assert.deepEqual(wire.sent(), [])
        assert.equal((await response).status, 200)
        await ended()
      })

      it('a reason that is not a text has a usual one', async () => {
        const response = begin(controller.signal)
        controller.abort()
        assert.deepEqual(await response, LOCAL('the request was given up'))
        await ended()
      })
    })
  }

  it('ends a request that waits for the address of its host', async () => {
    wire = new MemoryWire({ resolve: () => new Promise(() => {}) })
    const { signal } = controller
    const request = { method: 'OPTIONS', target: 'sip:peer@host.example', sipCallId: 'o@test', cseq: 1, signal }
    const response = wire.endpoint.agent.request(request)
    controller.abort('gone')
    assert.deepEqual((await response).response, { ...LOCAL('gone'), unsent: true })
    await wire.assertNothingLeft()
  })

  describe('re-INVITE', () => {
    it('is cancelled when the peer has said that it is at work, and its 487 is acknowledged (RFC 3261 9.1)', async () => {
      const response = dialog.reinvite(OFFER, { signal: controller.signal })
      await turn()
      const invite = wire.last('INVITE')
      controller.abort()
      await response
      assert.ok(!wire.out.some((text) => text.startsWith('CANCEL')), 'no CANCEL before a provisional response')
      wire.answer(invite, 100)
      const cancel = wire.last('CANCEL')
      wire.answer(invite, 183)
      assert.equal(wire.out.filter((text) => text.startsWith('CANCEL')).length, 1)
      wire.answer(cancel, 200)
      wire.answer(invite, 487)
      assert.match(wire.last('ACK'), /CSeq: 2 ACK/)
      await ended()
    })

    it('whose 2xx crosses the CANCEL is acknowledged, each time, and the call lives on', async () => {
      const response = dialog.reinvite(OFFER, { signal: controller.signal })
      await turn()
      const invite = wire.last('INVITE')
      wire.answer(invite, 100)
      controller.abort()
      await response
      assert.ok(wire.last('CANCEL'))
      for (let n = 0; n < 2; n++) {
        wire.out.length = 0
        wire.answer(invite, 200, { body: SDP })
        await turn()
        assert.deepEqual(
          wire.sent().map((line) => line.split(' ')[0]),
          ['ACK'],
        )
      }
      await ended()
    })

    it('has to have its answer before another one may leave (14.1)', async () => {
      const first = dialog.reinvite(OFFER, { signal: controller.signal })
      await turn()
      const invite = wire.last('INVITE')
      controller.abort()
      await first
      await assert.rejects(dialog.reinvite(OFFER), { code: 'WRONG_STATE' })
      wire.answer(invite, 491)
      const next = dialog.reinvite(OFFER)
      await turn()
      wire.answer(wire.last('INVITE'), 488)
      assert.equal((await next).status, 488)
      await ended()
    })

    it('asks for no credentials after the abort', async () => {
      wire.credentials = [['Proxy-Authorization', 'Digest x']]
      const response = dialog.reinvite(OFFER, { signal: controller.signal })
      await turn()
      const invite = wire.last('INVITE')
      controller.abort()
      await response
      wire.out.length = 0
      wire.answer(invite, 407, { headers: ['Proxy-Authenticate: Digest realm="p", nonce="n"'] })
      await turn()
      assert.deepEqual(
        wire.sent().map((line) => line.split(' ')[0]),
        ['ACK'],
      )
      await ended()
    })

    it('does not leave any more if it was aborted while its connection was being opened', async () => {
      let open = (): void => {}
      const opened = new Promise<void>((resolve) => {
        open = resolve
      })
      wire = new MemoryWire({ connect: () => opened })
      dialog = await wire.placed()
      const large = { ...OFFER, content: OFFER.content + 'a=x\r\n'.repeat(500) }
      const response = dialog.reinvite(large, { signal: controller.signal })
      await turn()
      controller.abort('not wanted')
      assert.deepEqual(await response, LOCAL('not wanted'))
      open()
      await turn()
      assert.deepEqual(wire.sent(), [])
      const next = dialog.reinvite(OFFER)
      await turn()
      wire.answer(wire.last('INVITE'), 488)
      assert.equal((await next).status, 488)
      await ended()
    })

    it('may be aborted while it waits for the ACK to our 2xx', async () => {
      const call = wire.taken({ ack: false })
      const response = call.reinvite(OFFER, { signal: controller.signal })
      await turn()
      controller.abort('not wanted')
      assert.deepEqual(await response, LOCAL('not wanted'))
      assert.deepEqual(wire.sent(), [])
      await ended()
    })
  })
})
