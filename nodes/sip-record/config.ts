export const defaults = {
  version: 1,
  name: '',
  call: 'call.id',
  callType: 'msg',
  action: 'start' as 'start' | 'stop',
  /** Relative name below the recordings folder; '' : made from date and call id. */
  file: '',
  fileType: 'str' as 'str' | 'msg' | 'flow' | 'global' | 'jsonata' | 'env',
  /** Seconds at most. */
  max: '3600',
}
export type Config = typeof defaults
