/** ROBUSTNESS.md, registrar trouble: how often we ask meanwhile, and how soon we are back when the registrar is well again. */
import assert from 'node:assert/strict'
import { Registration } from '../../../src/account/registration.js'
import { silentLogger } from '../../../src/base/logger.js'
import type { FinalResponse, SipResponse } from '../../../src/sip/types.js'
import { FakeClock } from '../../support/fake-clock.js'
import { tell } from '../../support/figures.js'

const GRANTED_SEC = 60
const PROMISED = { within10Sec: 12, backMs: 35_000, loopsPerMinute: 3 }
/** RFC 3261 17.1.2.2: silence ends by Timer F; what is repeated meanwhile is answered as soon as somebody is there. */
const TIMER_F_MS = 32_000
const REPEAT_MS = 4_000

type Trouble = 'silent' | 'refusing' | number | 'tiny expiry'

const answer = (status: number, headers: Record<string, string> = {}): SipResponse => {
  const find = (name: string) => headers[name]
  return { status, reason: '', header: find, headers: () => [], source: { host: '' } } as unknown as SipResponse
}

/** A registrar of which only the time matters. */
class Registrar {
  readonly askedMs: number[] = []
  trouble: Trouble | undefined
  readonly #clock: FakeClock

  constructor(clock: FakeClock) {
    this.#clock = clock
  }

  request(init: { cseq: number }): Promise<{ response: FinalResponse; cseq: number }> {
    this.askedMs.push(this.#clock.now())
    return new Promise((resolve) => this.#answer((response) => resolve({ response, cseq: init.cseq })))
  }

  #answer(give: (response: FinalResponse) => void, sinceMs = this.#clock.now()): void {
    const { trouble } = this
    if (trouble === undefined) give(answer(200, { Expires: String(GRANTED_SEC) }))
    else if (trouble === 'tiny expiry') give(answer(200, { Expires: '1' }))
    else if (trouble === 'refusing') give({ status: 503, reason: 'ECONNREFUSED', local: true })
    else if (trouble !== 'silent') give(answer(trouble, trouble === 423 ? { 'Min-Expires': '30' } : {}))
    else if (this.#clock.now() - sinceMs >= TIMER_F_MS) give({ status: 408, reason: 'Request Timeout', local: true })
    else this.#clock.setTimeout(() => this.#answer(give, sinceMs), REPEAT_MS)
  }
}

describe('a registrar in trouble', () => {
  const troubles: Trouble[] = ['silent', 'refusing', 500, 503, 403, 401, 423, 'tiny expiry']
  for (const trouble of troubles) {
    // Longer outages wait longer: BEHAVIOUR.md, register backoff.
    for (const lastsMs of [10_000, 60_000, 200_000]) {
      it(`${trouble} for ${lastsMs / 1_000} s`, async () => {
        const clock = new FakeClock()
        const registrar = new Registrar(clock)
        let registeredMs = 0
        const registration = new Registration(
          {
            clock,
            log: silentLogger,
            userAgent: {
              contactUri: 'sip:x@127.0.0.1',
              publish: () => false,
              request: (init) => registrar.request(init),
            },
          },
          { aor: 'sip:a@x', registrar: 'sip:x', host: 'h', expiresSec: GRANTED_SEC },
        )
        registration.on('state', ({ state }) => {
          if (state === 'registered' && registrar.trouble === undefined) registeredMs ||= clock.now()
        })
        const pass = async (ms: number): Promise<void> => {
          for (let passed = 0; passed < ms; passed += 250) {
            clock.advance(250)
            await new Promise((resolve) => setImmediate(resolve))
          }
        }
        registration.register()
        await pass(1_000)
        registrar.trouble = trouble
        const beganMs = clock.now()
        await pass(GRANTED_SEC * 1_000 + lastsMs)
        const asked = registrar.askedMs.filter((ms) => ms >= beganMs)
        const most = (windowMs: number) =>
          Math.max(...asked.map((ms) => asked.filter((other) => other >= ms && other < ms + windowMs).length), 0)
        const stayed = registration.state.state === 'registered'
        registrar.trouble = undefined
        registeredMs = 0
        const wellMs = clock.now()
        await pass(120_000)
        const backMs = stayed ? 0 : registeredMs === 0 ? Number.POSITIVE_INFINITY : registeredMs - wellMs
        tell(
          `registrar ${trouble} for ${lastsMs / 1_000} s`,
          `at most ${most(10_000)} REGISTERs in 10 s, ${most(60_000)} in a minute, back after ${(backMs / 1_000).toFixed(1)} s`,
          `at most ${PROMISED.within10Sec}, back within ${PROMISED.backMs / 1_000} s`,
        )
        assert.ok(most(10_000) <= PROMISED.within10Sec)
        if (trouble === 401 || trouble === 403) assert.ok(most(60_000) <= PROMISED.loopsPerMinute)
        assert.ok(backMs <= PROMISED.backMs, `${backMs}`)
        registration.close()
      })
    }
  }
})
