export const defaults = {
  version: 1,
  name: '',
  call: 'call.id',
  callType: 'msg',
  digits: 'payload',
  digitsType: 'msg' as 'str' | 'msg' | 'flow' | 'global' | 'jsonata' | 'env',
  /** Milliseconds. Empty: the account's setting. */
  tone: '',
  gap: '',
  /** How the digits are sent. Empty: the account's setting. */
  mode: '' as '' | 'auto' | 'rfc4733' | 'info',
}
export type Config = typeof defaults
