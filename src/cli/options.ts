import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'

/** Wrong use of the command line: exit code 2. */
export class UsageError extends Error {}

export interface OptionSpec {
  type: 'string' | 'boolean'
  /** May be given more than once; the values are joined by commas. */
  multiple?: boolean
  /** What the value is, for the help: `seconds`. */
  value?: string
  help: string
}

export type OptionTable = Readonly<Record<string, OptionSpec>>

export interface CommandSpec {
  /** First line of its help and of the overview. */
  summary: string
  usage: string
  /** What a newcomer should know, before the options. */
  about: string
  options: OptionTable
  examples: string
}

/** Values by flag name. An environment variable stands in for a flag that was not given. */
export class Options {
  readonly positionals: readonly string[]
  readonly #values: ReadonlyMap<string, string | boolean>

  constructor(values: ReadonlyMap<string, string | boolean>, positionals: readonly string[]) {
    this.#values = values
    this.positionals = positionals
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
    throw new UsageError(`--${name} ${text}: give a whole number between ${min} and ${max}`)
  }

  /** Seconds as people write them, in milliseconds. */
  durationMs(name: string): number | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    if (/^\d+(\.\d+)?$/.test(text) && Number(text) > 0 && Number(text) <= 86_400) return Math.round(Number(text) * 1000)
    throw new UsageError(`--${name} ${text}: give seconds, more than 0`)
  }

  oneOf<T extends string>(name: string, allowed: readonly T[]): T | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    const found = allowed.find((value) => value === text)
    if (found === undefined) throw new UsageError(`--${name} ${text}: give one of ${allowed.join(', ')}`)
    return found
  }

  /** The password: from the environment or a file rather than from the command line, which every user of the machine can read. */
  password(): string {
    const given = this.text('password')
    if (given !== undefined) return given
    const file = this.text('password-file')
    if (file === undefined) return ''
    try {
      return readFileSync(file, 'utf8').replace(/\r?\n$/, '')
    } catch {
      throw new UsageError(`--password-file ${file}: the file cannot be read`)
    }
  }
}

const PREFIX = 'RINGFLOW_'

export const envName = (flag: string): string => PREFIX + flag.toUpperCase().replaceAll('-', '_')

/** Throws UsageError, with a text for the person who typed it. */
export function parseOptions(table: OptionTable, args: readonly string[], env: NodeJS.ProcessEnv): Options {
  const { values, positionals } = parse(table, args)
  const merged = new Map<string, string | boolean>()
  for (const [name, spec] of Object.entries(table)) {
    const value = values[name]
    const given = (Array.isArray(value) ? value.join(',') : value) ?? fromEnv(spec, env[envName(name)])
    if (typeof given === 'string' || typeof given === 'boolean') merged.set(name, given)
  }
  return new Options(merged, positionals)
}

function parse(table: OptionTable, args: readonly string[]) {
  try {
    const options = Object.fromEntries(
      Object.entries(table).map(([name, { type, multiple = false }]) => [name, { type, multiple }]),
    )
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
  } catch (error) {
    throw new UsageError((error as Error).message.split('. ')[0] ?? 'wrong arguments')
  }
}

function fromEnv(spec: OptionSpec, text: string | undefined): string | boolean | undefined {
  if (text === undefined || text === '') return undefined
  return spec.type === 'string' ? text : ['1', 'true', 'yes'].includes(text.toLowerCase())
}
