import type { Engine } from '../engine/protocol.js'
import { accountFrom } from './account-options.js'
import { adviceFor, adviceForStatus } from './advice.js'
import { targetFrom } from './call-target.js'
import { aborted, type CommandContext, type Ended, EXIT, registered, startEngine } from './context.js'
import { wentWell } from './report.js'
import { endsBySound, perform, rootsOf, type SoundPlan, soundFrom } from './sound.js'

/** Places one call and stays until it has ended. */
export async function runCall(context: CommandContext): Promise<number> {
  const { options, report, version } = context
  const { target, host: targetHost } = targetFrom(options)
  const plan = soundFrom(options, options.text('digits'))
  const account = accountFrom(options, version, {
    register: options.flag('register'),
    target,
    ...(targetHost === undefined ? {} : { targetHost }),
  })
  const engine = await startEngine(context, rootsOf(plan))
  try {
    const registration = account.register ? registered(engine, account.id) : undefined
    await engine.call('setAccount', account)
    const refused = await Promise.race([registration, aborted(context.signal)])
    if (context.signal.aborted) return EXIT.failed
    if (refused) {
      report.fail(`registration failed: ${refused.status} ${refused.reason}`, adviceForStatus(refused.status))
      return EXIT.failed
    }
    const ended = await placeCall(engine, account.id, target, plan, context)
    report.summary(ended)
    if (wentWell(ended)) return EXIT.ok
    const { cause, sipCode, reason } = ended.end
    report.fail(
      `call failed: ${cause}${sipCode ? `, ${sipCode} ${reason}` : `, ${reason}`}`,
      adviceFor(ended.end, ended.cdr.ringingAt !== null),
    )
    return EXIT.failed
  } finally {
    await engine.close()
  }
}

async function placeCall(
  engine: Engine,
  accountId: string,
  target: string,
  plan: SoundPlan,
  { report, signal }: CommandContext,
): Promise<Ended> {
  let callId = ''
  const hangUp = () => void engine.call('hangup', { callId }).catch(() => {})
  let timer: NodeJS.Timeout | undefined
  const ended = new Promise<Ended>((resolve, reject) => {
    engine.on('call', (event) => {
      report.callEvent(event)
      if (event.type === 'call.ended') resolve(event)
      if (event.type !== 'call.answered') return
      if (plan.durationMs !== undefined) timer = setTimeout(hangUp, plan.durationMs)
      perform(engine, event.callId, plan, 1).then(
        () => {
          if (plan.durationMs === undefined && endsBySound(plan)) hangUp()
        },
        (error) => {
          reject(error)
          hangUp()
        },
      )
    })
  })
  ended.catch(() => {}) // awaited below, after the dial itself
  ;({ callId } = await engine.call('dial', { accountId, target }))
  if (signal.aborted) hangUp()
  signal.addEventListener('abort', hangUp)
  try {
    return await ended
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', hangUp)
  }
}
