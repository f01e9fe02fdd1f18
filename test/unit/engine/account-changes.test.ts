/** Every setting of an account and of its transport is changed by `setAccount`; then the engine is asked whether the new one counts. */
import assert from 'node:assert/strict'
import type { CallEvent } from '../../../src/call/call-event.js'
import type { AccountConfig, TransportConfig } from '../../../src/engine/protocol.js'
import { FakeIncomingInvite, request, response, sdpBody } from '../../support/fake-user-agent.js'
import { uriOf } from '../../support/uri.js'
import { peerSdp } from '../call/call-fixture.js'
import { account, answerRule, makeEngine, settled, transport } from './engine-fixture.js'

type Scene = ReturnType<typeof makeEngine>
type Config = Partial<AccountConfig>

interface Change {
  before: Config
  after: Config
  /** What the engine does, which depends on the setting. */
  asked: (scene: Scene) => unknown
}

const agent = ({ network }: Scene) => {
  const found = network.live.flatMap(({ agents }) => agents).findLast(({ closed }) => !closed)
  assert.ok(found)
  return found
}
const endpoint = ({ network }: Scene) => network.live.at(-1)?.init

async function codeOf(attempt: unknown): Promise<string> {
  try {
    await attempt
    return ''
  } catch (error) {
    return (error as { code: string }).code
  }
}

/** The code that dialling fails with, '' where it does not. */
const dialling = async ({ commands }: Scene, target: string): Promise<string> =>
  codeOf(commands.dial({ accountId: 'a1', target }))

async function dialled(scene: Scene, target = '1002') {
  const { callId } = await scene.commands.dial({ accountId: 'a1', target })
  const invite = agent(scene).invites.at(-1)
  assert.ok(invite)
  return { callId, invite }
}

async function answered(scene: Scene) {
  const { callId, invite } = await dialled(scene)
  const dialog = invite.answer(sdpBody(peerSdp()), { 'X-Ticket': '7' })
  await settled()
  const session = scene.media.sessions.at(-1)
  assert.ok(session)
  return { callId, dialog, session }
}

/** What the call ended by within so long. */
async function endAfter(scene: Scene, ms: number): Promise<string> {
  scene.clock.advance(ms)
  await settled()
  const last = scene.calls.at(-1) as CallEvent
  return last.type === 'call.ended' ? last.end.cause : ''
}

function credentials(scene: Scene): string {
  const challenge = { status: 401, realm: 'pbx', nonce: 'n', algorithm: 'MD5', qop: [], stale: false } as const
  const asked = { method: 'REGISTER', uri: uriOf('sip:127.0.0.1'), callId: 'c', body: '', attempt: 1 }
  return agent(scene).init.authenticator.answer([{ ...challenge, qop: [] }], asked)?.[0]?.[1] ?? ''
}

async function registered(scene: Scene) {
  await scene.commands.register({ accountId: 'a1' })
  await settled()
  return agent(scene).sent.at(-1)
}

const dialPlan = { stripPrefix: '', addPrefix: '', countryCode: '' }

