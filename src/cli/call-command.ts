import { deferred } from '../base/deferred.js'
import type { DialCommand, Engine } from '../engine/protocol.js'
import { accountFrom } from './account-options.js'
import { callOptionsFrom, callSettingsFrom } from './call-options.js'
import { targetFrom } from './call-target.js'
import { aborted, type CommandContext, EXIT, registered, startEngine } from './context.js'
import { type Ended, outcomeOf } from './outcome.js'
import { Performer } from './performer.js'
import { firstHop, registrationFailure } from './registration-failure.js'
import { checkSound, rootsOf, soundFrom } from './sound.js'
import { tellWaiting } from './waiting.js'

/** Places one call and waits for its end. */
export async function runCall(context: CommandContext): Promise<number> {
  const { options, report, version, signal } = context
  const { target, host: targetHost } = targetFrom(options)
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
    const ended = await placeCall(engine, { accountId: account.id, target, ...how }, performer, context)
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
