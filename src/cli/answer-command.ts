import type { AccountConfig, Engine } from '../engine/protocol.js'
import { accountFrom } from './account-options.js'
import { aborted, type CommandContext, EXIT, startEngine } from './context.js'
import { bracketed, parseListen } from './listen.js'
import { UsageError } from './options.js'
import { type Ended, type Outcome, outcomeOf } from './outcome.js'
import { Performer } from './performer.js'
import { registrationFailure } from './registration-failure.js'
import type { Report } from './report.js'
import { checkSound, rootsOf, soundFrom } from './sound.js'

const LONGEST_RING_SEC = 180

/** One call that has ended. */
interface Served {
  ended: Ended
  outcome: Outcome
}

/** Answers calls until Ctrl-C, or one with --once. */
export async function runAnswer(context: CommandContext): Promise<number> {
  const { options, report, version, signal } = context
  if (options.positionals.length > 0) {
    throw new UsageError(`“${options.positionals[0]}” is not an option. This command accepts only options`)
  }
  const listen = parseListen(options.text('listen'))
  const server = options.text('server')
  if (!server && listen.host === '')
    throw new UsageError('the server is missing. Use --server, or --listen with an address for direct calls')
  const plan = soundFrom(options, options.text('press'))
  const ringMs = options.durationMs('ring-time', LONGEST_RING_SEC) ?? 0
  // Without a server, on a loopback address, only this machine can call.
  const inboundFrom = !server && (listen.host.startsWith('127.') || listen.host === '::1') ? 'anyone' : 'known'
  const account = accountFrom(options, version, { register: Boolean(server), anyUser: true, inboundFrom })
  const once = options.flag('once')
  const served: Served[] = []
  const engine = await startEngine(context, rootsOf(plan))
  try {
    await checkSound(engine, plan)
    const rule = { mode: 'answer', sendRinging: false, decideMs: 0, rejectStatus: 480, owner: null, ringMs } as const
    await engine.call('setInbound', { accountId: account.id, rule })
    const first = new Promise<void>((resolve) => {
      serve(engine, report, new Performer(engine, plan), (call) => {
        served.push(call)
        // With --once the summary of the call is the last line of the run.
        if (once) resolve()
        else report.summary(call.ended, call.outcome)
      })
    })
    watchRegistration(engine, account, report)
    const { local, listeners } = await engine.call('setAccount', account)
    const places = listeners.map(({ protocol, host, port }) => `${protocol}://${bracketed(host)}:${port}`)
    const where = places.length > 0 ? `listening on ${places.join(', ')}` : `waiting for calls from ${server}`
    report.say('listening', { ...local, listeners }, `${where} (Ctrl-C ends)`)
    await Promise.race([aborted(signal), ...(once ? [first] : [])])
  } finally {
    await engine.close()
  }
  return sumUp(served, report, once)
}

/** Serves all calls; `done` is called at the end of each call. */
function serve(engine: Engine, report: Report, performer: Performer, done: (call: Served) => void): void {
  engine.on('call', (event) => {
    report.callEvent(event)
    performer.hear(event)
    if (event.type !== 'call.ended') return
    done({ ended: event, outcome: outcomeOf(event, performer.takeFailure(event.callId)) })
  })
}

function sumUp(served: readonly Served[], report: Report, once: boolean): number {
  const [first] = served
  if (once && first) {
    report.summary(first.ended, first.outcome)
    return first.outcome.ok ? EXIT.ok : EXIT.failed
  }
  const failed = served.filter(({ outcome }) => !outcome.ok).length
  report.say('summary', { ok: true, calls: served.length, failed }, `calls: ${served.length}, failed: ${failed}`)
  return EXIT.ok
}

function watchRegistration(engine: Engine, account: AccountConfig, report: Report): void {
  engine.on('registration', ({ registration }) => {
    const text = registration.state === 'registered' ? `registered as ${registration.contact}` : ''
    report.say('registration', registration, text)
    // Status 0: the socket could not be opened; `setAccount` has already rejected with the reason.
    if (registration.state !== 'failed' || registration.status === 0) return
    const { problem, advice } = registrationFailure(registration, account)
    report.fail(`${problem}, next try ${registration.retryAt}`, advice)
  })
}
