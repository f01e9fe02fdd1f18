import type { Engine } from '../engine/protocol.js'
import { accountFrom } from './account-options.js'
import { adviceFor, adviceForStatus } from './advice.js'
import { aborted, type CommandContext, type Ended, EXIT, startEngine } from './context.js'
import { bracketed, parseListen } from './listen.js'
import { UsageError } from './options.js'
import { type Report, wentWell } from './report.js'
import { endsBySound, perform, rootsOf, type SoundPlan, soundFrom } from './sound.js'

const LONGEST_RING_SEC = 180

/** Answers calls until Ctrl-C, or one with --once. */
export async function runAnswer(context: CommandContext): Promise<number> {
  const { options, report, version, signal } = context
  if (options.positionals.length > 0) throw new UsageError(`“${options.positionals[0]}” is not understood`)
  const listen = parseListen(options.text('listen'))
  const server = options.text('server')
  if (!server && listen.host === '') throw new UsageError('give --server, or --listen with an address to be called at')
  const plan = soundFrom(options, options.text('press'))
  const ringMs = options.durationMs('ring-time', LONGEST_RING_SEC) ?? 0
  // Without a server, on loopback, only this machine can call: nothing to be careful about.
  const inboundFrom = !server && (listen.host.startsWith('127.') || listen.host === '::1') ? 'anyone' : 'known'
  const account = accountFrom(options, version, { register: Boolean(server), anyUser: true, inboundFrom })
  const engine = await startEngine(context, rootsOf(plan))
  try {
    const rule = { mode: 'answer', sendRinging: false, decideMs: 0, rejectStatus: 480, owner: null, ringMs } as const
    await engine.call('setInbound', { accountId: account.id, rule })
    const first = firstCall(engine, report, plan)
    watchRegistration(engine, report)
    const { local } = await engine.call('setAccount', account)
    report.say(
      'listening',
      local,
      `listening on ${account.transport.protocol}://${bracketed(local.host)}:${local.port} (Ctrl-C ends)`,
    )
    const ended = await Promise.race([aborted(signal), options.flag('once') ? first : new Promise<never>(() => {})])
    if (!ended || wentWell(ended)) return EXIT.ok
    report.fail(`call failed: ${ended.end.cause}, ${ended.end.reason}`, adviceFor(ended.end))
    return EXIT.failed
  } finally {
    await engine.close()
  }
}

/** Serves every call; resolves with the first one that has ended. */
function firstCall(engine: Engine, report: Report, plan: SoundPlan): Promise<Ended> {
  let nth = 0
  const timers = new Map<string, NodeJS.Timeout>()
  return new Promise((resolve) => {
    engine.on('call', (event) => {
      const { callId } = event
      report.callEvent(event)
      if (event.type === 'call.answered') {
        const hangUp = () => void engine.call('hangup', { callId }).catch(() => {})
        if (plan.durationMs !== undefined) timers.set(callId, setTimeout(hangUp, plan.durationMs))
        perform(engine, callId, plan, ++nth).then(
          () => {
            if (plan.durationMs === undefined && endsBySound(plan)) hangUp()
          },
          (error: Error) => {
            report.fail(error.message)
            hangUp()
          },
        )
      }
      if (event.type === 'call.ended') {
        clearTimeout(timers.get(callId))
        timers.delete(callId)
        report.summary(event)
        resolve(event)
      }
    })
  })
}

function watchRegistration(engine: Engine, report: Report): void {
  engine.on('registration', ({ registration }) => {
    const text = registration.state === 'registered' ? `registered as ${registration.contact}` : ''
    report.say('registration', registration, text)
    // 0: the socket could not be opened, which `setAccount` says.
    if (registration.state !== 'failed' || registration.status === 0) return
    const { status, reason, retryAt } = registration
    report.fail(`registration failed: ${status} ${reason}, next try ${retryAt}`, adviceForStatus(status))
  })
}
