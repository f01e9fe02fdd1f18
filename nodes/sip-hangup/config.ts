export const defaults = {
  version: 1,
  name: '',
  call: 'call.id',
  callType: 'msg',
  /** Wait until running plays have ended. */
  afterMedia: false,
  /** Cancel an outgoing call that still rings with the reason "answered elsewhere". */
  elsewhere: false,
  /** For the Reason header. Empty: none is sent. */
  reason: '',
  reasonType: 'str' as 'str' | 'msg' | 'flow' | 'global' | 'jsonata' | 'env',
  headers: '{}',
  headersType: 'json' as 'json' | 'msg' | 'flow' | 'global' | 'jsonata',
}
export type Config = typeof defaults
