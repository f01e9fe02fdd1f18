/** `--hold 3-8`: holds the call from the third to the eighth second after the answer. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Engine, Playable } from '../engine/protocol.js'
import { type Options, UsageError } from './options.js'

export interface HoldPlan {
  fromMs: number
  /** Absent: until the end of the call. */
  toMs: number | undefined
  music: Playable | undefined
}

export function holdFrom(options: Options, music: Playable | undefined): HoldPlan | undefined {
  const text = options.text('hold')
  if (text === undefined) {
    if (music) throw new UsageError('--hold-music needs --hold, for example --hold 3-8')
    return undefined
  }
  const [, from = '', to] = /^(\d+(?:\.\d+)?)(?:-(\d+(?:\.\d+)?))?$/.exec(text.trim()) ?? []
  const fromMs = Math.round(Number(from) * 1000)
  const toMs = to === undefined ? undefined : Math.round(Number(to) * 1000)
  if (from !== '' && (toMs === undefined || toMs > fromMs)) return { fromMs, toMs, music }
  throw new UsageError(`--hold ${text} is not valid. Use seconds after the answer, from-to, like 3-8`)
}

/** Resolves after the resume, or at once when the call has ended. Rejects if the other side refuses. */
export async function performHold(
  engine: Engine,
  callId: string,
  { fromMs, toMs, music }: HoldPlan,
  over: AbortSignal,
): Promise<void> {
  const pass = (ms: number) => delay(ms, true, { signal: over }).catch(() => false)
  if (!(await pass(fromMs))) return
  await engine.call('hold', { callId, ...(music && { music }) })
  if (toMs !== undefined && (await pass(toMs - fromMs))) await engine.call('resume', { callId })
}
