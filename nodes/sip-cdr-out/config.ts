export const defaults = {
  version: 1,
  name: '',
  /** Empty: all accounts. */
  account: '',
}
export type Config = typeof defaults
