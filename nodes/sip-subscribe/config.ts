export const defaults = {
  version: 1,
  name: '',
  account: '',
  /** `watch`: the state of a target; `show`: subscribers of the account get the state that messages bring. */
  mode: 'watch' as 'watch' | 'show',
  package: 'dialog' as 'dialog' | 'presence' | 'message-summary',
  /** Number or address that is watched. */
  target: '',
  /** Seconds that a subscription lasts before it is refreshed. */
  expires: '600',
}
export type Config = typeof defaults
