export const defaults = {
  version: 1,
  name: '',
  /** Empty: all accounts. */
  account: '',
  /** Event names (`call.answered`, `registration.failed` …); an empty list means all. */
  events: [] as string[],
}
export type Config = typeof defaults
