import { pino } from 'pino'
import type { LogFields, Logger } from '../base/logger.js'
import { Secrets } from './secrets.js'

export type LogLevel = 'silent' | 'error' | 'warn' | 'info' | 'debug' | 'trace'

/** Receives one JSON line without its line break, secrets masked. */
export type LogSink = (level: string, line: string) => void

/** Fields whose values are never written, at the top level and two levels below. */
const SECRET_FIELDS = ['password', 'credentials', 'authorization', 'ha1', 'secret']

/** The log of one engine; `secrets` holds the texts that no line may contain, in any field. */
export interface RootLogger extends Logger {
  readonly secrets: Secrets
}

export function createLogger(init: { level: LogLevel; sink?: LogSink }): RootLogger {
  const secrets = new Secrets()
  const sink = init.sink ?? writeToStderr
  const stream = {
    // pino sets `lastLevel` before each write on a stream that asks for it by this symbol.
    [pino.symbols.needsMetadataGsym]: true,
    lastLevel: 0,
    write(line: string) {
      sink(pino.levels.labels[this.lastLevel] ?? 'info', secrets.mask(line.trimEnd()))
    },
  }
  const logger = pino(
    {
      level: init.level,
      base: null,
      redact: { paths: SECRET_FIELDS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: '[secret]' },
    },
    stream,
  )
  return Object.assign(wrap(logger), { secrets })
}

function wrap(logger: pino.Logger): Logger {
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
    child: (fields: LogFields) => new ChildLogger(logger, fields),
  }
}

/** Every call has a child logger, and most of them never write a line: pino's own child is made at the first line. */
class ChildLogger implements Logger {
  readonly #parent: pino.Logger
  readonly #fields: LogFields
  #made: pino.Logger | undefined

  constructor(parent: pino.Logger, fields: LogFields) {
    this.#parent = parent
    this.#fields = fields
  }

  debug(fields: LogFields, message: string): void {
    if (this.#parent.isLevelEnabled('debug')) this.#own.debug(fields, message)
  }

  info(fields: LogFields, message: string): void {
    if (this.#parent.isLevelEnabled('info')) this.#own.info(fields, message)
  }

  warn(fields: LogFields, message: string): void {
    if (this.#parent.isLevelEnabled('warn')) this.#own.warn(fields, message)
  }

  error(fields: LogFields, message: string): void {
    if (this.#parent.isLevelEnabled('error')) this.#own.error(fields, message)
  }

  child(fields: LogFields): Logger {
    return new ChildLogger(this.#parent, { ...this.#fields, ...fields })
  }

  get #own(): pino.Logger {
    this.#made ??= this.#parent.child(this.#fields)
    return this.#made
  }
}

const writeToStderr: LogSink = (_level, line) => {
  process.stderr.write(`${line}\n`)
}
