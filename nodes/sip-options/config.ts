export const defaults = {
  version: 1,
  name: '',
  account: '',
  /** Number or address. Empty: the account's first proxy or registrar. */
  target: '',
  /** Seconds between two pings; 0: only when a message comes. */
  interval: '30',
  /** Pings in succession without an answer after which the target is down. */
  failures: '3',
  /** Seconds to wait for an answer. */
  limit: '5',
}
export type Config = typeof defaults
