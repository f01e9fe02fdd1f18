export const defaults = {
  version: 1,
  name: '',
  call: 'call.id',
  callType: 'msg',
  /** Wait for a play that is going on. */
  afterMedia: false,
  /** A call of ours that still rings is cancelled as answered elsewhere. */
  elsewhere: false,
}
export type Config = typeof defaults
