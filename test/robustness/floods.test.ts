import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import type { AccountConfig, InboundRule } from '../../src/engine/protocol.js'
import { EngineChild } from '../support/engine-child.js'
import { LONG, mb, ms, percentile, tell } from '../support/figures.js'
import { type Flood, flood } from '../support/flooder.js'
import { peerFolder } from '../support/peers/peer-folder.js'
import '../support/peers/root-hooks.js'
import { SipProber } from '../support/sip-prober.js'

const METHODS = ['INVITE', 'OPTIONS', 'REGISTER', 'SUBSCRIBE']
const FLOOD = { sources: 50, perSecond: 3_000, forMs: LONG ? 60_000 : 4_000, methods: METHODS }
const PROMISED = { share: 0.99, p95Ms: 100, octets: 1.5, megabytes: 10 }
const ACCOUNT = 'ringflow'

interface Setting {
  name: string
  account: Partial<AccountConfig>
  users: readonly string[]
}

/** The prober calls from 127.0.0.1, which is known; the flood comes from 127.0.1.x. */
const SETTINGS: Setting[] = [
  { name: 'silence', account: { inboundFrom: 'known', allowedSources: ['127.0.0.1'] }, users: [ACCOUNT, '100', '101'] },
  {
    name: '403',
    account: { inboundFrom: 'known', allowedSources: ['127.0.0.1'], strangers: '403' },
    users: [ACCOUNT, '100', '101'],
  },
  {
    name: 'anyone',
    account: { inboundFrom: 'anyone', allowedSources: ['127.0.0.1'], maxCalls: 10 },
    users: [ACCOUNT, '100'],
  },
]

describe(`${FLOOD.perSecond} requests a second from ${FLOOD.sources} strangers`, function () {
  this.timeout(LONG ? 200_000 : 40_000)

  for (const { name, account, users } of SETTINGS) {
    it(`starve nobody and are not multiplied (${name})`, async () => {
      const folder = peerFolder.folder('flood')
      const rule: Partial<InboundRule> = { mode: 'reject', rejectStatus: 486 }
      const engine = await EngineChild.start({ folder, kind: 'hosted', account, rule })
      const prober = await SipProber.open(engine.local)
      let flooding = true
      const flooded: Promise<Flood> = flood({ ...FLOOD, target: engine.local, users }).finally(() => {
        flooding = false
      })
      const times: number[] = []
      while (flooding) {
        times.push((await prober.options(ACCOUNT, 2_000)).ms)
        await delay(20)
      }
      const { sent, sentOctets, answers, answeredOctets } = await flooded
      const answered = times.filter(Number.isFinite).length / times.length
      const p95 = percentile(times, 0.95)
      const ratio = answeredOctets / sentOctets
      tell(
        `known peer during the flood (${name})`,
        `${(answered * 100).toFixed(1)} % of ${times.length} answered, p95 ${ms(p95)}`,
        `at least ${PROMISED.share * 100} %, ${PROMISED.p95Ms} ms`,
      )
      tell(
        `octets out for one in, unknown sources (${name})`,
        `${ratio.toFixed(2)}; of ${sent} ${JSON.stringify(answers)}`,
        `at most ${PROMISED.octets}`,
      )
      assert.ok(answered >= PROMISED.share)
      assert.ok(p95 <= PROMISED.p95Ms, `p95 ${p95}`)
      assert.ok(ratio <= PROMISED.octets)
      if (name === 'silence') assert.deepEqual(answers, {})
      if (name === '403')
        assert.deepEqual(
          Object.keys(answers).filter((status) => !['403', '503'].includes(status)),
          [],
        )
      await prober.close()
      await engine.close()
    })
  }
})

describe('15,000 INVITEs that nobody answers', function () {
  this.timeout(60_000)
  const INVITES = 15_000
  const SPEED = 8

  for (const known of [true, false]) {
    it(`hold no more than the cap lets in, and are forgotten (${known ? 'a known peer' : 'a stranger, where anyone may call'})`, async () => {
      const account: Partial<AccountConfig> = { inboundFrom: 'anyone', allowedSources: known ? ['127.0.0.0/8'] : [] }
      const rule: Partial<InboundRule> = { mode: 'flow', sendRinging: true, decideMs: 30_000 }
      const folder = peerFolder.folder('half-open')
      const engine = await EngineChild.start({ folder, kind: 'assembled', noSound: true, speed: SPEED, account, rule })
      const burst = (count: number, perSecond: number) =>
        flood({
          target: engine.local,
          sources: 1,
          perSecond,
          forMs: (count / perSecond) * 1_000,
          methods: ['INVITE'],
          users: [ACCOUNT],
        })
      await burst(500, 1_000) // compiles code and fills what is filled once
      await delay(45_000 / SPEED)
      const before = await engine.call('usage', null)
      const { answers } = await burst(INVITES, 5_000)
      const { live } = await engine.call('calls', null)
      const busy = await engine.call('usage', null)
      await delay(45_000 / SPEED)
      const after = await engine.call('usage', null)
      const left = await engine.call('calls', null)
      tell(
        `memory by 15,000 unanswered INVITEs of ${known ? 'a known peer' : 'a stranger'}`,
        `${mb(busy.heapOctets - before.heapOctets)} more with ${live} calls live, ${mb(after.heapOctets - before.heapOctets)} more 45 s later; ${JSON.stringify(answers)}`,
        `at most ${PROMISED.megabytes} MB 45 s later`,
      )
      assert.equal(left.live, 0)
      assert.ok((answers['503'] ?? 0) > 0)
      assert.ok(after.heapOctets - before.heapOctets <= PROMISED.megabytes * 2 ** 20)
      await engine.close()
    })
  }
})
