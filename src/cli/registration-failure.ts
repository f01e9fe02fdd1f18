import type { AccountConfig, EngineEvents } from '../engine/protocol.js'
import { adviceForStatus, adviceForTls, UNREACHABLE, UNSENT, WITHOUT_PASSWORD } from './advice.js'

type Registration = EngineEvents['registration']['registration']
export type Refused = Extract<Registration, { state: 'failed' }>

/** The address that gets the account's REGISTER first. */
export const firstHop = ({ proxy, registrar }: Pick<AccountConfig, 'proxy' | 'registrar'>): string =>
  proxy?.hops[0]?.split(',')[0]?.replace(/;strict\b/i, '') ?? registrar

/** Texts for people. A status that no server sent is not shown. */
export function registrationFailure(
  { status, reason, local }: Pick<Refused, 'status' | 'reason' | 'local'>,
  account: Pick<AccountConfig, 'proxy' | 'registrar' | 'password'>,
): { problem: string; advice: string } {
  if (local) {
    if (status !== 408) return { problem: `registration failed: ${reason}`, advice: adviceForTls(reason) || UNSENT }
    return { problem: `registration failed: no response from ${firstHop(account)}`, advice: UNREACHABLE }
  }
  const isPasswordMissing = (status === 401 || status === 407) && account.password === ''
  return {
    problem: `registration failed: ${status} ${reason}`,
    advice: isPasswordMissing ? WITHOUT_PASSWORD : adviceForStatus(status),
  }
}
