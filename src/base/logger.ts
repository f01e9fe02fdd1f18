/** The interface of a log. `src/trace/logger.ts` makes the logger that writes. */
export interface Logger {
  debug(fields: LogFields, message: string): void
  info(fields: LogFields, message: string): void
  warn(fields: LogFields, message: string): void
  error(fields: LogFields, message: string): void
  /** A logger that adds these fields to each line, for example one per call, account or endpoint. */
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
