import type { Engine } from '../engine/protocol.js'
import { accountFrom } from './account-options.js'
import { targetFrom } from './call-target.js'
import { aborted, type CommandContext, EXIT, registered, startEngine } from './context.js'
import { firstHop, registrationFailure } from './registration-failure.js'
import { tellWaiting } from './waiting.js'

/** Runs a command outside of calls with an engine that has the account; registers first with --register. Returns the exit code. */
export async function withAccount(
  context: CommandContext,
  targets: readonly string[],
  run: (engine: Engine, accountId: string, target: string) => Promise<number>,
): Promise<number> {
  const { options, report, version, signal } = context
  const { target, host } = targetFrom(options, targets)
  const register = options.flag('register')
  const account = accountFrom(options, version, {
    register,
    target,
    ...(host === undefined ? {} : { targetHost: host }),
  })
  const engine = await startEngine(context)
  try {
    const registration = register ? registered(engine, account.id) : Promise.resolve(undefined)
    await engine.call('setAccount', account)
    const refused = await tellWaiting(Promise.race([registration, aborted(signal)]), firstHop(account), context)
    if (refused) {
      const { problem, advice } = registrationFailure(refused, account)
      report.fail(problem, advice)
      return EXIT.failed
    }
    return await run(engine, account.id, target)
  } finally {
    await engine.close()
  }
}
