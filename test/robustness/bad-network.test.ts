import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import type { AccountConfig } from '../../src/engine/protocol.js'
import type { IncomingInvite } from '../../src/sip/types.js'
import { AssembledEngine, NoSound } from '../support/assembled-engine.js'
import { BadNetwork } from '../support/bad-network.js'
import { ANSWER, BY_FLOW, engineInit, Heard, loopbackAccount } from '../support/engine-pair.js'
import { tell } from '../support/figures.js'
import { ANSWER as ANSWER_BODY, Party } from '../support/sip-parties.js'

const FAULTS = { loss: 0.2, doubled: 0.05, late: 0.1, delayMs: 50 }
/** The whole run; RFC 3261's timers, Timer B and H included, have to fit. */
const LIMIT_MS = 100_000
const PER_SECOND = 100

const KINDS = { plain: 1000, refused: 100, cancelled: 100, challenged: 200 } as const
type Kind = keyof typeof KINDS

/** The kinds of calls are spread evenly over the run. */
function* order(): Generator<{ kind: Kind; index: number }> {
  const left: Record<Kind, number> = { ...KINDS }
  const all = Object.keys(KINDS) as Kind[]
  const total = Math.max(...Object.values(KINDS))
  for (let turn = 0; turn < total; turn++) {
    for (const kind of all) {
      const due = Math.floor(((turn + 1) * KINDS[kind]) / total)
      if (KINDS[kind] - left[kind] < due) yield { kind, index: KINDS[kind] - left[kind]-- }
    }
  }
}

