import assert from 'node:assert/strict'
import type { OutgoingSubscription, SubscriptionEnd, UserAgentInit } from '../../../../src/sip/types.js'
import { MemoryWire, turn } from '../../../support/memory-wire.js'
import { requestText } from '../../../support/sip-messages.js'

const header = (text: string, name: string): string => new RegExp(`\\r\\n${name}: ([^\\r]*)`, 'i').exec(text)?.[1] ?? ''

describe('our subscription (RFC 6665 4.1)', () => {
  let wire: MemoryWire
  let told: string[]
  let end: SubscriptionEnd | undefined
  let ours: OutgoingSubscription
  let first: string
  let notifies: number

  function subscribe(init: { expiresSec?: number; eventId?: string; account?: Partial<UserAgentInit> } = {}): void {
    wire = new MemoryWire(init.account ? { account: init.account } : {})
    told = []
    end = undefined
    notifies = 0
    ours = wire.endpoint.agent.subscribe(
      {
        target: 'sip:peer@192.0.2.1:5060',
        sipCallId: 'subscription@test',
        event: 'presence',
        expiresSec: init.expiresSec ?? 600,
        ...(init.eventId === undefined ? {} : { eventId: init.eventId }),
      },
      {
        notified: ({ state }) => told.push(state.state),
        ended: (why) => {
          end = why
          told.push(`ended ${why.kind}`)
        },
      },
    )
    first = wire.last('SUBSCRIBE')
    wire.out.length = 0
  }

  afterEach(async () => {
    wire.endpoint.close()
    assert.equal(wire.endpoint.kept, 0)
  })

  const accept = async (expiresSec: number | '' = 600, request = first): Promise<void> => {
    wire.answer(request, 200, { headers: expiresSec === '' ? [] : [`Expires: ${expiresSec}`] })
    await turn()
  }

  /** Returns the status that it got. */
  async function notify(
    state: string,
    init: { tag?: string; event?: string; cseq?: number; toTag?: string; method?: string } = {},
  ): Promise<string> {
    const { tag = 'peer', event = 'presence', method = 'NOTIFY' } = init
    const number = init.cseq ?? ++notifies
    wire.out.length = 0
    wire.receive(
      requestText({
        method,
        uri: 'sip:user@192.0.2.2',
        via: `SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKn${notifies}${tag}${number}${event.length};rport`,
        callId: 'subscription@test',
        from: `<sip:peer@192.0.2.1>;tag=${tag}`,
        to: `<sip:user@192.0.2.2>;tag=${init.toTag ?? header(first, 'From').replace(/.*tag=/, '')}`,
        cseq: `${number} ${method}`,
        headers: [`Event: ${event}`, ...(state === '' ? [] : [`Subscription-State: ${state}`])],
      }),
    )
    await turn()
    return wire.out.find((text) => text.startsWith('SIP/2.0'))?.slice(8, 11) ?? ''
  }

  it('says the package, the time and where we are; the NOTIFY after the 2xx is taken (4.1.2.1, 4.1.3)', async () => {
    subscribe()
    assert.deepEqual([header(first, 'Event'), header(first, 'Expires')], ['presence', '600'])
    assert.match(header(first, 'Contact'), /^<sip:user@192\.0\.2\.2:5060>$/)
    await accept()
    assert.equal(await notify('pending;expires=600'), '200')
    assert.equal(await notify('active;expires=599'), '200')
    assert.deepEqual(told, ['pending', 'active'])
  })

  it('takes the NOTIFY that overtakes the 2xx (4.4.1)', async () => {
    subscribe()
    assert.equal(await notify('active;expires=600'), '200')
    await accept()
    assert.deepEqual(told, ['active'])
    ours.unsubscribe()
    assert.match(wire.last('SUBSCRIBE'), /\r\nCSeq: 2 SUBSCRIBE\r\n/)
  })

  it('refuses a NOTIFY of another fork, of another package, without a state, out of order', async () => {
    subscribe({ eventId: '7' })
    await accept()
    assert.equal(await notify('active', { event: 'presence' }), '489')
    assert.equal(await notify('active', { event: 'dialog;id=7' }), '489')
    assert.equal(await notify('', { event: 'presence;id=7' }), '400')
    assert.equal(await notify('active', { event: 'presence;id=7', cseq: 10 }), '200')
    assert.equal(await notify('active', { event: 'presence;id=7', tag: 'fork' }), '481')
    assert.equal(await notify('active', { event: 'presence;id=7', cseq: 9 }), '500')
    assert.deepEqual(told, ['active'])
  })

  it('a NOTIFY of a stranger gets 481, and nothing is kept of it', async () => {
    subscribe()
    await accept()
    assert.equal(await notify('active', { toTag: 'guessed' }), '481')
    assert.deepEqual(told, [])
  })

  it('refreshes at half to three quarters of the granted time, within the dialog', async () => {
    subscribe()
    await accept(100)
    await notify('active;expires=100')
    wire.out.length = 0
    wire.clock.advance(49_000)
    assert.deepEqual(wire.sent(), [])
    wire.clock.advance(27_000)
    const refresh = wire.last('SUBSCRIBE')
    assert.match(refresh, /\r\nTo: <[^>]*>;tag=peer\r\n/)
    assert.equal(header(refresh, 'CSeq'), '2 SUBSCRIBE')
    await accept(100, refresh)
    wire.out.length = 0
    wire.clock.advance(76_000)
    assert.equal(header(wire.last('SUBSCRIBE'), 'CSeq'), '3 SUBSCRIBE')
  })

  it('the notifier shortens the time with a NOTIFY (4.1.3)', async () => {
    subscribe()
    await accept(600)
    await notify('active;expires=600')
    await notify('active;expires=40')
    wire.out.length = 0
    wire.clock.advance(31_000)
    assert.ok(wire.last('SUBSCRIBE'))
  })

  it('423: asks for the time that the notifier wants, once (4.1.2.1)', async () => {
    subscribe({ expiresSec: 60 })
    wire.answer(first, 423, { headers: ['Min-Expires: 120'] })
    await turn()
    const again = wire.last('SUBSCRIBE')
    assert.deepEqual([header(again, 'Expires'), header(again, 'CSeq')], ['120', '2 SUBSCRIBE'])
    wire.answer(again, 423, { headers: ['Min-Expires: 240'] })
    await turn()
    assert.deepEqual(told, ['ended refused'])
  })

  it('accepted but never notified: ends after 64*T1 (4.1.2.4, Timer N)', async () => {
    subscribe()
    await accept()
    wire.clock.advance(31_999)
    assert.deepEqual(told, [])
    wire.clock.advance(1)
    assert.deepEqual(told, ['ended silent'])
  })

  for (const status of [481, 404, 489]) {
    it(`a refresh that gets ${status} ends it (4.1.2.2)`, async () => {
      subscribe()
      await accept(100)
      await notify('active;expires=100')
      wire.clock.advance(76_000)
      wire.answer(wire.last('SUBSCRIBE'), status)
      await turn()
      assert.ok(end?.kind === 'refused' && end.isRefresh && end.response.status === status)
    })
  }

  it('a refresh that gets 500 is tried again, and the subscription lasts until its time is over', async () => {
    subscribe()
    await accept(100)
    await notify('active;expires=100')
    wire.clock.advance(76_000)
    for (let n = 0; n < 12 && told.length < 2; n++) {
      if (wire.out.some((text) => text.startsWith('SUBSCRIBE'))) wire.answer(wire.last('SUBSCRIBE'), 500)
      await turn()
      wire.out.length = 0
      wire.clock.advance(5_000)
      await turn()
    }
    assert.deepEqual(told, ['active', 'ended expired'])
  })

  it('terminated: ends with the reason and the time to wait (4.1.3)', async () => {
    subscribe()
    await accept()
    await notify('active')
    assert.equal(await notify('terminated;reason=probation;retry-after=30'), '200')
    assert.deepEqual(end, { kind: 'terminated', reason: 'probation', retryAfterSec: 30 })
    assert.equal(await notify('active'), '481')
  })

  it('un-subscribes with Expires 0 and waits for the last NOTIFY (4.1.2.3)', async () => {
    subscribe()
    await accept()
    await notify('active')
    ours.unsubscribe()
    ours.unsubscribe()
    const leave = wire.last('SUBSCRIBE')
    assert.equal(header(leave, 'Expires'), '0')
    await accept(0, leave)
    assert.equal(end, undefined)
    assert.equal(await notify('terminated;reason=timeout'), '200')
    assert.deepEqual(end, { kind: 'unsubscribed' })
    wire.clock.advance(700_000)
    assert.deepEqual(
      wire.sent().filter((line) => line.startsWith('SUBSCRIBE')),
      [],
    )
  })

  it('un-subscribes as soon as there is a dialog if none had come', async () => {
    subscribe()
    await accept()
    ours.unsubscribe()
    assert.deepEqual(wire.sent(), [])
    await notify('active')
    assert.equal(header(wire.last('SUBSCRIBE'), 'Expires'), '0')
    assert.deepEqual(told, [])
    await accept(0, wire.last('SUBSCRIBE'))
    wire.clock.advance(32_000)
    assert.deepEqual(told, ['ended unsubscribed'])
  })

  it('Expires 0 fetches the state once (4.4.3)', async () => {
    subscribe({ expiresSec: 0 })
    await accept(0)
    await notify('terminated;reason=timeout')
    assert.deepEqual(told, ['terminated', 'ended fetched'])
  })

  it('answers a challenge, and the dialog goes on with the number that was used (RFC 3261 22.2)', async () => {
    subscribe()
    wire.credentials = [['Authorization', 'Digest x']]
    wire.answer(first, 401, { headers: ['WWW-Authenticate: Digest realm="r", nonce="n"'] })
    await turn()
    const again = wire.last('SUBSCRIBE')
    assert.equal(header(again, 'CSeq'), '2 SUBSCRIBE')
    await accept(100, again)
    await notify('active')
    wire.out.length = 0
    wire.clock.advance(76_000)
    assert.equal(header(wire.last('SUBSCRIBE'), 'CSeq'), '3 SUBSCRIBE')
  })

  it('refuses an event name that would write another line, before anything is sent', () => {
    subscribe()
    for (const event of ['a\r\nX: 1', '', 'a b', 'a;id=1'])
      assert.throws(
        () =>
          wire.endpoint.agent.subscribe(
            { target: 'sip:peer@192.0.2.1', sipCallId: 'x@y', event, expiresSec: 1 },
            { notified() {}, ended() {} },
          ),
        { code: 'BAD_ARGUMENT' },
      )
  })
})
