import assert from 'node:assert/strict'
import type { SipDialog } from '../../../../src/sip/types.js'
import { MemoryWire, turn } from '../../../support/memory-wire.js'
import { SDP } from '../../../support/sip-messages.js'
import { OFFER } from '../../../support/sip-parties.js'

const CHALLENGES = [
  [401, 'WWW-Authenticate', 'Authorization'],
  [407, 'Proxy-Authenticate', 'Proxy-Authorization'],
] as const

const lineOf = (text: string, name: string): string | undefined =>
  text.split('\r\n').find((line) => line.startsWith(`${name}: `))

const without = (text: string, ...names: string[]): string[] =>
  text.split('\r\n').filter((line) => !names.some((name) => line.startsWith(`${name}: `)))

describe('a request that is sent again', () => {
  let wire: MemoryWire

  beforeEach(() => {
    wire = new MemoryWire()
  })

  for (const [status, challenge, answer] of CHALLENGES) {
    const headers = [`${challenge}: Digest realm="r", nonce="n"`]

    /** The request and the one that follows the challenge, which differ in Via, CSeq and credentials only. */
    const challenged = async (method: string): Promise<string> => {
      await turn()
      const first = wire.last(method)
      wire.credentials = [[answer, 'Digest x']]
      wire.out.length = 0
      wire.answer(first, status, { headers })
      await turn()
      const second = wire.last(method)
      assert.deepEqual(without(second, 'Via', 'CSeq', answer), without(first, 'Via', 'CSeq'))
      assert.equal(lineOf(second, answer), `${answer}: Digest x`)
      assert.notEqual(lineOf(second, 'Via'), lineOf(first, 'Via'))
      const numberOf = (text: string): number => Number(/^CSeq: (\d+)/.exec(lineOf(text, 'CSeq') ?? '')?.[1])
      assert.equal(numberOf(second), numberOf(first) + 1)
      return second
    }

    it(`${status}: INVITE; the ACK to its 2xx has its number and credentials, the ACK of a fork and repeats too`, async () => {
      let dialog: SipDialog | undefined
      const answered = (made: SipDialog): void => {
        dialog = made
      }
      const handlers = { progress() {}, answered, failed: () => assert.fail('the call failed') }
      const init = { target: 'sip:peer@192.0.2.1', body: OFFER, sipCallId: 'call@test' }
      const invite = wire.endpoint.agent.invite(init, handlers)
      const second = await challenged('INVITE')
      assert.equal(lineOf(wire.last('ACK'), answer), undefined, 'the ACK to a failure has none')
      assert.equal(invite.cseq, 2)
      wire.out.length = 0
      wire.answer(second, 200, { body: SDP })
      await turn()
      const ack = wire.last('ACK')
      assert.deepEqual([lineOf(ack, answer), lineOf(ack, 'CSeq')], [`${answer}: Digest x`, 'CSeq: 2 ACK'])
      wire.out.length = 0
      wire.answer(second, 200, { body: SDP })
      await turn()
      assert.deepEqual(wire.out, [ack], 'the same octets')
      wire.out.length = 0
      const fork = second.replace(/(\r\nTo: [^\r]*)/, '$1;tag=fork')
      wire.answer(fork, 200, { body: SDP })
      await turn()
      assert.equal(lineOf(wire.last('ACK'), answer), `${answer}: Digest x`)
      assert.match(lineOf(wire.last('BYE'), 'CSeq') ?? '', /^CSeq: 3 /)
      assert.ok(dialog)
      wire.endpoint.close()
    })

    it(`${status}: re-INVITE; the ACK to its 2xx has its number and credentials`, async () => {
      const dialog = await wire.placed()
      const reinvite = dialog.reinvite(OFFER)
      const second = await challenged('INVITE')
      wire.out.length = 0
      wire.answer(second, 200, { body: SDP })
      assert.equal((await reinvite).status, 200)
      const ack = wire.last('ACK')
      assert.deepEqual([lineOf(ack, answer), lineOf(ack, 'CSeq')], [`${answer}: Digest x`, 'CSeq: 3 ACK'])
      wire.endpoint.close()
    })

    it(`${status}: requests within and outside of a dialog`, async () => {
      const dialog = await wire.placed()
      const info = dialog.request('INFO', { body: { contentType: 'text/plain', content: 'x' } })
      wire.answer(await challenged('INFO'), 200)
      assert.equal((await info).status, 200)
      wire.credentials = undefined
      const init = { method: 'OPTIONS', target: 'sip:peer@192.0.2.1', sipCallId: 'o@test', cseq: 5 }
      const options = wire.endpoint.agent.request(init)
      wire.answer(await challenged('OPTIONS'), 200)
      const { response, cseq } = await options
      assert.deepEqual([response.status, cseq], [200, 6])
      wire.endpoint.close()
    })

    it(`${status}: without credentials it is the final answer`, async () => {
      const dialog = await wire.placed()
      const reinvite = dialog.reinvite(OFFER)
      await turn()
      wire.answer(wire.last('INVITE'), status, { headers })
      assert.equal((await reinvite).status, status)
      const next = dialog.reinvite(OFFER)
      await turn()
      wire.answer(wire.last('INVITE'), 488)
      assert.equal((await next).status, 488, 'the next re-INVITE may leave')
      wire.endpoint.close()
    })
  }
})
