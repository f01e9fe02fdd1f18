import type { Engine } from '../engine/protocol.js'
import { accountFrom } from './account-options.js'
import { adviceForStatus } from './advice.js'
import { targetFrom } from './call-target.js'
import { aborted, type CommandContext, EXIT, registered, startEngine } from './context.js'
import { type Ended, outcomeOf } from './outcome.js'
import { Performer } from './performer.js'
import { checkSound, rootsOf, soundFrom } from './sound.js'

/** Places one call and waits for its end. */
export async function runCall(context: CommandContext): Promise<number> {
  const { options, report, version, signal } = context
  const { target, host: targetHost } = targetFrom(options)
  const plan = soundFrom(options, options.text('digits'))
  const account = accountFrom(options, version, {
    register: options.flag('register'),
    target,
    ...(targetHost === undefined ? {} : { targetHost }),
  })
  const engine = await startEngine(context, rootsOf(plan))
  try {
    await checkSound(engine, plan)
    const registration = account.register ? registered(engine, account.id) : undefined
    await engine.call('setAccount', account)
    const refused = await Promise.race([registration, aborted(signal)])
    if (refused) {
      report.fail(`registration failed: ${refused.status} ${refused.reason}`, adviceForStatus(refused.status))
      return EXIT.failed
    }
    if (signal.aborted) {
      report.fail('interrupted before the call was placed')
      return EXIT.failed
    }
    const performer = new Performer(engine, plan)
    const ended = await placeCall(engine, { accountId: account.id, target }, performer, context)
    const outcome = outcomeOf(ended, performer.takeFailure(ended.callId))
    report.summary(ended, outcome)
    return outcome.ok ? EXIT.ok : EXIT.failed
  } finally {
    await engine.close()
  }
}

async function placeCall(
  engine: Engine,
  call: { accountId: string; target: string },
  performer: Performer,
  { report, signal }: CommandContext,
): Promise<Ended> {
  const ended = new Promise<Ended>((resolve) => {
    engine.on('call', (event) => {
      report.callEvent(event)
      performer.hear(event)
      if (event.type === 'call.ended') resolve(event)
    })
  })
  const { callId } = await engine.call('dial', call)
  const hangUp = () => void engine.call('hangup', { callId }).catch(() => {})
  if (signal.aborted) hangUp()
  signal.addEventListener('abort', hangUp)
  try {
    return await ended
  } finally {
    signal.removeEventListener('abort', hangUp)
  }
}
