export const defaults = {
  version: 1,
  name: '',
  call: 'call.id',
  callType: 'msg',
  /** Wait until running plays have ended. */
  afterMedia: false,
  /** Cancel an outgoing call that still rings with the reason "answered elsewhere". */
  elsewhere: false,
}
export type Config = typeof defaults
