import assert from 'node:assert/strict'
import type { IncomingSubscription, Notifier } from '../../../../src/sip/types.js'
import { MemoryWire, turn } from '../../../support/memory-wire.js'
import { requestText } from '../../../support/sip-messages.js'

const header = (text: string, name: string): string => new RegExp(`\\r\\n${name}: ([^\\r]*)`, 'i').exec(text)?.[1] ?? ''

const STATE = { contentType: 'text/plain', content: 'open' }

describe('a peer’s subscription to our state (RFC 6665 4.2)', () => {
  let wire: MemoryWire
  let notifier: Notifier
  let told: string[]
  let take: (incoming: IncomingSubscription) => void
  let cseq: number

  beforeEach(() => {
    told = []
    cseq = 0
    wire = new MemoryWire()
    take = (incoming) => {
      notifier = incoming.accept({
        refreshed: () => told.push('refreshed'),
        ended: (why) => told.push(why),
      })
      notifier.notify(STATE)
    }
    wire.handlers.subscription = (incoming) => take(incoming)
  })

  afterEach(() => wire.endpoint.close())

  /** Returns the response. */
  async function subscribe(init: { expires?: string; event?: string; toTag?: string } = {}): Promise<string> {
    const { event = 'presence', expires = '600', toTag } = init
    wire.out.length = 0
    const lines = [...(event === '' ? [] : [`Event: ${event}`]), ...(expires === '' ? [] : [`Expires: ${expires}`])]
    wire.receive(
      requestText({
        method: 'SUBSCRIBE',
        uri: 'sip:user@192.0.2.2',
        via: `SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKs${++cseq};rport`,
        callId: 'theirs@test',
        to: `<sip:user@192.0.2.2>${toTag ? `;tag=${toTag}` : ''}`,
        cseq: `${cseq} SUBSCRIBE`,
        headers: lines,
      }),
    )
    await turn()
    return wire.out.find((text) => text.startsWith('SIP/2.0')) ?? ''
  }

  const tagOf = (response: string): string => header(response, 'To').replace(/.*tag=/, '')

  async function acknowledge(status = 200): Promise<string> {
    const notify = wire.last('NOTIFY')
    wire.out.length = 0
    wire.answer(notify, status)
    await turn()
    return notify
  }

  it('accepts, and notifies at once, within the dialog (4.2.1.2)', async () => {
    const accepted = await subscribe()
    assert.match(accepted, /^SIP\/2\.0 200 /)
    assert.equal(header(accepted, 'Expires'), '600')
    assert.match(header(accepted, 'Contact'), /^<sip:user@/)
    const notify = await acknowledge()
    assert.equal(header(notify, 'Subscription-State'), 'active;expires=600')
    assert.equal(header(notify, 'Event'), 'presence')
    assert.equal(header(notify, 'From').replace(/.*tag=/, ''), tagOf(accepted))
    assert.match(notify, /\r\n\r\nopen$/)
  })

  it('sends one NOTIFY at a time, and then only the newest state (4.2.2)', async () => {
    await subscribe()
    notifier.notify({ ...STATE, content: 'second' })
    notifier.notify({ ...STATE, content: 'third' })
    assert.equal(wire.out.filter((text) => text.startsWith('NOTIFY')).length, 1)
    await acknowledge()
    assert.match(await acknowledge(), /\r\n\r\nthird$/)
    assert.deepEqual(wire.sent(), [])
  })

  it('is refreshed, ended by Expires 0, and then gone (4.2.1.3)', async () => {
    const toTag = tagOf(await subscribe())
    await acknowledge()
    assert.match(await subscribe({ toTag, expires: '300' }), /\r\nExpires: 300\r\n/)
    assert.deepEqual(told, ['refreshed'])
    assert.match(await subscribe({ toTag, expires: '0' }), /^SIP\/2\.0 200 /)
    assert.equal(header(await acknowledge(), 'Subscription-State'), 'terminated;reason=timeout')
    assert.deepEqual(told, ['refreshed', 'unsubscribed'])
    assert.match(await subscribe({ toTag }), /^SIP\/2\.0 481 /)
  })

  it('ends with its time, and the subscriber is told (4.2.2)', async () => {
    await subscribe({ expires: '60' })
    await acknowledge()
    wire.clock.advance(60_000)
    await turn()
    assert.equal(header(await acknowledge(), 'Subscription-State'), 'terminated;reason=timeout')
    assert.deepEqual(told, ['expired'])
    await turn()
    wire.clock.advance(64_000)
    await wire.assertNothingLeft()
  })

  for (const [status, isOver] of [
    [481, true],
    [404, true],
    [500, false],
  ] as const) {
    it(`a NOTIFY that gets ${status} ${isOver ? 'ends' : 'does not end'} the subscription (4.2.2)`, async () => {
      await subscribe()
      await acknowledge(status)
      assert.deepEqual(told, isOver ? ['lost'] : [])
    })
  }

  it('refuses: no package 489, no handler 489, too brief 423, a wrong time 423', async () => {
    assert.match(await subscribe({ event: '' }), /^SIP\/2\.0 489 /)
    assert.match(await subscribe({ expires: '5' }), /^SIP\/2\.0 423 .*\r\nMin-Expires: 30\r\n/s)
    assert.match(await subscribe({ expires: 'soon' }), /^SIP\/2\.0 423 /)
    wire.handlers.subscription = undefined as never
    assert.match(await subscribe(), /^SIP\/2\.0 489 /)
    assert.equal(wire.endpoint.dialogs.kept, 0)
  })

  it('grants an hour at most, and an hour if none is asked for', async () => {
    assert.match(await subscribe({ expires: '99999' }), /\r\nExpires: 3600\r\n/)
    wire.out.length = 0
    assert.match(await subscribe({ expires: '' }), /\r\nExpires: 3600\r\n/)
  })

  it('Expires 0 fetches the state once (4.4.3)', async () => {
    await subscribe({ expires: '0' })
    assert.equal(header(await acknowledge(), 'Subscription-State'), 'terminated;reason=timeout')
    assert.equal(wire.endpoint.dialogs.kept, 0)
  })

  it('a request of another event or method within the dialog is refused, and the subscription goes on', async () => {
    const toTag = tagOf(await subscribe())
    await acknowledge()
    assert.match(await subscribe({ toTag, event: 'dialog' }), /^SIP\/2\.0 489 /)
    assert.deepEqual(told, [])
  })
})
