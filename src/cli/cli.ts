import { readFileSync } from 'node:fs'
import { systemClock } from '../base/clock.js'
import { type ErrorCode, TelephonyError } from '../base/errors.js'
import { adviceForError } from './advice.js'
import { runAnswer } from './answer-command.js'
import { runCall } from './call-command.js'
import { type CommandRun, EXIT } from './context.js'
import { commandHelp, overview } from './help.js'
import { runMessage } from './message-command.js'
import { type CommandSpec, parseOptions, UsageError } from './options.js'
import { runOptions } from './options-command.js'
import { runRegister } from './register-command.js'
import { Report, type Streams } from './report.js'
import { answer, call, message, OUTPUT, options as ping, register } from './specs.js'
import { runTrace } from './trace-command.js'
import { trace } from './trace-spec.js'

const COMMANDS = { call, answer, register, message, options: ping, trace } as const satisfies Record<
  string,
  CommandSpec
>
/** Errors of the engine that come from a wrong command line. */
const WRONG_USE = new Set<ErrorCode>(['BAD_TARGET', 'BAD_CONFIG', 'FILE_NOT_FOUND'])
/** After this time a text explains why the end takes long. */
const PATIENCE_MS = 300
type CommandName = keyof typeof COMMANDS
const RUNS: Readonly<Record<CommandName, CommandRun>> = {
  call: runCall,
  answer: runAnswer,
  register: runRegister,
  message: runMessage,
  options: runOptions,
  trace: runTrace,
}

/** Returns the exit code. */
export async function main(args: readonly string[], env: NodeJS.ProcessEnv, streams: Streams): Promise<number> {
  const [name = '', ...rest] = args
  if (['--help', 'help', '-h'].includes(name)) {
    streams.out(overview(COMMANDS))
    return EXIT.ok
  }
  if (['--version', '-V'].includes(name) || (name === '-v' && rest.length === 0)) {
    streams.out(version())
    return EXIT.ok
  }
  if (isCommand(name)) return runCommand(name, rest, env, streams)
  // `ringflow -s pbx -u 1001 -t 1002` places a call, also if these values are in the environment.
  if (name.startsWith('-') || (name === '' && parseOptions(call.options, [], env).text('target') !== undefined)) {
    return runCommand('call', args, env, streams)
  }
  if (name === '') streams.out(overview(COMMANDS))
  else {
    const report = reportOf(args, env, streams)
    report.fail(unknownCommand(name))
    report.end(false)
  }
  return EXIT.usage
}

async function runCommand(
  name: CommandName,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  streams: Streams,
): Promise<number> {
  const interrupt = new AbortController()
  let waiting: NodeJS.Timeout | undefined
  const abort = () => {
    // The first Ctrl-C ends the call and unregisters, the second one ends the process at once.
    if (interrupt.signal.aborted) process.exit(EXIT.failed)
    waiting = setTimeout(() => streams.err('waiting for the server to answer (Ctrl-C again ends at once)'), PATIENCE_MS)
    interrupt.abort()
  }
  process.on('SIGINT', abort).on('SIGTERM', abort)
  const report = reportOf(args, env, streams)
  try {
    const options = parseOptions(COMMANDS[name].options, args, env)
    if (options.flag('help')) {
      streams.out(commandHelp(COMMANDS[name]))
      return EXIT.ok
    }
    const context = { options, report, version: version(), signal: interrupt.signal, clock: systemClock }
    const code = await RUNS[name](context)
    report.end(code === EXIT.ok)
    return code
  } catch (error) {
    const code = tellError(error, name, report)
    report.end(false)
    return code
  } finally {
    clearTimeout(waiting)
    process.off('SIGINT', abort).off('SIGTERM', abort)
  }
}

/** Returns the exit code. */
function tellError(error: unknown, name: CommandName, report: Report): number {
  if (error instanceof UsageError) {
    report.fail(`ringflow ${name}: ${error.message}`, `ringflow ${name} --help shows how`)
    return EXIT.usage
  }
  const { code, message } = TelephonyError.from(error)
  report.fail(`ringflow ${name}: ${message} (${code})`, adviceForError(code))
  return WRONG_USE.has(code) ? EXIT.usage : EXIT.failed
}

const reportOf = (args: readonly string[], env: NodeJS.ProcessEnv, streams: Streams): Report =>
  new Report(streams, args.includes('--json') || parseOptions(OUTPUT, [], env).flag('json'))

const unknownCommand = (name: string): string =>
  /^(?:sips?|tel):|@|^\+?\d+$/i.test(name)
    ? `ringflow: “${name}” is not a command; write ringflow call ${name}`
    : `ringflow: the command “${name}” does not exist; ringflow --help lists the commands`

const isCommand = (name: string): name is CommandName => Object.hasOwn(RUNS, name)

function version(): string {
  // dist/src/cli/main.js lies three folders below the package.
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
