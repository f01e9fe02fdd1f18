/** Accounts of one address on one socket. A copied flow brings its configuration nodes a second time. */
import type { AccountConfig } from '../../src/engine/protocol.js'

/** Each account with the first one like it. */
export function twinsOf(accounts: readonly AccountConfig[]): [AccountConfig, AccountConfig][] {
  const firsts = new Map<string, AccountConfig>()
  const twins: [AccountConfig, AccountConfig][] = []
  for (const account of accounts) {
    const key = `${addressOf(account)} ${socketOf(account)}`
    const first = firsts.get(key)
    if (first) twins.push([first, account])
    else firsts.set(key, account)
  }
  return twins
}

const addressOf = ({ aor }: AccountConfig): string => aor.toLowerCase().replace(/^sip:/, '')

/** Port 0 is any free port: another one for each transport. */
const socketOf = ({ transport: { id, protocol, bindAddress, bindPort } }: AccountConfig): string =>
  bindPort === 0 ? id : `${protocol} ${bindAddress} ${bindPort}`
