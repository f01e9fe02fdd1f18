/** Accounts of one process, registered and kept registered at a registrar in another (this one), which says yes to all. */
import { ObligingPeer } from '../test/support/obliging-peer.js'
import { EngineProcess } from './engine-process.js'
import { cpuMs, rssKb } from './process-usage.js'

export interface RegistrationPlan {
  accounts: number
  expiresSec: number
}

export interface RegistrationFigures {
  accounts: number
  /** From the first account that is set until the last one is registered. */
  allRegisteredMs: number
  cpuMsPerRegistration: number
  /** From then on for one expiry: REGISTERs that came, and what each costs. */
  refreshes: number
  cpuMsPerRefresh: number
  /** Accounts that are registered at the end; none may have been lost meanwhile. */
  registeredAtEnd: number
  memoryKbPerAccount: number
}

export async function measureRegistrations({ accounts, expiresSec }: RegistrationPlan): Promise<RegistrationFigures> {
  const registrar = await ObligingPeer.listen()
  const engine = await EngineProcess.start({ plays: false })
  const [cpuIdleMs, idleKb] = [cpuMs(engine.pid), rssKb(engine.pid)]
  const { ms } = await engine.register(`127.0.0.1:${registrar.port}`, accounts, expiresSec)
  const [cpuRegisteredMs, heard, registeredKb] = [cpuMs(engine.pid), registrar.heard.length, rssKb(engine.pid)]
  // Refreshed between half and three quarters of it.
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
