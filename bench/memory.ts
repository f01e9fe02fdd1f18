/** The memory that ended calls leave behind, over a longer run. */
import { setTimeout as delay } from 'node:timers/promises'
import { EngineProcess } from './engine-process.js'
import { sippCalls } from './signalling.js'

export interface MemoryPlan {
  /** Ids of ended calls are remembered, 10,000 of them: the maps are as large as they get after more calls than that. */
  warmUpCalls: number
  calls: number
  perSecond: number
}

export interface MemoryFigures {
  calls: number
  /** After a collection, on the engine's thread. */
  kbPer1000Calls: number
  /** Of both runs: a machine that was too busy leaves calls behind that end minutes later, and the figure means nothing. */
  failed: number
  retransmissions: number
}

/** Transactions linger for 32 s (RFC 3261 17). */
const LINGER_MS = 36_000

export async function measureMemory(plan: MemoryPlan): Promise<MemoryFigures> {
  const engine = await EngineProcess.start({ plays: false })
  const place = sippCalls(engine.address)
  const { warmUpCalls, calls, perSecond } = plan
  const warmUp = await place(warmUpCalls, perSecond)
  await delay(LINGER_MS)
  const before = await engine.memory()
  const run = await place(calls, perSecond)
  await delay(LINGER_MS)
  const kb = ((await engine.memory()) - before) / 1024
  await engine.close()
  return {
    calls,
    kbPer1000Calls: kb / (calls / 1000),
    failed: warmUp.failed + run.failed,
    retransmissions: warmUp.retransmissions + run.retransmissions,
  }
}