/** Complete, or it does not compile. */
const ACCOUNT: Record<Exclude<keyof AccountConfig, 'id' | 'transport'>, Change> = {
  name: {
    before: { name: 'alice' },
    after: { name: 'al' },
    asked: async (scene) => {
      await dialled(scene)
      return scene.calls.at(-1)?.call.account.name
    },
  },
  proxy: {
    before: {},
    after: { proxy: { id: 'p', name: '', hops: ['sip:192.0.2.1;lr'] } },
    asked: (scene) => agent(scene).init.routeSet,
  },
  protocol: {
    before: { protocol: 'udp', transport: transport({ ports: { udp: 5060, tcp: 5060 } }) },
    after: { protocol: 'tcp', transport: transport({ ports: { udp: 5060, tcp: 5060 } }) },
    asked: (scene) => agent(scene).init.protocol,
  },
  aor: { before: {}, after: { aor: 'al@127.0.0.1' }, asked: (scene) => agent(scene).init.aor },
  transfers: {
    before: {},
    after: { transfers: 'follow' },
    asked: async (scene) => {
      const { dialog } = await answered(scene)
      const refer = dialog.offer(undefined, 'REFER', { 'Refer-To': '<sip:carol@127.0.0.1>' })
      return refer.rejected ?? refer.accepted?.status
    },
  },
  displayName: { before: {}, after: { displayName: 'Al' }, asked: (scene) => agent(scene).init.displayName },
  authUser: { before: {}, after: { authUser: 'abc' }, asked: credentials },
  password: { before: {}, after: { password: 'new' }, asked: credentials },
  realm: { before: { realm: 'pbx' }, after: { realm: 'other' }, asked: credentials },
  registrar: {
    before: {},
    after: { registrar: '192.0.2.1' },
    asked: async (scene) => (await registered(scene))?.target,
  },
  rewriteContact: {
    before: {},
    after: { rewriteContact: false },
    asked: async (scene) => {
      agent(scene).seen = 'rport=40000;received=127.0.0.9'
      await registered(scene)
      return agent(scene).published
    },
  },
  outbound: {
    before: {},
    after: { outbound: false },
    asked: async (scene) => (await registered(scene))?.contactParams,
  },
  keepFlow: {
    before: {},
    after: { keepFlow: true },
    asked: async (scene) => {
      await settled()
      scene.clock.advance(25_000)
      return agent(scene).keptAlive
    },
  },
  register: {
    before: { register: false },
    after: { register: true },
    asked: async (scene) => {
      await settled()
      return agent(scene).sent.length
    },
  },
  expiresSec: {
    before: { expiresSec: 600 },
    after: { expiresSec: 300 },
    asked: async (scene) => (await registered(scene))?.expires,
  },
  codecs: {
    before: { codecs: ['PCMA'] },
    after: { codecs: ['PCMU', 'PCMA'] },
    asked: async (scene) => /m=.*/.exec((await dialled(scene)).invite.init.body?.content ?? '')?.[0],
  },
  ringTimeoutMs: {
    before: { ringTimeoutMs: 30_000 },
    after: { ringTimeoutMs: 10_000 },
    asked: async (scene) => {
      await dialled(scene)
      return endAfter(scene, 10_000)
    },
  },
  dtmfToneMs: {
    before: { dtmfToneMs: 160 },
    after: { dtmfToneMs: 90 },
    asked: async (scene) => {
      const { callId, session } = await answered(scene)
      session.happen('started')
      const sent = scene.commands.sendDigits({ callId, digits: '1' })
      await settled()
      session.digitsSent[0]?.finish('finished')
      await sent
      return session.digitsSent[0]?.toneMs
    },
  },
  maxCalls: {
    before: { maxCalls: 10 },
    after: { maxCalls: 1 },
    asked: async (scene) => {
      await dialled(scene)
      return [await dialling(scene, '2'), agent(scene).init.handlers.admit(request('INVITE'))]
    },
  },
  maxCallsPerMinute: {
    before: { maxCallsPerMinute: 0 },
    after: { maxCallsPerMinute: 1 },
    asked: async (scene) => [await dialling(scene, '1'), await dialling(scene, '2')],
  },
  allowedTargets: { before: {}, after: { allowedTargets: ['2*'] }, asked: (scene) => dialling(scene, '1002') },
  blockedTargets: { before: {}, after: { blockedTargets: ['1*'] }, asked: (scene) => dialling(scene, '1002') },
  allowEmergency: { before: {}, after: { allowEmergency: true }, asked: (scene) => dialling(scene, '112') },
  anyUser: { before: {}, after: { anyUser: true }, asked: (scene) => agent(scene).init.anyUser },
  inboundFrom: {
    before: { inboundFrom: 'anyone' },
    after: { inboundFrom: 'known' },
    asked: (scene) => agent(scene).sources?.anyone,
  },
  dialPlan: {
    before: { dialPlan },
    after: { dialPlan: { ...dialPlan, addPrefix: '0' } },
    asked: async (scene) => (await dialled(scene)).invite.init.target,
  },
  callerIdBy: {
    before: {},
    after: { callerIdBy: 'ppi' },
    asked: async (scene) => {
      await scene.commands.dial({ accountId: 'a1', target: '1002', callerId: '4711' })
      return agent(scene).invites.at(-1)?.init.headers
    },
  },
  dtmfMode: {
    before: { dtmfMode: 'rfc4733' },
    after: { dtmfMode: 'info' },
    asked: async (scene) => {
      const { callId, dialog, session } = await answered(scene)
      session.happen('started')
      const sent = scene.commands.sendDigits({ callId, digits: '1' })
      await settled()
      session.digitsSent[0]?.finish('finished')
      await sent
      return dialog.requests
    },
  },
  redirects: {
    before: {},
    after: { redirects: 'refuse' },
    asked: async (scene) => {
      const { invite } = await dialled(scene)
      invite.handlers.failed(response(302, { headers: { Contact: '<sip:1003@127.0.0.1>' } }))
      await settled()
      return agent(scene).invites.length
    },
  },
  reliableProvisional: {
    before: {},
    after: { reliableProvisional: 'required' },
    asked: (scene) => agent(scene).init.reliableProvisional,
  },
  sessionExpiresSec: {
    before: {},
    after: { sessionExpiresSec: 0 },
    asked: (scene) => agent(scene).init.sessionExpiresSec,
  },
  delayedOffer: {
    before: {},
    after: { delayedOffer: true },
    asked: async (scene) => (await dialled(scene)).invite.init.body === undefined,
  },
  allowedSources: {
    before: { allowedSources: ['192.0.2.0/24'] },
    after: { allowedSources: ['192.0.2.0/25'] },
    asked: (scene) => agent(scene).sources?.known[0],
  },
  strangers: {
    before: { strangers: '403' },
    after: { strangers: 'silence' },
    asked: (scene) => agent(scene).sources?.strangers,
  },
  exposeHeaders: {
    before: {},
    after: { exposeHeaders: ['X-Ticket'] },
    asked: async (scene) => {
      await answered(scene)
      return scene.commands.calls(null)[0]?.headers
    },
  },
  mediaTimeoutMs: {
    before: {},
    after: { mediaTimeoutMs: 0 },
    asked: async (scene) => (await answered(scene)).session.connects.at(-1)?.timeoutMs,
  },
  abandonedAfterMs: {
    before: {},
    after: { abandonedAfterMs: 5_000 },
    asked: async (scene) => {
      await answered(scene)
      scene.clock.advance(2_500)
      return endAfter(scene, 2_500)
    },
  },
  mediaSource: {
    before: {},
    after: { mediaSource: 'latch' },
    asked: async (scene) => (await answered(scene)).session.connects.at(-1)?.natHosts,
  },
  orphanedCalls: {
    before: { orphanedCalls: 'hangup' },
    after: { orphanedCalls: 'keep' },
    asked: async (scene) => {
      const { callId } = await answered(scene)
      return scene.commands.orphan({ callId })
    },
  },
}

