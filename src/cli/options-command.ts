import { setTimeout as sleep } from 'node:timers/promises'
import type { PingResult } from '../engine/protocol.js'
import { type CommandContext, EXIT } from './context.js'
import { withAccount } from './with-account.js'

const DEFAULT_COUNT = 4
const DEFAULT_INTERVAL_MS = 1_000

/** Pings a SIP server or telephone by OPTIONS, and counts its answers. */
export async function runOptions(context: CommandContext): Promise<number> {
  const { options, report, signal } = context
  const count = options.integer('count', 1, 1_000_000) ?? DEFAULT_COUNT
  const intervalMs = options.durationMs('interval', 3_600) ?? DEFAULT_INTERVAL_MS
  const timeoutMs = options.durationMs('timeout', 32)
  return withAccount(context, options.positionals, async (engine, accountId, target) => {
    const results: PingResult[] = []
    for (let n = 0; n < count && !signal.aborted; n++) {
      if (n > 0) await sleep(intervalMs, undefined, { signal }).catch(() => undefined)
      if (signal.aborted) break
      const command = { accountId, target, ...(timeoutMs === undefined ? {} : { timeoutMs }) }
      const result = await engine.call('ping', command)
      results.push(result)
      report.say('ping', { target, ...result }, pingText(result))
    }
    const answers = results.flatMap(({ up, latencyMs }) => (up && latencyMs !== null ? [latencyMs] : []))
    const lostPercent =
      results.length === 0 ? 0 : Math.round((100 * (results.length - answers.length)) / results.length)
    const times = timesOf(answers)
    const text = `${results.length} sent, ${answers.length} answered, ${lostPercent} % lost${times ? `, ${times.text}` : ''}`
    report.say(
      'summary',
      { ok: answers.length > 0, target, sent: results.length, answered: answers.length, lostPercent, ...times?.fields },
      text,
    )
    if (answers.length > 0) return EXIT.ok
    report.fail(`${target} did not answer`, 'Check the address and the port, and whether the server answers OPTIONS')
    return EXIT.failed
  })
}

function pingText({ up, status, reason, latencyMs, source, agent }: PingResult): string {
  if (!source || latencyMs === null) return `no answer: ${reason}`
  const from = `${source.host}:${source.port} ${source.protocol.toUpperCase()}`
  return `${status} ${reason} from ${from}, ${latencyMs} ms${agent && `, ${agent}`}${up ? '' : ' (the proxy does not reach it)'}`
}

function timesOf(answers: readonly number[]) {
  if (answers.length === 0) return undefined
  const minMs = Math.min(...answers)
  const maxMs = Math.max(...answers)
  const meanMs = Math.round((10 * answers.reduce((sum, ms) => sum + ms, 0)) / answers.length) / 10
  return { text: `min/mean/max ${minMs}/${meanMs}/${maxMs} ms`, fields: { minMs, meanMs, maxMs } }
}
