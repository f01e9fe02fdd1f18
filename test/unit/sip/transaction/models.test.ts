import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { InviteClient } from '../../../../src/sip/transaction/invite-client.js'
import type { InviteServer } from '../../../../src/sip/transaction/invite-server.js'
import type { NonInviteServer } from '../../../../src/sip/transaction/non-invite-server.js'
import { Bench, incoming, outgoing, responseOf, responseTo } from './fixture.js'
import { type Input, inviteClient, inviteServer, type Model, nonInviteClient, nonInviteServer } from './naive-models.js'

/** Ours, and how an input reaches it. */
interface Subject {
  bench: Bench
  transaction: { readonly state: string }
  take(input: Input): Promise<void> | void
}

/** One step: time goes by, and then something comes. */
interface Step {
  waitMs: number
  input: Input
}

/** Mostly short, so that much comes in one state, and often as long as a timer. */
const wait = fc.oneof(
  { weight: 6, arbitrary: fc.constant(0) },
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 1_001 }) },
  { weight: 3, arbitrary: fc.constantFrom(499, 500, 1_000, 4_000, 4_999, 5_000, 31_000, 31_999, 32_000) },
  { weight: 1, arbitrary: fc.integer({ min: 1_001, max: 32_001 }) },
)
const status = fc.constantFrom(100, 180, 183, 200, 202, 302, 401, 486, 500, 603)
const inputs = (kinds: readonly Input['kind'][], withStatus: 'response' | 'respond'): fc.Arbitrary<Input> =>
  fc.oneof(
    { weight: 3, arbitrary: status.map((each): Input => ({ kind: withStatus, status: each })) },
    { weight: 3, arbitrary: fc.constantFrom(...kinds).map((kind) => ({ kind }) as Input) },
    { weight: 1, arbitrary: fc.constant<Input>({ kind: 'response', status: 100 }) },
  )
const steps = (input: fc.Arbitrary<Input>): fc.Arbitrary<Step[]> =>
  fc.array(fc.record({ waitMs: wait, input }), { minLength: 1, maxLength: 30, size: 'max' })
const protocols = fc.constantFrom('udp' as const, 'tcp' as const)

/** What ours has done so far, in the words of the models. */
function watch(bench: Bench): string[] {
  const events: string[] = []
  let hasCancel = false
  const see = (what: string): void => {
    if (what === 'sends CANCEL' && hasCancel) return // it has a transaction of its own, and repeats
    hasCancel ||= what === 'sends CANCEL'
    events.push(`${bench.clock.now()} ${what}`)
  }
  bench.flow.passing = (text) => see(`sends ${/^(?:SIP\/2\.0 )?(\w+)/.exec(text)?.[1]}`)
  bench.told.push = (...items) => {
    for (const item of items) see(item.endsWith(' passed on') ? `passes on ${item.split(' ')[0]}` : `tells ${item}`)
    return 0
  }
  return events
}

/** Both get the same; after each step they have done the same and are in the same state. */
async function compare(subject: Subject, ours: string[], model: Model, steps: readonly Step[]): Promise<void> {
  let now = 0
  for (const { waitMs, input } of [...steps, { waitMs: 70_000, input: { kind: 'ended' } satisfies Input }]) {
    subject.bench.clock.advance(waitMs)
    for (const until = now + waitMs; now < until; )
      if (model.state === 'terminated') now = until
      else model.tick(++now)
    await subject.take(input)
    model.take(input, now)
    assert.deepEqual({ state: subject.transaction.state, events: ours }, { state: model.state, events: model.events })
  }
  assert.deepEqual(subject.bench.errors, [])
}

const CLIENT_KINDS = ['unsent', 'ended', 'close', 'cancel'] as const