const at = (init: Partial<TransportConfig>): Config => ({ transport: transport(init) })

const TRANSPORT: Record<Exclude<keyof TransportConfig, 'id' | 'name'>, Change> = {
  ports: {
    before: {},
    after: at({ ports: { udp: 5070, tcp: 5060 } }),
    asked: (scene) => endpoint(scene)?.listeners,
  },
  ipVersion: {
    before: at({ bindAddress: '' }),
    after: at({ bindAddress: '', ipVersion: '6' }),
    asked: (scene) => scene.asked.at(-1)?.ipVersion,
  },
  keepAliveMs: {
    before: {},
    after: at({ keepAliveMs: 10_000 }),
    asked: async (scene) => {
      await scene.commands.register({ accountId: 'a1' })
      await settled()
      scene.clock.advance(24_000)
      return agent(scene).keptAlive.length
    },
  },
  bindAddress: { before: {}, after: at({ bindAddress: '127.0.0.2' }), asked: (scene) => endpoint(scene)?.host },
  publicAddress: {
    before: {},
    after: at({ publicAddress: '203.0.113.1' }),
    asked: (scene) => endpoint(scene)?.advertise?.host,
  },
  stunServer: {
    before: {},
    after: at({ stunServer: '198.51.100.7' }),
    asked: async (scene) => {
      await settled()
      return scene.network.live.flatMap(({ stunServers }) => stunServers)
    },
  },
  mediaAddress: {
    before: {},
    after: at({ mediaAddress: '203.0.113.2' }),
    asked: async (scene) => /^c=.*$/m.exec((await dialled(scene)).invite.init.body?.content ?? '')?.[0],
  },
  userAgent: { before: {}, after: at({ userAgent: 'new' }), asked: (scene) => endpoint(scene)?.userAgent },
  tls: { before: {}, after: at({ tls: { verify: 'chain' } }), asked: (scene) => endpoint(scene)?.tls?.verify },
  ws: { before: {}, after: at({ ws: { origins: ['*'] } }), asked: (scene) => endpoint(scene)?.ws?.origins },
  trace: { before: {}, after: at({ trace: true }), asked: ({ network }) => network.live.at(-1)?.isTraced },
  rtpPortMin: {
    before: {},
    after: at({ rtpPortMin: 12_000 }),
    asked: async (scene) => {
      await dialled(scene)
      return scene.media.opened.at(-1)?.portMin
    },
  },
  rtpPortMax: {
    before: {},
    after: at({ rtpPortMax: 12_000 }),
    asked: async (scene) => {
      await dialled(scene)
      return scene.media.opened.at(-1)?.portMax
    },
  },
}

/** What an engine says that was told these settings, one after the other. */
async function outcome(asked: Change['asked'], ...configs: Config[]): Promise<unknown> {
  const scene = makeEngine()
  await scene.commands.setInbound({ accountId: 'a1', rule: answerRule })
  for (const config of configs) await scene.commands.setAccount(account(config))
  return asked(scene)
}

