/** Finds accounts with the same address on the same socket. A copied flow brings its configuration nodes a second time. */
import type { AccountConfig } from '../../src/engine/protocol.js'

/** Pairs of an account and an earlier one with the same address and socket. */
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

const addressOf = ({ aor }: AccountConfig): string => aor.toLowerCase().replace(/^sips?:/, '')

/** With port 0, each transport gets a free port, so only the same transport is the same socket. */
const socketOf = ({ transport: { id, bindAddress, ports } }: AccountConfig): string => {
  const all = Object.entries(ports).map(([protocol, port]) => `${protocol}:${port}`)
  return Object.values(ports).includes(0) ? id : [bindAddress, ...all].join(' ')
}
