export const defaults = {
  version: 1,
  name: '',
  /** '' : all accounts. */
  account: '',
  /** Event names (`call.answered`, `registration.failed` …); empty for all. */
  events: [] as string[],
}
export type Config = typeof defaults