for (const [what, changes] of Object.entries({ account: ACCOUNT, transport: TRANSPORT })) {
  describe(`a changed ${what}`, () => {
    for (const [field, { before, after, asked }] of Object.entries(changes)) {
      it(`counts at once: ${field}`, async () => {
        const changed = await outcome(asked, before, after)
        assert.deepEqual(changed, await outcome(asked, after), 'as if it had been so from the start')
        assert.notDeepEqual(changed, await outcome(asked, before))
      })

      it(`and so does the change back: ${field}`, async () => {
        assert.deepEqual(await outcome(asked, before, after, before), await outcome(asked, before))
      })
    }
  })
}

it('a change that the peers of an account cannot see leaves its registration and its transport as they are', async () => {
  const scene = makeEngine()
  await scene.commands.setAccount(account())
  const before = agent(scene)
  const unseen: Config = {
    name: 'another name',
    codecs: ['PCMU'],
    ringTimeoutMs: 5_000,
    dtmfToneMs: 200,
    exposeHeaders: ['X-Queue'],
    mediaTimeoutMs: 5_000,
    abandonedAfterMs: 5_000,
    orphanedCalls: 'keep',
    dialPlan: { ...dialPlan, countryCode: '49' },
    delayedOffer: true,
    redirects: 'refuse',
    callerIdBy: 'pai',
    dtmfMode: 'info',
    maxCallsPerMinute: 7,
    allowedTargets: ['1*'],
    blockedTargets: ['0900*'],
    allowEmergency: true,
  }
  for (const [field, value] of Object.entries({ ...unseen, ...at({ trace: true }) })) {
    await scene.commands.setAccount(account({ [field]: value }))
    assert.equal(agent(scene), before, field)
  }
  await scene.commands.setAccount(account({ displayName: 'Alice' }))
  assert.notEqual(agent(scene), before, 'a name that peers see')
})

it('a renewed certificate counts at once, and leaves registration, socket and calls as they are', async () => {
  const scene = makeEngine()
  const withPem = (pem: string) => at({ ports: { tls: 5061 }, tls: { pair: { certificate: { pem }, key: { pem } } } })
  await scene.commands.setAccount(account(withPem('old')))
  const before = agent(scene)
  await scene.commands.setAccount(account(withPem('new')))
  assert.equal(agent(scene), before)
  const renewed = scene.network.live.at(-1)?.renewedTls.map(({ pair }) => pair?.key)
  assert.deepEqual(renewed, [{ pem: 'new' }])
  await scene.commands.setAccount(account(withPem('new')))
  assert.equal(scene.network.live.at(-1)?.renewedTls.length, 1, 'the same certificate again')
  await scene.commands.setAccount(account({ ...withPem('newest'), displayName: 'Alice' }))
  assert.equal(scene.network.live.length, 1, 'also with another change: the same socket')
  assert.equal(scene.network.live.at(-1)?.renewedTls.length, 2)
})

it('two protocols that listen by TCP need two ports', async () => {
  const scene = makeEngine()
  await assert.rejects(scene.commands.setAccount(account(at({ ports: { udp: 5061, tls: 5061, wss: 5061 } }))), {
    code: 'BAD_CONFIG',
    message: /TLS and WSS cannot use the same port 5061/,
  })
})

describe('redirect', () => {
  it('sends callers only to where the account may call: TARGET_BLOCKED leaves the call as it is', async () => {
    const { commands, network, calls } = makeEngine()
    await commands.setAccount(account({ blockedTargets: ['0900*'], dialPlan: { ...dialPlan, countryCode: '49' } }))
    await commands.setInbound({ accountId: 'a1', rule: { ...answerRule, mode: 'flow' } })
    const invite = new FakeIncomingInvite(sdpBody(peerSdp()))
    network.agent('alice@127.0.0.1').init.handlers.invite(invite)
    await settled()
    const { callId = '' } = calls.at(-1) ?? {}
    for (const targets of [['112'], ['0900 1'], ['1002', '110'], ['+49 900 1'], ['sip:0900@x.example'], ['tel:112']]) {
      assert.equal(await codeOf(commands.redirect({ callId, targets })), 'TARGET_BLOCKED', targets.join())
    }
    assert.equal(invite.rejects.length, 0)
    await commands.redirect({ callId, targets: ['1002'] })
    assert.deepEqual(
      invite.rejects.map(({ status, headers }) => [status, headers?.map(([, value]) => value)]),
      [[302, ['<sip:1002@127.0.0.1>']]],
    )
  })
})
