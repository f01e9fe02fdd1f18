import { randomUUID } from 'node:crypto'
import { deferred } from '../base/deferred.js'
import { TelephonyError } from '../base/errors.js'
import type { DialCommand, DialGroupCommand, DialGroupResult, Engine, EngineEvents } from '../engine/protocol.js'
import { accountFrom } from './account-options.js'
import { groupFrom } from './call-group.js'
import { callOptionsFrom, callSettingsFrom } from './call-options.js'
import { targetsFrom } from './call-target.js'
import { aborted, type CommandContext, EXIT, registered, startEngine } from './context.js'
import { type Ended, outcomeOf } from './outcome.js'
import { Performer } from './performer.js'
import { firstHop, registrationFailure } from './registration-failure.js'
import { checkSound, rootsOf, soundFrom } from './sound.js'
import { tellWaiting } from './waiting.js'

type CallEvent = EngineEvents['call']

/** Places one call, or a group of which one call wins, and waits for its end. */
export async function runCall(context: CommandContext): Promise<number> {
  const { options, report, version, signal } = context
  const targets = targetsFrom(options)
  const [{ target, host: targetHost }] = targets
  const group = groupFrom(
    options,
    targets.map((one) => one.target),
  )
  const plan = soundFrom(options, options.text('digits'))
  const how = callOptionsFrom(options)
  const account = {
    ...accountFrom(options, version, {
      register: options.flag('register'),
      target,
      ...(targetHost === undefined ? {} : { targetHost }),
    }),
    ...callSettingsFrom(options),
  }
  const engine = await startEngine(context, rootsOf(plan))
  try {
    await checkSound(engine, plan)
    const registration = account.register ? registered(engine, account.id) : Promise.resolve(undefined)
    await engine.call('setAccount', account)
    const refused = await tellWaiting(Promise.race([registration, aborted(signal)]), firstHop(account), context)
    if (refused) {
      const { problem, advice } = registrationFailure(refused, account)
      report.fail(problem, advice)
      report.findings((await engine.call('trace', { format: 'diagnosis' })).findings)
      return EXIT.failed
    }
    if (signal.aborted) {
      report.fail('interrupted before the call was placed')
      return EXIT.failed
    }
    const performer = new Performer(engine, plan)
    const ended = group
      ? await placeGroup(engine, { accountId: account.id, ...how, ...group }, performer, context)
      : await placeCall(engine, { accountId: account.id, target, ...how }, performer, context)
    const outcome = outcomeOf(ended, performer.takeFailure(ended.callId))
    report.summary(ended, outcome)
    return outcome.ok ? EXIT.ok : EXIT.failed
  } finally {
    await engine.close()
  }
}

async function placeCall(
  engine: Engine,
  call: DialCommand,
  performer: Performer,
  context: CommandContext,
): Promise<Ended> {
  const { report, signal } = context
  const heard = deferred<void>()
  const ended = deferred<Ended>()
  engine.on('call', (event) => {
    report.callEvent(event)
    performer.hear(event)
    if (event.type === 'call.trying') void tellWaiting(heard.promise, event.call.to.uri, context)
    else heard.resolve()
    if (event.type === 'call.ended') ended.resolve(event)
  })
  const { callId } = await engine.call('dial', call)
  const hangUp = () => void engine.call('hangup', { callId }).catch(() => {})
  if (signal.aborted) hangUp()
  signal.addEventListener('abort', hangUp)
  try {
    return await ended.promise
  } finally {
    signal.removeEventListener('abort', hangUp)
  }
}

/** Rings several targets. The plan is performed on the call that has won. */
async function placeGroup(
  engine: Engine,
  command: Omit<DialGroupCommand, 'groupId'>,
  performer: Performer,
  { report, signal }: CommandContext,
): Promise<Ended> {
  const groupId = randomUUID()
  const answered = new Map<string, CallEvent>()
  const ends = new Map<string, Ended>()
  const over = deferred<void>()
  let winner: string | null = null
  engine.on('call', (event) => {
    report.callEvent(event)
    if (event.type === 'call.answered') answered.set(event.callId, event)
    if (event.type === 'call.ended') ends.set(event.callId, event)
    if (event.callId !== winner) return
    performer.hear(event)
    if (event.type === 'call.ended') over.resolve()
  })
  const giveUp = () => {
    if (winner === null) void engine.call('cancelGroup', { groupId }).catch(() => {})
    else void engine.call('hangup', { callId: winner }).catch(() => {})
  }
  signal.addEventListener('abort', giveUp)
  try {
    const dialled = engine.call('dialGroup', { groupId, ...command })
    if (signal.aborted) giveUp()
    const result = await dialled
    report.say('group', { ...result }, '')
    winner = result.callId
    const answer = winner === null ? undefined : answered.get(winner)
    if (winner === null || !answer) return unanswered(result, ends)
    performer.hear(answer)
    const early = ends.get(winner)
    if (!early) await over.promise
    return ends.get(winner) ?? unanswered(result, ends)
  } finally {
    signal.removeEventListener('abort', giveUp)
  }
}

/** The end of the group, told of its last call. */
function unanswered({ end, attempts }: DialGroupResult, ends: ReadonlyMap<string, Ended>): Ended {
  const last = attempts.findLast(({ callId }) => callId !== null && ends.has(callId))
  const ended = ends.get(last?.callId ?? '')
  if (!ended) throw new TelephonyError('INTERNAL', 'no call of the group has ended')
  return { ...ended, end: end ?? ended.end }
}
