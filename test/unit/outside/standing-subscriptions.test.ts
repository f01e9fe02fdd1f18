import assert from 'node:assert/strict'
import { resolveTarget } from '../../../src/account/target.js'
import { TelephonyError } from '../../../src/base/errors.js'
import type { Place } from '../../../src/outside/places.js'
import type { SubscriptionEvent } from '../../../src/outside/protocol.js'
import { StandingSubscriptions } from '../../../src/outside/standing-subscriptions.js'
import type { SubscriptionEnd } from '../../../src/sip/types.js'
import { FakeClock } from '../../support/fake-clock.js'
import { FakeUserAgent, request, response } from '../../support/fake-user-agent.js'

describe('a subscription that is made again (RFC 6665 4.1.3)', () => {
  let clock: FakeClock
  let agent: FakeUserAgent
  let told: SubscriptionEvent[]
  let standing: StandingSubscriptions
  let isThere: boolean

  beforeEach(() => {
    clock = new FakeClock()
    agent = new FakeUserAgent()
    told = []
    isThere = true
    const target = (text: string) => resolveTarget(text, 'example.com')
    const place: Place = {
      userAgent: agent as unknown as Place['userAgent'],
      host: '192.0.2.1',
      aor: 'sip:alice@example.com',
      server: 'sip:example.com',
      exposed: [],
      target,
      allowedTarget: target,
    }
    standing = new StandingSubscriptions({
      clock,
      place: () => {
        if (!isThere) throw new TelephonyError('NO_ACCOUNT', 'gone')
        return place
      },
      tell: (event) => told.push(event),
    })
    standing.subscribe({ accountId: 'a', subscriptionId: 's', target: '1002', event: 'dialog' })
  })

  const made = (): number => agent.subscriptions.length
  const end = (how: SubscriptionEnd): void => agent.subscriptions.at(-1)?.handlers.ended(how)
  const terminated = (reason: string, retryAfterSec?: number): SubscriptionEnd => ({
    kind: 'terminated',
    reason,
    ...(retryAfterSec === undefined ? {} : { retryAfterSec }),
  })
  const refused = (status: number, isRefresh = false): SubscriptionEnd => ({
    kind: 'refused',
    response: response(status),
    isRefresh,
  })
  const lastEnd = () => told.findLast((event) => event.type === 'subscription.ended')

  for (const how of [terminated('deactivated'), terminated('timeout'), refused(481, true)]) {
    it(`at once: ${JSON.stringify({ ...how, response: undefined })}; a second time it waits`, () => {
      end(how)
      clock.advance(0)
      assert.equal(made(), 2)
      end(how)
      clock.advance(2_400)
      assert.equal(made(), 2, 'no loop')
      clock.advance(20_000)
      assert.equal(made(), 3)
    })
  }

  for (const how of [terminated('rejected'), terminated('noresource'), terminated('invariant'), refused(489)]) {
    it(`never: ${JSON.stringify({ ...how, response: undefined })}`, () => {
      end(how)
      assert.equal(lastEnd()?.type === 'subscription.ended' && lastEnd()?.retryAt, null)
      clock.advance(86_400_000)
      assert.equal(made(), 1)
      assert.equal(clock.pending, 0)
    })
  }

  it('not before the time that the notifier names', () => {
    end(terminated('probation', 60))
    clock.advance(59_000)
    assert.equal(made(), 1)
    clock.advance(1_000)
    assert.equal(made(), 2)
  })

  it('rarely after refused credentials', () => {
    end(refused(401))
    clock.advance(899_000)
    assert.equal(made(), 1)
    clock.advance(1_000)
    assert.equal(made(), 2)
  })

  it('waits for an account that is away, and goes on with it', () => {
    isThere = false
    end({ kind: 'closed' })
    clock.advance(60_000)
    assert.equal(made(), 1)
    isThere = true
    clock.advance(300_000)
    assert.equal(made(), 2)
  })

  it('after `unsubscribe` no more, during a wait as well', () => {
    end(refused(500))
    standing.unsubscribe('s')
    clock.advance(86_400_000)
    assert.deepEqual([made(), clock.pending], [1, 0])
  })

  it('the same id again replaces it', () => {
    standing.subscribe({ accountId: 'a', subscriptionId: 's', target: '1003', event: 'dialog' })
    assert.deepEqual([agent.subscriptions[0]?.isLeft, made()], [true, 2])
  })

  it('tells the state as an object, and null for a body that it cannot read', () => {
    const notify = (content: string) =>
      agent.subscriptions[0]?.handlers.notified({
        state: { state: 'active' },
        request: request('NOTIFY', { body: { contentType: 'application/dialog-info+xml', content } }),
      })
    notify('<dialog-info version="0" state="full" entity="sip:a@h"/>')
    notify('<dialog-info')
    const states = told.flatMap((event) => (event.type === 'subscription.notify' ? [event.state] : []))
    assert.deepEqual(states, [{ entity: 'sip:a@h', line: 'idle', dialogs: [] }, null])
    assert.deepEqual(told[0]?.type, 'subscription.active')
  })

  it('refuses a header of the protocol and a time that is not valid', () => {
    const more = { accountId: 'a', target: '1', event: 'dialog' }
    assert.throws(() => standing.subscribe({ ...more, headers: { Event: 'x' } }), { code: 'BAD_HEADER' })
    assert.throws(() => standing.subscribe({ ...more, expiresSec: -1 }), { code: 'BAD_ARGUMENT' })
  })
})
