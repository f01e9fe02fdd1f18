import type { Clock } from '../base/clock.js'
import { startLocalEngine } from '../engine/client.js'
import type { Engine, EngineInit } from '../engine/protocol.js'
import type { Options } from './options.js'
import type { Refused } from './registration-failure.js'
import type { Report } from './report.js'
import { INSECURE } from './tls-options.js'
import { traced, traceFileFrom } from './trace-file.js'

export interface CommandContext {
  options: Options
  report: Report
  version: string
  /** Aborted by Ctrl-C and by SIGTERM. */
  signal: AbortSignal
  clock: Clock
}

export type CommandRun = (context: CommandContext) => Promise<number>

export const EXIT = { ok: 0, failed: 1, usage: 2 } as const

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const

export async function startEngine(
  { options, report }: CommandContext,
  paths: Pick<EngineInit, 'mediaRoots' | 'recordRoot'> = { mediaRoots: [], recordRoot: process.cwd() },
): Promise<Engine> {
  if (options.flag('tls-insecure')) report.warn(INSECURE)
  const file = traceFileFrom(options)
  const traceSip = options.flag('trace')
  const level = options.oneOf('log-level', LOG_LEVELS) ?? (options.flag('verbose') ? 'debug' : 'silent')
  const dnsServers = options.text('dns')?.split(',') ?? []
  const engine = await startLocalEngine({ ...paths, logLevel: level, traceSip, dnsServers })
  engine.on('trace', ({ direction, remote, text }) => {
    process.stderr.write(`--- ${direction === 'in' ? 'from' : 'to'} ${remote}\n${text.trimEnd()}\n\n`)
  })
  return traced(engine, file, report)
}

export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** Resolves with undefined when the account is registered, or with its first failure. */
export function registered(engine: Engine, accountId: string): Promise<Refused | undefined> {
  return new Promise((resolve) => {
    const off = engine.on('registration', (event) => {
      if (event.accountId !== accountId) return
      const { registration } = event
      if (registration.state !== 'registered' && registration.state !== 'failed') return
      off()
      resolve(registration.state === 'failed' ? registration : undefined)
    })
  })
}
