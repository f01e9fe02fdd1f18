import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'

/** Wrong use of the command line: exit code 2. */
export class UsageError extends Error {}

export interface OptionSpec {
  type: 'string' | 'boolean'
  /** One letter: `-s`. */
  short?: string
  /** Other names of the same option. */
  aliases?: readonly string[]
  /** An environment variable that is used without the flag and RINGFLOW_…. */
  env?: string
  /** May be given more than once; the values are joined by the separator, a comma by default. */
  multiple?: boolean
  separator?: string
  /** Name of the value in the help: `seconds`. */
  value?: string
  help: string
}

export type OptionTable = Readonly<Record<string, OptionSpec>>

export interface CommandSpec {
  /** First line of its help and of the overview. */
  summary: string
  usage: string
  /** Introduction before the options. */
  about: string
  options: OptionTable
  examples: string
}

type Values = ReadonlyMap<string, string | boolean>

/** Values by option name. An environment variable replaces an option that was not typed. */
export class Options {
  readonly positionals: readonly string[]
  readonly #values: Values
  readonly #typed: Values

  constructor(typed: Values, fromEnvironment: Values, positionals: readonly string[]) {
    this.#typed = typed
    this.#values = new Map([...fromEnvironment, ...typed])
    this.positionals = positionals
  }

  /** Whether the option is on the command line itself. */
  isTyped(name: string): boolean {
    return this.#typed.has(name)
  }

  text(name: string): string | undefined {
    const value = this.#values.get(name)
    return typeof value === 'string' ? value : undefined
  }

  flag(name: string): boolean {
    return this.#values.get(name) === true
  }

  integer(name: string, min: number, max: number): number | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    if (/^\d+$/.test(text) && Number(text) >= min && Number(text) <= max) return Number(text)
    throw new UsageError(`--${name} ${text} is not valid. Use a whole number between ${min} and ${max}`)
  }

  /** Converts seconds to milliseconds. */
  durationMs(name: string, maxSec = 86_400): number | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    if (/^\d+(\.\d+)?$/.test(text) && Number(text) > 0 && Number(text) <= maxSec) return Math.round(Number(text) * 1000)
    throw new UsageError(`--${name} ${text} is not a valid time. Use seconds, more than 0 and at most ${maxSec}`)
  }

  oneOf<T extends string>(name: string, allowed: readonly T[]): T | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    const found = allowed.find((value) => value === text)
    if (found === undefined) throw new UsageError(`--${name} ${text} is not valid. Use one of ${allowed.join(', ')}`)
    return found
  }

  /** The password. The environment or a file is safer than the command line, which every user of the machine can read. */
  password(): string {
    const given = this.text('password')
    const file = this.text('password-file')
    const isFileMeant = this.isTyped('password-file') && !this.isTyped('password')
    if (given !== undefined && !isFileMeant) return given
    if (file === undefined) return ''
    try {
      return readFileSync(file, 'utf8').replace(/\r?\n$/, '')
    } catch {
      throw new UsageError(`--password-file ${file}: the file cannot be read. Check its name and permissions`)
    }
  }
}

const PREFIX = 'RINGFLOW_'

export const envName = (flag: string): string => PREFIX + flag.toUpperCase().replaceAll('-', '_')

/** Throws UsageError, with a text for the person who typed it. */
export function parseOptions(table: OptionTable, args: readonly string[], env: NodeJS.ProcessEnv): Options {
  const { values, positionals } = parse(table, args)
  const typed = new Map<string, string | boolean>()
  const fromEnvironment = new Map<string, string | boolean>()
  for (const [name, spec] of Object.entries(table)) {
    const given = [name, ...(spec.aliases ?? [])].flatMap((one) => values.get(one) ?? [])
    const value = spec.multiple ? given.join(spec.separator ?? ',') : given.at(-1)
    if (given.length > 0 && value !== undefined) typed.set(name, value)
    const standIn = fromEnv(spec, env[envName(name)]) ?? fromEnv(spec, spec.env ? env[spec.env] : undefined)
    if (standIn !== undefined) fromEnvironment.set(name, standIn)
  }
  return new Options(typed, fromEnvironment, positionals)
}

function parse(table: OptionTable, args: readonly string[]) {
  const options = Object.fromEntries(
    Object.entries(table).flatMap(([name, { type, multiple = false, short, aliases = [] }]) => [
      [name, { type, multiple, ...(short === undefined ? {} : { short }) }],
      ...aliases.map((alias) => [alias, { type, multiple }]),
    ]),
  )
  try {
    const parsed = parseArgs({
      args: withNegativeNumbers(args, options),
      options,
      allowPositionals: true,
      strict: true,
    })
    return { values: new Map(Object.entries(parsed.values)), positionals: parsed.positionals }
  } catch (error) {
    throw new UsageError(complaintOf(error as Error & { code?: string }))
  }
}

/** `--duration -5` becomes `--duration=-5`, so that the error is about the number and not about an unknown option. */
function withNegativeNumbers(
  args: readonly string[],
  options: Readonly<Record<string, { type: string; short?: string }>>,
): string[] {
  const joined: string[] = []
  for (const arg of args) {
    const before = joined.at(-1)
    const takesValue = Object.entries(options).find(
      ([name, { type, short }]) => type === 'string' && (before === `--${name}` || before === `-${short}`),
    )
    if (takesValue && /^-\.?\d/.test(arg)) joined.splice(-1, 1, `--${takesValue[0]}=${arg}`)
    else joined.push(arg)
  }
  return joined
}

/** Rewrites the message of Node's parser for people: `Option '-d, --duration <value>' argument missing`. */
function complaintOf({ code, message }: Error & { code?: string }): string {
  const [, option = 'an option'] = /'([^'<]*?)(?: <value>)?'/.exec(message) ?? []
  if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') return `the option “${option}” does not exist`
  if (code !== 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE') return message
  if (/does not take an argument/.test(message)) return `${option} does not take a value`
  return `${option} needs a value (write a value that begins with “-” after “=”: --option=-value)`
}

function fromEnv(spec: OptionSpec, text: string | undefined): string | boolean | undefined {
  if (text === undefined || text === '') return undefined
  return spec.type === 'string' ? text : ['1', 'true', 'yes'].includes(text.toLowerCase())
}
