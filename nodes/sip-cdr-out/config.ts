export const defaults = {
  version: 1,
  name: '',
  /** '' : all accounts. */
  account: '',
}
export type Config = typeof defaults
