/** Accounts of one process, registered and refreshed at a registrar in another process (this one), which accepts everything. */
import { ObligingPeer } from '../test/support/obliging-peer.js'
import { EngineProcess } from './engine-process.js'
import { cpuMs, rssKb } from './process-usage.js'

export interface RegistrationPlan {
  accounts: number
  expiresSec: number
}

export interface RegistrationFigures {
  accounts: number
  /** From the first account that is created until the last one is registered. */
  allRegisteredMs: number
  cpuMsPerRegistration: number
  /** During one expiry after that: the number of REGISTERs and the CPU time of each. */
  refreshes: number
  cpuMsPerRefresh: number
  /** Accounts that are registered at the end; must be all of them. */
  registeredAtEnd: number
  memoryKbPerAccount: number
}

export async function measureRegistrations({ accounts, expiresSec }: RegistrationPlan): Promise<RegistrationFigures> {
  const registrar = await ObligingPeer.listen()
  const engine = await EngineProcess.start({ plays: false })
  const [cpuIdleMs, idleKb] = [cpuMs(engine.pid), rssKb(engine.pid)]
  const { ms } = await engine.register(`127.0.0.1:${registrar.port}`, accounts, expiresSec)
  const [cpuRegisteredMs, heard, registeredKb] = [cpuMs(engine.pid), registrar.heard.length, rssKb(engine.pid)]
  // Accounts refresh between half and three quarters of the expiry.
  await new Promise((resolve) => setTimeout(resolve, expiresSec * 1000))
  const refreshes = registrar.heard.length - heard
  const cpuRefreshMs = cpuMs(engine.pid) - cpuRegisteredMs
  const { count } = await engine.registered()
  await engine.close()
  await registrar.close()
  return {
    accounts,
    allRegisteredMs: ms,
    cpuMsPerRegistration: (cpuRegisteredMs - cpuIdleMs) / accounts,
    refreshes,
    cpuMsPerRefresh: cpuRefreshMs / refreshes,
    registeredAtEnd: count,
    memoryKbPerAccount: (registeredKb - idleKb) / accounts,
  }
}
