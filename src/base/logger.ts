/** What every layer needs of a log. The one that writes is made in `src/trace/logger.ts`. */
export interface Logger {
  debug(fields: LogFields, message: string): void
  info(fields: LogFields, message: string): void
  warn(fields: LogFields, message: string): void
  error(fields: LogFields, message: string): void
  /** A logger that adds these fields to each line: one per call, account, endpoint. */
  child(fields: LogFields): Logger
}

/** Plain data; an error goes under `err`. */
export type LogFields = { [field: string]: unknown }

/** For tests and as a default. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
}
