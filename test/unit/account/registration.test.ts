import assert from 'node:assert/strict'
import { ContactRepair } from '../../../src/account/contact-repair.js'
import { Registration } from '../../../src/account/registration.js'
import type { RegistrationState } from '../../../src/account/registration-state.js'
import { silentLogger } from '../../../src/base/logger.js'
import type { FinalResponse, HeaderField, SipResponse } from '../../../src/sip/types.js'
import { FakeClock } from '../../support/fake-clock.js'

const CONTACT = 'sip:0a1b2c@127.0.0.1:5060'

interface Register {
  cseq: number
  sipCallId: string
  target: string
  signal?: AbortSignal
  expires: string
  supported: string
  contact: string
  /** Contacts that it removes. */
  old: string[]
  answer(status: number, headers?: Record<string, string[]>, reason?: string): Promise<void>
  fail(status: 408 | 503): Promise<void>
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

function response(status: number, headers: Record<string, string[]>, reason: string): SipResponse {
  const find = (name: string) => headers[name] ?? []
  return { status, reason, headers: find, header: (name: string) => find(name)[0] } as unknown as SipResponse
}

/** A registrar that waits to be told what to answer; random numbers are always the middle. */
function setUp(expiresSec = 600, oldContacts: string[] = [], instance?: string) {
  const clock = new FakeClock()
  const sent: Register[] = []
  const states: RegistrationState[] = []
  const userAgent = {
    contactUri: CONTACT,
    publish(address: { host: string; port: number } | undefined) {
      userAgent.contactUri = address ? `sip:0a1b2c@${address.host}:${address.port}` : CONTACT
      return true
    },
    request(init: {
      method: string
      target: string
      sipCallId: string
      cseq: number
      signal?: AbortSignal
      headers?: readonly HeaderField[]
      contactParams?: string
      oldContacts?: readonly string[]
    }) {
      return new Promise<{ response: FinalResponse; cseq: number }>((resolve) => {
        const header = (name: string) => init.headers?.find(([n]) => n === name)?.[1] ?? ''
        const done = async (answer: FinalResponse) => {
          resolve({ response: answer, cseq: init.cseq })
          await settled()
        }
        sent.push({
          ...init,
          expires: header('Expires'),
          supported: header('Supported'),
          contact: `<${userAgent.contactUri}>${init.contactParams}`,
          old: init.oldContacts?.filter((each) => each !== userAgent.contactUri) ?? [],
          answer: (status, headers = {}, reason = 'Reason') => done(response(status, headers, reason)),
          fail: (status) => done({ status, reason: 'no answer', local: true }),
        })
      })
    },
  }
  const registration = new Registration(
    {
      clock,
      log: silentLogger,
      userAgent,
      repair: new ContactRepair(clock),
      random: (min, max) => (min + max) / 2,
    },
    {
      aor: 'sip:alice@example.com',
      registrar: 'sip:example.com',
      host: 'host',
      expiresSec,
      oldContacts,
      ...(instance && { instance }),
    },
  )
  registration.on('state', (state) => states.push(state))
  const last = () => sent.at(-1) as Register
  return { clock, sent, states, registration, last, names: () => states.map((state) => state.state) }
}

const NATTED = 'sip:0a1b2c@127.0.0.2:40000'
const natted = (port = 40_000) => ({ Via: [`SIP/2.0/UDP 127.0.0.1:5060;rport=${port};received=127.0.0.2`] })

describe('registration', () => {
  it('offers outbound and GRUU with its instance (RFC 5626 4.2.1, RFC 5627 4.1), and no outbound after a 439', async () => {
    const { registration, last, sent } = setUp(600, [], 'urn:uuid:1')
    registration.register()
    assert.deepEqual(
      [last().contact, last().supported],
      [`<${CONTACT}>;expires=600;+sip.instance="<urn:uuid:1>";reg-id=1`, 'path, outbound, gruu'],
    )
    await last().answer(439)
    const without = [`<${CONTACT}>;expires=600;+sip.instance="<urn:uuid:1>"`, 'path, gruu']
    assert.deepEqual([sent.length, last().contact, last().supported], [2, ...without])
    await last().answer(200)
    assert.equal(registration.state.state, 'registered')
    const plain = setUp()
    plain.registration.register()
    assert.deepEqual([plain.last().contact, plain.last().supported], [`<${CONTACT}>;expires=600`, ''])
  })

  it('behind a NAT registers again at once with the address that the registrar saw, and removes the other one', async () => {
    const { clock, sent, registration, last, names } = setUp()
    registration.register()
    await last().answer(200, natted())
    assert.deepEqual([last().contact, last().old], [`<${NATTED}>;expires=600`, [CONTACT]])
    await last().answer(200, natted())
    assert.deepEqual(names(), ['registering', 'registered'])
    assert.equal((registration.state as { contact: string }).contact, NATTED)
    assert.equal(sent.length, 2)
    clock.advance(450_000)
    assert.deepEqual([sent.length, last().contact], [3, `<${NATTED}>;expires=600`])
    await last().answer(200, natted())
    const unregistered = registration.unregister()
    await settled()
    assert.deepEqual([sent.length, last().contact], [4, `<${NATTED}>;expires=0`])
    await last().answer(200)
    await unregistered
    assert.deepEqual(registration.boundContacts, [])
  })

  it('follows a registrar that always sees another address once a refresh', async () => {
    const { clock, sent, registration, last } = setUp()
    registration.register()
    for (let port = 40_000; port < 40_010; port++) {
      await last().answer(200, natted(port))
      if (port % 2 === 1) clock.advance(450_000)
    }
    assert.equal(sent.length, 11)
  })

  it('keeps the Contact that it has if the registrar refuses the repaired one', async () => {
    const { clock, sent, registration, last, names } = setUp()
    registration.register()
    await last().answer(200, natted())
    await last().answer(403)
    assert.deepEqual(names(), ['registering', 'registered'])
    assert.equal((registration.state as { contact: string }).contact, CONTACT)
    clock.advance(450_000)
    assert.deepEqual([last().contact, last().old], [`<${CONTACT}>;expires=600`, []])
    await last().answer(200, natted())
    assert.equal(sent.length, 3)
  })

  it('removes what an earlier registration has left, once', async () => {
    const { clock, registration, last } = setUp(600, ['sip:0a1b2c@127.0.0.9:5060', CONTACT])
    registration.register()
    assert.deepEqual(last().old, ['sip:0a1b2c@127.0.0.9:5060'])
    await last().fail(408)
    clock.advance(5_000)
    assert.deepEqual(last().old, ['sip:0a1b2c@127.0.0.9:5060'])
    await last().answer(200)
    clock.advance(450_000)
    assert.deepEqual(last().old, [])
  })

  it('registers with its contact, and refreshes between half and three quarters of the granted time', async () => {
    const { clock, sent, registration, last, names } = setUp()
    registration.register()
    assert.equal(last().target, 'sip:example.com')
    assert.equal(last().contact, `<${CONTACT}>;expires=600`)
    await last().answer(200, { Contact: [`<${CONTACT}>;expires=400`] })
    assert.deepEqual(names(), ['registering', 'registered'])
    assert.equal(
      (registration.state as { expiresAt: string }).expiresAt,
      new Date(clock.wall() + 400_000).toISOString(),
    )
    clock.advance(249_999)
    assert.equal(sent.length, 1)
    clock.advance(1)
    assert.equal(sent.length, 2)
    await last().answer(200, { Contact: [`<${CONTACT}>;expires=400`] })
    assert.deepEqual(names(), ['registering', 'registered', 'registered'])
  })

  it('keeps its Call-ID and counts CSeq up, past what authentication used', async () => {
    const { clock, sent, registration, last } = setUp()
    registration.register()
    await last().answer(200)
    clock.advance(600_000)
    await last().answer(200)
    clock.advance(600_000)
    assert.equal(new Set(sent.map((register) => register.sipCallId)).size, 1)
    assert.match(last().sipCallId, /^[0-9a-f-]{36}@host$/)
    assert.deepEqual(
      sent.map((register) => register.cseq),
      [1, 2, 3],
    )
  })

  it('refreshes within the time that a session border controller grants under a Contact of its own', async () => {
    const { registration, clock, last, sent } = setUp()
    registration.register()
    await last().answer(200, { Contact: ['<sip:sbc-4f1c2@192.0.2.10:5060>;expires=8'] })
    clock.advance(8_000)
    assert.equal(sent.length, 2)
  })

  describe('reads the granted time', () => {
    const cases: [name: string, headers: Record<string, string[]>, grantedSec: number][] = [
      ['from the contact that is ours', { Contact: ['<sip:b@h>;expires=60', `<${CONTACT}>;expires=120`] }, 120],
      [
        'from ours among several in one header',
        { Contact: [`"a, <b>" <sip:b@h>;expires=60, <${CONTACT}>;expires=90`] },
        90,
      ],
      [
        'from the one that stays, where a list also has the one that was just removed',
        { Contact: [`<${CONTACT}>;expires=0`, `<${CONTACT}>;expires=70`] },
        70,
      ],
      ['from ours behind NAT', { Contact: ['<sip:0a1b2c@203.0.113.1:9999>;expires=75'], Expires: ['30'] }, 75],
      ['from Expires where our contact has none', { Contact: [`<${CONTACT}>`], Expires: ['200'] }, 200],
      [
        'from a sole contact, whatever the registrar made of it',
        { Contact: ['<sip:b@h>;expires=5'], Expires: ['200'] },
        5,
      ],
      ['from a sole contact without brackets', { Contact: ['sip:sbc-1@h;expires="8";+x="<a,b>"'] }, 8],
      [
        'from Expires where several are listed and none is ours',
        { Contact: ['<sip:b@h>;expires=5, <sip:c@h>;expires=6'], Expires: ['200'] },
        200,
      ],
      [
        'from our host and port before our user',
        { Contact: [`<sip:0a1b2c@h>;expires=70`, `<sip:x@127.0.0.1:5060>;expires=80`] },
        80,
      ],
      [
        'from host, port and user before host and port',
        { Contact: [`<sip:x@127.0.0.1:5060>;expires=70`, `<${CONTACT}>;expires=80`] },
        80,
      ],
      [
        'not from another port of our host',
        { Contact: ['<sip:b@127.0.0.1:5061>;expires=5, <sip:c@h>;expires=6'], Expires: ['90'] },
        90,
      ],
      [
        'from our host where the default port is left out',
        { Contact: ['<sip:b@h>;expires=5', '<sip:x@127.0.0.1>;expires=80'] },
        80,
      ],
      [
        'from the shorter of two that can be ours',
        { Contact: ['<sip:0a1b2c@203.0.113.1:1>;expires=75, <sip:0a1b2c@203.0.113.1:2>;expires=45'] },
        45,
      ],
      [
        'not from a name that looks like our address',
        { Contact: [`"<${CONTACT}>;expires=5" <sip:b@h>;expires=60, <sip:c@h>;expires=6`], Expires: ['90'] },
        90,
      ],
      ['as asked where nothing is said', {}, 600],
      ['as a day at most', { Expires: ['4294967295'] }, 86_400],
      ['as requested where it is not a number', { Expires: ['soon'] }, 600],
    ]
    for (const [name, headers, grantedSec] of cases) {
      it(name, async () => {
        const { clock, registration, last } = setUp()
        registration.register()
        await last().answer(200, headers)
        const state = registration.state as { expiresAt: string }
        assert.equal(Date.parse(state.expiresAt) - clock.wall(), grantedSec * 1000)
      })
    }
  })

  it('does not storm when 1 s is granted: at most 6 in 10 s', async () => {
    const { clock, sent, registration, last } = setUp()
    registration.register()
    for (let ms = 0; ms < 10_000; ms += 100) {
      const count = sent.length
      if (ms === 0 || sent.length > 1) await last().answer(200, { Expires: ['1'] })
      clock.advance(100)
      if (sent.length === count) continue
      await last().answer(200, { Expires: ['1'] })
    }
    assert.ok(sent.length >= 2 && sent.length <= 6, `${sent.length} REGISTERs`)
  })

  it('is not registered where 0 s are granted, and tries again as after any failure', async () => {
    const { clock, sent, registration, last, names } = setUp()
    registration.register()
    await last().answer(200, { Contact: [`<${CONTACT}>;expires=0`] })
    assert.deepEqual(names(), ['registering', 'failed'])
    assert.match((registration.state as { reason: string }).reason, /a lifetime of 0 s/)
    clock.advance(20_000)
    assert.equal(sent.length, 1)
    clock.advance(10_000)
    await last().answer(200)
    assert.equal(registration.state.state, 'registered')
  })

  it('asks for more at once after 423, and keeps to it', async () => {
    const { clock, sent, registration, last } = setUp(60)
    registration.register()
    await last().answer(423, { 'Min-Expires': ['1800'] })
    assert.equal(last().expires, '1800')
    await last().answer(200, { Expires: ['1800'] })
    clock.advance(1_800_000)
    assert.equal(last().expires, '1800')
    assert.equal(sent.length, 3)
  })

  for (const minExpires of [undefined, '60', '1', 'x', '99999999']) {
    it(`fails after 423 with Min-Expires ${minExpires}`, async () => {
      const { sent, registration, last } = setUp(60)
      registration.register()
      await last().answer(423, minExpires === undefined ? {} : { 'Min-Expires': [minExpires] })
      assert.equal(sent.length, 1)
      assert.equal(registration.state.state, 'failed')
    })
  }

  it('raises its time twice at most within one attempt', async () => {
    const { sent, registration, last } = setUp(60)
    registration.register()
    for (const min of ['100', '200', '300']) await last().answer(423, { 'Min-Expires': [min] })
    assert.equal(sent.length, 3)
    assert.equal(registration.state.state, 'failed')
  })

  /** Advances to the next REGISTER and says how long that took. */
  function waitMs(clock: FakeClock, sent: Register[]): number {
    const count = sent.length
    for (let ms = 0; ms < 1_000_000; ms += 250) {
      if (sent.length > count) return ms
      clock.advance(250)
    }
    return Number.POSITIVE_INFINITY
  }

  it('comes back after 2-5 s when the network failed, then after 15-30 s while the outage is young', async () => {
    const { clock, sent, registration, last } = setUp()
    registration.register()
    await last().fail(503)
    assert.equal(registration.state.state === 'failed' && registration.state.local, true)
    const waits = []
    for (let n = 0; n < 5; n++) {
      waits.push(waitMs(clock, sent))
      await last().fail(408)
    }
    assert.deepEqual(waits, [3_500, 22_500, 22_500, 22_500, 22_500])
  })

  it('doubles its waits up to 150-300 s in a long outage, and begins anew after a success', async () => {
    const { clock, sent, registration, last } = setUp()
    registration.register()
    await last().answer(500)
    clock.advance(0)
    while (clock.now() < 300_000) {
      waitMs(clock, sent)
      await last().answer(500)
    }
    const waits = []
    for (let n = 0; n < 5; n++) {
      waits.push(waitMs(clock, sent))
      await last().answer(500)
    }
    assert.deepEqual(waits, [45_000, 90_000, 180_000, 225_000, 225_000])
    waitMs(clock, sent)
    await last().answer(200)
    registration.register()
    clock.advance(600_000)
    await last().answer(503)
    assert.equal(waitMs(clock, sent), 22_500)
  })

  it('honours Retry-After, within reason', async () => {
    const { clock, sent, registration, last } = setUp()
    registration.register()
    await last().answer(503, { 'Retry-After': ['120 (maintenance);duration=60'] })
    assert.equal(waitMs(clock, sent), 120_000)
    await last().answer(503, { 'Retry-After': ['99999999999'] })
    assert.equal(waitMs(clock, sent), 300_000)
  })

  for (const status of [401, 403, 407]) {
    it(`tells ${status} at once and asks again after 15 min only`, async () => {
      const { clock, sent, registration, last } = setUp()
      registration.register()
      await last().answer(status, {}, 'Forbidden')
      const retryAt = new Date(clock.wall() + 900_000).toISOString()
      assert.deepEqual(registration.state, { state: 'failed', status, reason: 'Forbidden', retryAt })
      assert.equal(waitMs(clock, sent), 900_000)
    })
  }

  it('takes a nonce that is stale for ever for an outage: nobody has refused the password', async () => {
    const { clock, sent, registration, last } = setUp()
    registration.register()
    await last().answer(401, { 'WWW-Authenticate': ['Digest realm="r", nonce="n", stale=TRUE'] })
    const ms = waitMs(clock, sent)
    assert.ok(ms >= 15_000 && ms <= 30_000, `${ms}`)
  })

  for (const status of [401, 403]) {
    it(`asks again after 30-34 s where ${status} comes for credentials that were good, for five minutes`, async () => {
      const { clock, sent, registration, last } = setUp()
      registration.register()
      await last().answer(200)
      waitMs(clock, sent)
      const waits: number[] = []
      for (let n = 0; n < 11; n++) {
        await last().answer(status)
        waits.push(waitMs(clock, sent))
      }
      assert.deepEqual(waits, [...Array(10).fill(32_000), 900_000])
      await last().answer(200)
      assert.equal(registration.state.state, 'registered')
    })
  }

  it('tries at once when it is told to while it waits, and never twice at a time', async () => {
    const { sent, registration, last } = setUp()
    registration.register()
    registration.register()
    assert.equal(sent.length, 1)
    await last().answer(403)
    registration.register()
    registration.register()
    assert.equal(sent.length, 2)
    await last().answer(200)
    assert.equal(registration.state.state, 'registered')
    registration.register()
    assert.equal(sent.length, 2, 'just refreshed')
  })

  it('unregisters with expires 0 and stops', async () => {
    const { clock, registration, last, names } = setUp()
    registration.register()
    await last().answer(200)
    const unregistered = registration.unregister()
    await settled()
    assert.equal(last().expires, '0')
    assert.equal(last().contact, `<${CONTACT}>;expires=0`)
    assert.equal(last().cseq, 2)
    await last().answer(200)
    await unregistered
    assert.deepEqual(names(), ['registering', 'registered', 'unregistering', 'idle'])
    assert.equal(clock.pending, 0)
  })

  it('waits for the REGISTER under way before it unregisters', async () => {
    const { sent, registration, last } = setUp()
    registration.register()
    const unregistered = registration.unregister()
    await settled()
    assert.equal(sent.length, 1)
    await last().answer(200)
    assert.equal(sent.length, 2)
    assert.equal(last().expires, '0')
    await last().fail(408)
    await unregistered
    assert.equal(registration.state.state, 'idle')
  })

  it('sends nothing to a registrar that does not hold our binding', async () => {
    const { sent, clock, registration, last } = setUp()
    registration.register()
    await last().answer(403)
    await registration.unregister()
    assert.equal(sent.length, 1)
    assert.equal(registration.state.state, 'idle')
    assert.equal(clock.pending, 0)
  })

  it('registers again when that was asked for while it unregistered', async () => {
    const { registration, last } = setUp()
    registration.register()
    await last().answer(200)
    const unregistered = registration.unregister()
    await settled()
    registration.register()
    await last().answer(200)
    await unregistered
    assert.equal(last().expires, '600')
    await last().answer(200)
    assert.equal(registration.state.state, 'registered')
  })

  it('gives up a REGISTER that has no answer yet when it closes: it must not be repeated after that', async () => {
    const { registration, last } = setUp()
    registration.register()
    assert.equal(last().signal?.aborted, false)
    registration.close()
    assert.equal(last().signal?.aborted, true)
  })

  it('leaves nothing behind when closed, also while a REGISTER is under way', async () => {
    const { sent, clock, registration, last, states } = setUp()
    registration.register()
    registration.close()
    const told = states.length
    await last().answer(200)
    registration.register()
    assert.equal(clock.pending, 0)
    assert.equal(states.length, told)
    assert.equal(sent.length, 1)
  })

  it('registers again 2 to 5 s after the connection that it registered over has ended', async () => {
    const { clock, sent, registration, last, names } = setUp()
    registration.transportLost()
    assert.equal(clock.pending, 0)
    registration.register()
    registration.transportLost()
    await last().answer(200)
    registration.transportLost()
    clock.advance(3_499)
    assert.equal(sent.length, 1)
    clock.advance(1)
    assert.equal(sent.length, 2)
    await last().answer(200)
    assert.deepEqual(names(), ['registering', 'registered', 'registered'])
    registration.close()
  })
})
