export const defaults = {
  version: 1,
  name: '',
  account: '',
  /** `send`: a message to a target; `receive`: the account's inbound messages. */
  mode: 'send' as 'send' | 'receive',
  target: 'to',
  targetType: 'msg' as 'str' | 'msg' | 'flow' | 'global' | 'jsonata' | 'env',
  text: 'payload',
  textType: 'msg' as 'str' | 'msg' | 'flow' | 'global' | 'jsonata' | 'env',
  headers: '{}',
  headersType: 'json' as 'json' | 'msg' | 'flow' | 'global' | 'jsonata',
}
export type Config = typeof defaults
