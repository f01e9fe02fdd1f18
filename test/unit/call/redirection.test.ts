import assert from 'node:assert/strict'
import { TelephonyError } from '../../../src/base/errors.js'
import { placeCall } from '../../../src/call/call.js'
import { contactsOf, Redirections } from '../../../src/call/redirection.js'
import type { SipUri } from '../../../src/sip/uri/sip-uri.js'
import { response, sdpBody } from '../../support/fake-user-agent.js'
import { uriOf } from '../../support/uri.js'
import { account, peerSdp, World } from './call-fixture.js'

const FIRST = 'sip:bob@example.com'
const moved = (...contacts: string[]) => response(302, { headers: { Contact: contacts.join(', ') }, reason: 'Moved' })

async function called(redirect?: (uri: string) => { uri: SipUri }) {
  const world = new World()
  const call = await placeCall(world.deps, {
    account,
    owner: null,
    target: { uri: uriOf(FIRST), user: 'bob' },
    ringTimeoutMs: 30_000,
    onEvent: world.onEvent,
    ...(redirect ? { redirect } : {}),
  })
  const targets = () => world.userAgent.invites.map(({ init }) => String(init.target))
  const failed = (with_: ReturnType<typeof response>) => world.userAgent.invites.at(-1)?.handlers.failed(with_)
  return Object.assign(world, { call, targets, failed })
}

const anywhere = (uri: string) => ({ uri: uriOf(uri) })

describe('redirected call', () => {
  it('goes to the new address within the same call: one Call-ID, the same To and offer, one CDR', async () => {
    const { call, userAgent, targets, failed, events, types } = await called(anywhere)
    failed(moved('<sip:carol@192.0.2.7>'))
    assert.deepEqual(targets(), [FIRST, 'sip:carol@192.0.2.7'])
    const [first, second] = userAgent.invites
    assert.equal(String(second?.init.to), FIRST)
    assert.equal(second?.init.sipCallId, first?.init.sipCallId)
    assert.deepEqual(second?.init.body, first?.init.body)
    const dialog = second?.answer(sdpBody(peerSdp()))
    assert.equal(call.snapshot().state, 'answered')
    assert.equal(call.snapshot().to.uri, FIRST)
    await call.hangup()
    assert.equal(dialog?.byes, 1)
    assert.deepEqual(types, ['call.trying', 'call.answered', 'call.ended'])
    assert.equal(events.length, 3)
  })

  it('tries the targets in their order, the rest after one that fails; a 6xx ends it', async () => {
    const { targets, failed, call } = await called(anywhere)
    failed(moved('<sip:c@x>;q=0.1', '<sip:a@x>', '<sip:b@x>;q=0.5'))
    failed(response(486))
    failed(response(404))
    assert.deepEqual(targets(), [FIRST, 'sip:a@x', 'sip:b@x', 'sip:c@x'])
    failed(response(603))
    const end = await call.ended
    assert.deepEqual([end.cause, end.sipCode], ['rejected', 603])
    const early = await called(anywhere)
    early.failed(moved('<sip:a@x>', '<sip:b@x>'))
    early.failed(response(603))
    assert.equal((await early.call.ended).sipCode, 603)
    assert.equal(early.targets().length, 2)
  })

  it('ends as its last target answered when none is left', async () => {
    const { failed, call } = await called(anywhere)
    failed(moved('<sip:a@x>'))
    failed(response(486))
    const end = await call.ended
    assert.deepEqual([end.by, end.cause, end.sipCode], ['remote', 'busy', 486])
  })

  it('goes round no loop, and no further than five times', async () => {
    const loop = await called(anywhere)
    loop.failed(moved('<sip:a@x>'))
    loop.failed(moved(`<${FIRST}>`, '<SIP:a@X>'))
    assert.equal((await loop.call.ended).sipCode, 302)
    assert.equal(loop.targets().length, 2)
    const chain = await called(anywhere)
    for (let i = 0; i <= 5; i++) chain.failed(moved(`<sip:hop${i}@x>`))
    assert.equal((await chain.call.ended).sipCode, 302)
    assert.equal(chain.targets().length, 1 + 5)
  })

  it('asks whether the account may call there; what it may not is passed over', async () => {
    const asked: string[] = []
    const { targets, failed, call } = await called((uri) => {
      asked.push(uri)
      if (uri.includes('premium')) throw new TelephonyError('BAD_TARGET', 'blocked')
      return { uri: uriOf(uri) }
    })
    failed(moved('<sip:premium@x>', '<sip:ok@x>'))
    assert.deepEqual(targets(), [FIRST, 'sip:ok@x'])
    failed(moved('<sip:premium2@x>'))
    assert.deepEqual(asked, ['sip:premium@x', 'sip:ok@x', 'sip:premium2@x'])
    const end = await call.ended
    assert.deepEqual([end.cause, end.sipCode], ['failed', 302])
  })

  it('is not followed where the account does not want it, nor are 305 and 380', async () => {
    const unwilling = await called()
    unwilling.failed(moved('<sip:a@x>'))
    assert.deepEqual([(await unwilling.call.ended).sipCode, unwilling.targets().length], [302, 1])
    for (const status of [305, 380]) {
      const { failed, targets, call } = await called(anywhere)
      failed(response(status, { headers: { Contact: '<sip:a@x>' } }))
      assert.deepEqual([(await call.ended).sipCode, targets().length], [status, 1])
    }
  })

  it('is not followed after a hangup, and hangup cancels the target being tried', async () => {
    const { call, userAgent, failed, targets } = await called(anywhere)
    failed(moved('<sip:a@x>'))
    await call.hangup()
    assert.deepEqual(
      userAgent.invites.map(({ cancels }) => cancels),
      [0, 1],
    )
    assert.equal(targets().length, 2)
    const gone = await called(anywhere)
    if (gone.userAgent.invites[0]) gone.userAgent.invites[0].answersCancel = false
    const ended = gone.call.hangup()
    gone.failed(moved('<sip:a@x>'))
    await ended
    assert.equal(gone.targets().length, 1)
  })

  it('rings no longer than one call may: the time is not begun anew', async () => {
    const { call, clock, failed } = await called(anywhere)
    clock.advance(20_000)
    failed(moved('<sip:a@x>'))
    clock.advance(10_000)
    assert.equal((await call.ended).cause, 'no-answer')
  })
})

