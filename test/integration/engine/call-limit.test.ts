/** Parallel calls at the account's limit: exactly the allowed number gets through, in both directions. */
import assert from 'node:assert/strict'
import { startLocalEngine } from '../../../src/engine/client.js'
import type { Engine } from '../../../src/engine/protocol.js'
import { ANSWER, BY_FLOW, engineInit, Heard, loopbackAccount, twoAccounts } from '../../support/engine-pair.js'

const LIMIT = 5
const TRIES = 12

describe(`an account that may have ${LIMIT} calls at once`, () => {
  let engine: Engine
  let heard: Heard
  let callee: string
  let limited: string

  beforeEach(async () => {
    engine = await startLocalEngine(engineInit())
    heard = new Heard(engine)
    const { target } = await twoAccounts(engine, ANSWER)
    callee = target
    const { local } = await engine.call('setAccount', loopbackAccount('limited', { maxCalls: LIMIT }))
    await engine.call('setInbound', { accountId: 'limited', rule: ANSWER })
    limited = `sip:limited@${local.host}:${local.port}`
  })

  afterEach(() => engine.close())

  const codeOf = (error: unknown) => (error as { code: string }).code
  const dial = (accountId: string, target: string) => engine.call('dial', { accountId, target })
  const ofLimited = async () => (await engine.call('calls', null)).filter(({ account }) => account.id === 'limited')

  /** The outcome of calls that were all placed at the same moment. */
  async function outcomes(callIds: string[]): Promise<string[]> {
    const outcome = (callId: string) =>
      Promise.race([
        heard.next('call.answered', (event) => event.callId === callId).then(() => 'answered'),
        heard.next('call.ended', (event) => event.callId === callId).then(({ end }) => `${end.cause} ${end.sipCode}`),
      ])
    return (await Promise.all(callIds.map(outcome))).sort()
  }

  it(`places ${LIMIT} of ${TRIES}, the others are refused here (CALL_LIMIT), and a place that becomes free is used`, async () => {
    const placed = await Promise.allSettled(Array.from({ length: TRIES }, () => dial('limited', callee)))
    const callIds = placed.flatMap((result) => (result.status === 'fulfilled' ? [result.value.callId] : []))
    const refused = placed.flatMap((result) => (result.status === 'rejected' ? [codeOf(result.reason)] : []))
    assert.deepEqual(refused, Array(TRIES - LIMIT).fill('CALL_LIMIT'))
    assert.deepEqual(await outcomes(callIds), Array(LIMIT).fill('answered'))
    assert.equal((await ofLimited()).length, LIMIT)
    const [first = ''] = callIds
    await engine.call('hangup', { callId: first })
    const { callId } = await dial('limited', callee)
    assert.deepEqual(await outcomes([callId]), ['answered'])
    await assert.rejects(dial('limited', callee), { code: 'CALL_LIMIT' })
    console.log(`      outbound calls at a limit of ${LIMIT}: ${callIds.length} of ${TRIES} placed (${LIMIT})`)
  })

  it(`takes ${LIMIT} of ${TRIES}, the others get 486, and a place that becomes free is used`, async () => {
    const placed = await Promise.all(Array.from({ length: TRIES }, () => dial('caller', limited)))
    const ids = placed.map(({ callId }) => callId)
    assert.deepEqual(await outcomes(ids), [...Array(LIMIT).fill('answered'), ...Array(TRIES - LIMIT).fill('busy 486')])
    assert.equal((await ofLimited()).length, LIMIT)
    console.log(
      `      inbound calls at a limit of ${LIMIT}: ${(await ofLimited()).length} of ${TRIES} taken (${LIMIT})`,
    )
    const [one] = await ofLimited()
    await engine.call('hangup', { callId: one?.id ?? '' })
    const { callId } = await dial('caller', limited)
    assert.deepEqual(await outcomes([callId]), ['answered'])
  })

  it('counts both directions together, calls that ring as well', async () => {
    await engine.call('setInbound', { accountId: 'limited', rule: BY_FLOW })
    const ringing = await Promise.all(Array.from({ length: 3 }, () => dial('caller', limited)))
    for (const { callId } of ringing) await heard.next('call.ringing', (event) => event.callId === callId)
    const placed = await Promise.all([dial('limited', callee), dial('limited', callee)])
    assert.deepEqual(await outcomes(placed.map(({ callId }) => callId)), ['answered', 'answered'])
    await assert.rejects(dial('limited', callee), { code: 'CALL_LIMIT' })
    assert.deepEqual(await outcomes([(await dial('caller', limited)).callId]), ['busy 486'])
    const [cancelled] = ringing
    await engine.call('hangup', { callId: cancelled?.callId ?? '' })
    await heard.next('call.ended', (event) => event.call.account.id === 'limited' && event.end.cause === 'cancelled')
    assert.deepEqual(await outcomes([(await dial('limited', callee)).callId]), ['answered'])
  })
})
