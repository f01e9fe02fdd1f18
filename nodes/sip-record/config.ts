export const defaults = {
  version: 1,
  name: '',
  call: 'call.id',
  callType: 'msg',
  action: 'start' as 'start' | 'stop',
  /** Relative path below the recordings folder. Empty: a name made of date and call id. */
  file: '',
  fileType: 'str' as 'str' | 'msg' | 'flow' | 'global' | 'jsonata' | 'env',
  /** Maximum length in seconds. */
  max: '3600',
}
export type Config = typeof defaults