describe('contacts of a redirection', () => {
  const contacts = (...values: string[]) => contactsOf({ headers: () => values })

  it('are URIs by q, however they are written', () => {
    assert.deepEqual(contacts('"C, and D" <sip:c@x;transport=udp>;q=0.2, sip:a@x;q=0.9', '<sip:b@x?a=b,c>;q=0.5'), [
      'sip:a@x',
      'sip:b@x',
      'sip:c@x;transport=udp',
    ])
  })

  it('lose the headers and the method by which a peer would write our request; expired ones are left out', () => {
    const found = contacts(
      '<sip:a@x;method=BYE;maddr=192.0.2.7?Route=%3Csip:evil%3E&body=x>',
      '<sip:b@x>;expires=0',
      '<sip:c@x>;expires=60',
    )
    assert.deepEqual(found, ['sip:a@x;maddr=192.0.2.7', 'sip:c@x'])
  })

  it('that are not followed are in the end of the call, so that the flow can decide', async () => {
    const { call, failed } = await called()
    failed(moved('<sip:a@x>;q=0.1', '<sip:b@x?Subject=x>'))
    const { sipCode, contacts: told } = await call.ended
    assert.deepEqual([sipCode, told], [302, ['sip:b@x', 'sip:a@x']])
  })

  for (const status of [305, 380])
    it(`of a ${status} are told, not followed`, async () => {
      const { call, failed, targets } = await called(anywhere)
      failed(response(status, { headers: { Contact: '<sip:proxy.example.com>' } }))
      assert.deepEqual((await call.ended).contacts, ['sip:proxy.example.com'])
      assert.equal(targets().length, 1)
    })

  it('that are none are left out, and ten are enough', () => {
    assert.deepEqual(contacts('', '*', '<>', 'nonsense', '<sip:a@x>'), ['sip:a@x'])
    assert.equal(contacts(Array.from({ length: 40 }, (_, i) => `<sip:u${i}@x>`).join(',')).length, 10)
  })

  it('are tried once each', () => {
    const redirections = new Redirections('sip:a@x')
    redirections.add(['sip:a@X', 'sip:b@x', 'sip:b@x', 'sip:B@x'])
    assert.deepEqual([redirections.next(), redirections.next(), redirections.next()], ['sip:b@x', 'sip:B@x', undefined])
  })
})