describe('a network that loses 20 % each way, doubles 5 % and delivers 10 % late', function () {
  this.timeout(LIMIT_MS + 20_000)

  const plain = 'plain'
  let caller: AssembledEngine
  let callee: AssembledEngine
  let guard: Party
  let networks: [BadNetwork, BadNetwork]

  const account = (id: string, network: BadNetwork, side: 0 | 1, changes: Partial<AccountConfig> = {}) => {
    const config = loopbackAccount(id, { maxCalls: 5000, ringTimeoutMs: 60_000, ...changes })
    const publicAddress = `127.0.0.1:${network.ports[side]}`
    return { ...config, transport: { ...config.transport, id: `side-${network.ports[side]}`, publicAddress } }
  }

  before(async () => {
    networks = await Promise.all([1, 2].map((seed) => BadNetwork.open({ ...FAULTS, seed })) as never)
    const [straight, guarded] = networks
    caller = new AssembledEngine(engineInit(), { media: new NoSound() })
    callee = new AssembledEngine(engineInit(), { media: new NoSound() })
    const { local: callerLocal } = await caller.call('setAccount', account('caller', straight, 0))
    const { local: askedLocal } = await caller.call(
      'setAccount',
      account('asked', guarded, 0, { authUser: 'asked', password: 'open sesame' }),
    )
    for (const [id, rule] of [
      [plain, ANSWER],
      ['refused', { ...ANSWER, mode: 'reject', rejectStatus: 486 }],
      ['cancelled', { ...BY_FLOW, decideMs: 90_000 }],
    ] as const) {
      const { local } = await callee.call('setAccount', account(id, straight, 1, { allowedSources: ['127.0.0.1'] }))
      await callee.call('setInbound', { accountId: id, rule })
      straight.connect(callerLocal.port, local.port)
    }
    guard = await Party.open('guard', { advertisePort: guarded.ports[1] })
    guarded.connect(askedLocal.port, guard.endpoint.local.port)
  })

  after(async () => {
    await Promise.all([caller.close(), callee.close(), guard.close()])
    await Promise.all(networks.map((network) => network.close()))
  })

  it('loses no call, doubles no dialog, leaves none behind', async () => {
    const [out, inbound] = [new Heard(caller), new Heard(callee)]
    const guarded = serveGuarded(guard)
    const callIds: Record<Kind, string[]> = { plain: [], refused: [], cancelled: [], challenged: [] }
    caller.on('call', (event) => {
      if (event.type === 'call.answered') void caller.call('hangup', { callId: event.callId })
    })
    const startedMs = performance.now()
    let dialled = 0
    for (const { kind, index } of order()) {
      await delay((dialled++ * 1000) / PER_SECOND - (performance.now() - startedMs))
      const callId = `${kind}-${index}`
      callIds[kind].push(callId)
      const [straight, guardedNetwork] = networks
      const asked = kind === 'challenged'
      await caller.call('dial', {
        accountId: asked ? 'asked' : 'caller',
        target: asked ? `sip:guard@127.0.0.1:${guardedNetwork.ports[1]}` : `sip:${kind}@127.0.0.1:${straight.ports[1]}`,
        callId,
        ...(asked ? { headers: { 'X-Ask': index % 2 ? '401' : '407' } } : {}),
      })
      if (kind === 'cancelled') setTimeout(() => void caller.call('hangup', { callId }), 1_000)
    }
    const over = async () => {
      while (
        (await caller.call('calls', null)).length + (await callee.call('calls', null)).length + guarded.open.size >
        0
      )
        await delay(100)
    }
    await Promise.race([over(), delay(LIMIT_MS - (performance.now() - startedMs), undefined, { ref: false })])

    const seconds = (performance.now() - startedMs) / 1000
    const causes = new Map(out.events.flatMap((e) => (e.type === 'call.ended' ? [[e.callId, e.end.cause]] : [])))
    const answered = new Set(out.events.flatMap((e) => (e.type === 'call.answered' ? [e.callId] : [])))
    const clean = (kind: Kind, cause: string, wasAnswered: boolean) =>
      callIds[kind].filter((id) => causes.get(id) === cause && answered.has(id) === wasAnswered).length
    const calleeEnds = (user: string, cause: string) =>
      inbound.events.filter((e) => e.type === 'call.ended' && e.call.account.id === user && e.end.cause === cause)
        .length
    const incoming = inbound.events.flatMap((e) => (e.type === 'call.incoming' ? [e.call.sipCallId] : []))
    const doubled = incoming.length - new Set(incoming).size + guarded.doubled()
    const { sent, lost } = networks.reduce(
      (sum, { counts }) => ({ sent: sum.sent + counts.sent, lost: sum.lost + counts.lost }),
      { sent: 0, lost: 0 },
    )
    const figures = {
      plain: Math.min(clean('plain', 'normal', true), calleeEnds(plain, 'normal')),
      refused: clean('refused', 'busy', false),
      cancelled: Math.min(clean('cancelled', 'cancelled', false), calleeEnds('cancelled', 'cancelled')),
      challenged: Math.min(clean('challenged', 'normal', true), guarded.ended()),
    }
    const lossPercent = ((100 * lost) / sent).toFixed(1)
    tell(
      `calls through a bad network (${sent} datagrams, ${lossPercent} % lost, ${seconds.toFixed(0)} s)`,
      Object.entries(figures)
        .map(([kind, count]) => `${kind} ${count} of ${KINDS[kind as Kind]}`)
        .join(', '),
      '1000 of 1000 set up and ended cleanly on both sides; all others too',
    )
    tell('dialogs doubled', `${doubled}`, 'none')
    assert.deepEqual(figures, KINDS)
    assert.equal(doubled, 0)
    assert.deepEqual([...guarded.open], [])
  })
})

/** Asks every INVITE for credentials, as its X-Ask header says, and accepts it when credentials are present. */
function serveGuarded(guard: Party) {
  const open = new Set<string>()
  const taken: string[] = []
  let ended = 0
  const take = (invite: IncomingInvite) => {
    const { request } = invite
    const status = Number(request.header('X-Ask'))
    const [ask, credentials] =
      status === 401 ? ['WWW-Authenticate', 'Authorization'] : ['Proxy-Authenticate', 'Proxy-Authorization']
    if (!/username="asked".*response="[0-9a-f]{32}"/.test(request.header(credentials) ?? '')) {
      invite.reject(status, { headers: [[ask, 'Digest realm="guard", nonce="n1", qop="auth", algorithm=MD5']] })
      return
    }
    taken.push(request.callId)
    open.add(request.callId)
    invite.progress(180)
    invite.accept({ body: ANSWER_BODY }).handlers.bye = () => {
      open.delete(request.callId)
      ended++
    }
  }
  const serve = async () => {
    for (;;) take(await guard.invites.next())
  }
  void serve()
  return { open, ended: () => ended, doubled: () => taken.length - new Set(taken).size }
}
