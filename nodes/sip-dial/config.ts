export const defaults = {
  version: 1,
  name: '',
  account: '',
  target: 'payload',
  targetType: 'msg' as 'str' | 'msg' | 'flow' | 'global' | 'jsonata' | 'env',
  callerName: '',
  callerNameType: 'str' as 'str' | 'msg' | 'flow' | 'global' | 'jsonata' | 'env',
  /** Seconds. Empty: the account's setting. */
  ringTimeout: '',
  headers: '{}',
  headersType: 'json' as 'json' | 'msg' | 'flow' | 'global' | 'jsonata',
  tags: '{}',
  tagsType: 'json' as 'json' | 'msg' | 'flow' | 'global' | 'jsonata',
}
export type Config = typeof defaults
