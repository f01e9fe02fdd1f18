import assert from 'node:assert/strict'
import type { Standing } from '../../../src/sip/admission/source-index.js'
import type { ParsedRequest } from '../../../src/sip/message/parsed-message.js'
import type { Recipient, Refusal, Service } from '../../../src/sip/service.js'
import { MemoryWire } from '../../support/memory-wire.js'
import { SDP } from '../../support/sip-messages.js'

/** A service that does what the test says, and writes down what it is asked. */
class FakeService implements Service, Recipient {
  readonly asked: string[] = []
  standingOf: Standing = 'known'
  finds: 'itself' | 'hidden' | undefined = 'itself'
  refusal: Refusal | undefined
  status = 202

  standing(host: string): Standing {
    this.asked.push(`standing ${host}`)
    return this.standingOf
  }

  find({ method }: ParsedRequest): Recipient | 'hidden' | undefined {
    this.asked.push(`find ${method}`)
    return this.finds === 'itself' ? this : this.finds
  }

  admit({ method }: ParsedRequest): Refusal | undefined {
    this.asked.push(`admit ${method}`)
    return this.refusal
  }

  receive(request: Parameters<Recipient['receive']>[0], place: Parameters<Recipient['receive']>[1]): void {
    this.asked.push(`receive ${request.message.method}`)
    request.respond(this.status, { lines: ['X-By: service'] })
    place.ended()
  }
}

describe('the services that the dispatcher asks', () => {
  let service: FakeService
  let other: FakeService
  let wire: MemoryWire

  beforeEach(() => {
    service = new FakeService()
    other = new FakeService()
    other.finds = undefined
    wire = new MemoryWire({ services: [service, other] })
  })

  const statuses = (): string[] => wire.sent().map((line) => line.slice(8, 11))
  const found = (each: FakeService): string[] => each.asked.filter((what) => !what.startsWith('standing'))

  it('in their order: the first that has a recipient gets the request, the others are not asked', () => {
    wire.receive(wire.request('MESSAGE'))
    assert.deepEqual(statuses(), ['202'])
    assert.deepEqual(found(service), ['find MESSAGE', 'admit MESSAGE', 'receive MESSAGE'])
    assert.deepEqual(found(other), [])
    assert.equal(wire.invites.length, 0)
  })

  it('the next one, and the accounts at last, where it has none', () => {
    service.finds = undefined
    other.finds = 'itself'
    wire.receive(wire.request('MESSAGE'))
    assert.deepEqual([found(service), statuses()], [['find MESSAGE'], ['202']])
    assert.deepEqual(found(other), ['find MESSAGE', 'admit MESSAGE', 'receive MESSAGE'])
    other.finds = undefined
    wire.receive(wire.request('INVITE', { body: SDP }))
    assert.equal(wire.invites.length, 1)
    wire.endpoint.close()
  })

  it('a recipient that is hidden from this source does not exist: the next service is asked', () => {
    service.finds = 'hidden'
    other.finds = 'itself'
    wire.receive(wire.request('MESSAGE'))
    assert.deepEqual([found(service), statuses()], [['find MESSAGE'], ['202']])
  })

  it('policy comes before the checks of RFC 3261 8.2, and before any state', () => {
    service.refusal = { status: 403, reason: 'Not you', lines: ['X-Why: policy'] }
    wire.receive(wire.request('PUBLISH', { headers: ['Require: x'] }))
    assert.match(wire.out[0] ?? '', /^SIP\/2.0 403 Not you\r\n.*\r\nX-Why: policy\r\n/s)
    assert.deepEqual(found(service), ['find PUBLISH', 'admit PUBLISH'])
    assert.equal(wire.endpoint.kept, 0)
    service.refusal = undefined
    wire.receive(wire.request('PUBLISH'))
    assert.deepEqual([statuses().at(-1), found(service).includes('receive PUBLISH')], ['405', false])
  })

  it('gets each request once, however often it comes; repeats are answered from bytes', () => {
    const text = wire.request('MESSAGE')
    wire.receive(text)
    wire.receive(text)
    assert.deepEqual(statuses(), ['202', '202'])
    assert.equal(found(service).filter((what) => what.startsWith('receive')).length, 1)
  })

  it('gives a recipient that breaks a 500', () => {
    service.receive = () => {
      throw new Error('broken')
    }
    wire.receive(wire.request('MESSAGE'))
    assert.deepEqual(statuses(), ['500'])
  })

  it('gives what belongs to a dialog to the dialog, whatever the services say', () => {
    service.finds = undefined
    const dialog = wire.taken()
    service.finds = 'itself'
    service.asked.length = 0
    wire.receive(wire.request('INFO', { dialog }))
    assert.deepEqual([statuses(), found(service)], [['200'], []])
    wire.endpoint.close()
  })

  describe('the standing of a source: the service that knows it best decides', () => {
    // The accounts of this endpoint know every source; a third service takes their place.
    const CASES: [Standing, Standing, string[]][] = [
      ['known', 'silent', ['202']],
      ['silent', 'known', ['202']],
      ['unknown', 'refused', ['202']],
      ['silent', 'refused', []],
      ['refused', 'refused', ['403']],
      ['silent', 'silent', []],
    ]
    for (const [first, second, expected] of CASES) {
      it(`${first} and ${second}: ${expected[0] ?? 'no answer'}`, () => {
        wire = new MemoryWire({ services: [service, other], withoutAccount: true })
        service.standingOf = first
        other.standingOf = second
        wire.receive(wire.request('MESSAGE'))
        assert.deepEqual(statuses(), expected)
        assert.equal(found(service).includes('find MESSAGE'), expected[0] === '202')
      })
    }
  })

  it('answers requests of unknown calls and malformed ones within the limits of an unknown source', () => {
    wire = new MemoryWire({ services: [service], withoutAccount: true })
    const ofNoCall = (): string => wire.request('BYE').replace(/^To: .*$/m, 'To: <sip:user@192.0.2.2>;tag=none')
    const malformed = (): string => wire.request('OPTIONS').replace(/^From: .*$/m, 'From: <')
    for (const [make, status] of [
      [ofNoCall, '481'],
      [malformed, '400'],
    ] as const) {
      service.standingOf = 'known'
      for (let n = 0; n < 400; n++) wire.receive(make())
      assert.deepEqual(statuses(), Array(400).fill(status))
      service.standingOf = 'silent'
      wire.receive(make())
      assert.deepEqual(statuses(), [])
    }
    service.standingOf = 'unknown'
    for (let n = 0; n < 400; n++) wire.receive(n % 2 ? ofNoCall() : malformed())
    assert.equal(statuses().length, 300)
    wire.clock.advance(10_000)
    wire.receive(ofNoCall())
    assert.deepEqual(statuses(), ['481'])
  })

  it('a service that has no recipient says 404, and capabilities to a ping of the host', () => {
    service.finds = undefined
    wire = new MemoryWire({ services: [service], withoutAccount: true })
    wire.receive(wire.request('MESSAGE'))
    wire.receive(wire.request('OPTIONS').replace('OPTIONS sip:user@', 'OPTIONS sip:'))
    assert.deepEqual(statuses(), ['404', '200'])
  })
})
