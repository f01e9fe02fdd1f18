/**
 * Accounts of one process, registered and refreshed at a registrar in another process (this one), which accepts everything; and registered
 * at Kamailio, which challenges each, by UDP and by TLS.
 */
import { authority } from '../test/support/certificates.js'
import { ObligingPeer } from '../test/support/obliging-peer.js'
import { Kamailio } from '../test/support/peers/kamailio.js'
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
  const { ms } = await engine.register({
    user: 'user-',
    domain: `127.0.0.1:${registrar.port}`,
    count: accounts,
    expiresSec,
  })
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

export interface ChallengedFigures {
  protocol: 'udp' | 'tls'
  accounts: number
  registered: number
  allRegisteredMs: number
  /** REGISTER, 401, REGISTER, 200. */
  cpuMsPerAccount: number
  memoryKbPerAccount: number
}

/** Of TLS the connection of all accounts and its handshake are in the figures. */
export async function measureChallenged(accounts: number, protocol: 'udp' | 'tls'): Promise<ChallengedFigures> {
  const isSecure = protocol === 'tls'
  const registrar = await Kamailio.registrar(isSecure ? { tls: authority.make() } : {})
  const engine = await EngineProcess.start({
    transport: { ports: { udp: 0 }, tls: { ca: { file: authority.caFile } } },
  })
  const [cpuIdleMs, idleKb] = [cpuMs(engine.pid), rssKb(engine.pid)]
  const { ms, count } = await engine.register({
    user: 'u',
    password: 'pw',
    domain: 'sip.test',
    registrar: `${registrar.address}${isSecure ? ';transport=tls' : ''}`,
    count: accounts,
    expiresSec: 600,
  })
  const [usedMs, usedKb] = [cpuMs(engine.pid) - cpuIdleMs, rssKb(engine.pid) - idleKb]
  await engine.close()
  await registrar.stop()
  return {
    protocol,
    accounts,
    registered: count,
    allRegisteredMs: ms,
    cpuMsPerAccount: usedMs / accounts,
    memoryKbPerAccount: usedKb / accounts,
  }
}
