import { accountFrom } from './account-options.js'
import { aborted, type CommandContext, EXIT, registered, startEngine } from './context.js'
import { UsageError } from './options.js'
import { firstHop, registrationFailure } from './registration-failure.js'
import { tellWaiting } from './waiting.js'

/** Registers, reports the result, and stays registered until Ctrl-C. */
export async function runRegister(context: CommandContext): Promise<number> {
  const { options, report, version, signal } = context
  if (options.positionals.length > 0)
    throw new UsageError(`“${options.positionals[0]}” is not an option. This command accepts only options`)
  if (!options.text('server') || !options.text('user'))
    throw new UsageError('the server or the user is missing. Use --server and --user')
  const account = accountFrom(options, version, { register: true })
  const engine = await startEngine(context)
  let wasRegistered = false
  try {
    engine.on('registration', ({ registration }) => {
      wasRegistered ||= registration.state === 'registered'
      const texts = {
        idle: wasRegistered ? 'un-registered' : '',
        registering: `registering ${account.aor}`,
        registered: registration.state === 'registered' ? `registered until ${registration.expiresAt}` : '',
        failed: '',
        unregistering: '',
      }
      report.say('registration', registration, texts[registration.state])
    })
    const outcome = registered(engine, account.id)
    await engine.call('setAccount', account)
    const refused = await tellWaiting(Promise.race([outcome, aborted(signal)]), firstHop(account), context)
    if (refused) {
      const { problem, advice } = registrationFailure(refused, account)
      report.fail(problem, advice)
      report.findings((await engine.call('trace', { format: 'diagnosis' })).findings)
      if (options.flag('once')) return EXIT.failed
    }
    if (!options.flag('once')) await aborted(signal)
    return wasRegistered ? EXIT.ok : EXIT.failed
  } finally {
    await engine.close() // un-registers; waits only a short time for the server
  }
}
