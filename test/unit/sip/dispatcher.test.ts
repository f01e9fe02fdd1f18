import assert from 'node:assert/strict'
import { MemoryWire, turn } from '../../support/memory-wire.js'
import { ANSWER, OFFER } from '../../support/sip-parties.js'

describe('the dispatcher', () => {
  let wire: MemoryWire

  beforeEach(() => {
    wire = new MemoryWire()
  })
  afterEach(() => wire.endpoint.close())

  const statuses = (): string[] => wire.sent().map((line) => line.slice(8, 11))

  it('says 491 to a re-INVITE that overtakes the answer to our INVITE (RFC 3261 14.2), and 481 to other requests', () => {
    const failed = (): void => {}
    const init = { target: 'sip:peer@192.0.2.1:5060', body: OFFER, sipCallId: 'early@test' }
    const { fromTag } = wire.endpoint.agent.invite(init, { progress() {}, answered() {}, failed })
    wire.sent()
    for (const [method, status] of [
      ['INVITE', '491'],
      ['INFO', '481'],
      ['UPDATE', '481'],
      ['BYE', '481'],
    ] as const) {
      const text = wire
        .request(method, { body: method === 'INVITE' ? ANSWER.content : '' })
        .replace(/^Call-ID: .*$/m, 'Call-ID: early@test')
        .replace(/^To: .*$/m, `To: <sip:user@192.0.2.2>;tag=${fromTag}`)
      wire.receive(text)
      assert.deepEqual(statuses(), [status], method)
    }
  })

  it('refuses a re-INVITE and an UPDATE that have not one usable Contact (8.1.1.8), and the call lives on', async () => {
    const dialog = wire.taken()
    const contacts = [
      '',
      'Contact: *\r\n',
      'Contact: <tel:+49301>\r\n',
      'Contact: <sip:a@192.0.2.1>, <sip:b@192.0.2.1>\r\n',
    ]
    for (const method of ['INVITE', 'UPDATE']) {
      for (const contact of contacts) {
        wire.receive(wire.request(method, { dialog, body: OFFER.content }).replace(/^Contact: .*\r\n/m, contact))
        assert.deepEqual(statuses(), ['400'], `${method} ${contact}`)
      }
    }
    wire.receive(wire.request('INFO', { dialog }).replace(/^Contact: .*\r\n/m, ''))
    await turn()
    assert.deepEqual(statuses(), ['200'])
  })

  it('takes from a known source as much as it sends', async () => {
    for (let n = 0; n < 1_000; n++) wire.receive(wire.request('OPTIONS'))
    await turn()
    assert.deepEqual(statuses(), Array(1_000).fill('200'))
  })
})
