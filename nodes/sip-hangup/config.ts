export const defaults = {
  version: 1,
  name: '',
  call: 'call.id',
  callType: 'msg',
  /** Wait for a play that is going on. */
  afterMedia: false,
}
export type Config = typeof defaults