function takeByClient(bench: Bench, client: { close(reason: string): void }, invite?: InviteClient): Subject['take'] {
  const { layer, flow } = bench
  const request = flow.sent[0] ?? ''
  return async (input) => {
    if (input.kind === 'response') layer.receiveResponse(responseTo(request, input.status))
    else if (input.kind === 'unsent') await flow.fail(0)
    else if (input.kind === 'ended') layer.flowEnded(flow, 'it has ended')
    else if (input.kind === 'close') client.close('given up')
    else if (invite) layer.cancel(invite, outgoing('CANCEL'), { provisional() {}, final() {}, failed() {} })
  }
}

function takeByServer(bench: Bench, server: InviteServer | NonInviteServer, method: string): Subject['take'] {
  const receive = (name: string): void => {
    if (!bench.layer.receiveRequest(incoming(name))) bench.told.push(`${name} passed on`)
  }
  return (input) => {
    if (input.kind === 'respond') server.respond(input.status, responseOf(input.status))
    else if (input.kind === 'request') receive(method)
    else if (input.kind === 'ack') receive('ACK')
    else if (input.kind === 'cancel') bench.layer.inviteOf(incoming('CANCEL'))?.cancel(incoming('CANCEL'))
    else if (input.kind === 'await' && 'awaitAnswer' in server) server.awaitAnswer()
    else if (input.kind === 'close') server.close()
  }
}

describe('transactions do what naive models of RFC 3261 17 do, whatever comes when', () => {
  const RUNS = { numRuns: 300 }

  it('INVITE client (17.1.1, RFC 6026 7.2, 9.1)', () =>
    fc.assert(
      fc.asyncProperty(protocols, steps(inputs(CLIENT_KINDS, 'response')), async (protocol, each) => {
        const bench = new Bench(protocol)
        const ours = watch(bench)
        const transaction = bench.layer.invite(outgoing('INVITE'), bench.flow, bench.clientUser)
        const subject = { bench, transaction, take: takeByClient(bench, transaction, transaction) }
        await compare(subject, ours, inviteClient(protocol === 'tcp'), each)
      }),
      RUNS,
    ))

  it('non-INVITE client (17.1.2)', () =>
    fc.assert(
      fc.asyncProperty(protocols, steps(inputs(['unsent', 'ended', 'close'], 'response')), async (protocol, each) => {
        const bench = new Bench(protocol)
        const ours = watch(bench)
        const transaction = bench.layer.request(outgoing('OPTIONS'), bench.flow, bench.clientUser)
        const subject = { bench, transaction, take: takeByClient(bench, transaction) }
        await compare(subject, ours, nonInviteClient(protocol === 'tcp'), each)
      }),
      RUNS,
    ))

  it('INVITE server (17.2.1, RFC 6026 7.1)', () =>
    fc.assert(
      fc.asyncProperty(
        protocols,
        fc.boolean(),
        steps(inputs(['request', 'ack', 'cancel', 'close'], 'respond')),
        async (protocol, known, each) => {
          const bench = new Bench(protocol)
          const ours = watch(bench)
          const init = { toTag: 'ours', known, user: bench.serverUser }
          const transaction = bench.layer.open(incoming('INVITE'), bench.flow, init)
          const subject = { bench, transaction, take: takeByServer(bench, transaction, 'INVITE') }
          await compare(subject, ours, inviteServer(protocol === 'tcp', known), each)
        },
      ),
      RUNS,
    ))

  it('non-INVITE server (17.2.2)', () =>
    fc.assert(
      fc.asyncProperty(protocols, steps(inputs(['request', 'await', 'close'], 'respond')), async (protocol, each) => {
        const bench = new Bench(protocol)
        const ours = watch(bench)
        const init = { toTag: 'ours', known: true, user: bench.serverUser }
        const transaction = bench.layer.open(incoming('OPTIONS'), bench.flow, init)
        const subject = { bench, transaction, take: takeByServer(bench, transaction, 'OPTIONS') }
        await compare(subject, ours, nonInviteServer(protocol === 'tcp'), each)
      }),
      RUNS,
    ))
})
