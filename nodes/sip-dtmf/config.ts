export const defaults = {
  version: 1,
  name: '',
  call: 'call.id',
  callType: 'msg',
  digits: 'payload',
  digitsType: 'msg' as 'str' | 'msg' | 'flow' | 'global' | 'jsonata' | 'env',
  /** ms; '' : the account's. */
  tone: '',
  gap: '',
}
export type Config = typeof defaults
