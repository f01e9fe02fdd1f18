export const defaults = {
  version: 1,
  name: '',
  account: '',
  target: 'payload',
  targetType: 'msg' as 'str' | 'msg' | 'flow' | 'global' | 'jsonata' | 'env',
  callerName: '',
  callerNameType: 'str' as 'str' | 'msg' | 'flow' | 'global' | 'jsonata' | 'env',
  /** Number or address that is shown in place of the account's own. Empty: the account's own. */
  callerId: '',
  callerIdType: 'str' as 'str' | 'msg' | 'flow' | 'global' | 'jsonata' | 'env',
  hideCallerId: false,
  /** Asks the called telephone to answer at once. */
  autoAnswer: false,
  /** A target, or a list of targets `{ target, reason }`, from which the call was diverted. Empty: none. */
  diverted: '',
  divertedType: 'str' as 'str' | 'msg' | 'flow' | 'global' | 'jsonata' | 'env',
  /** Seconds. Empty: the account's setting. */
  ringTimeout: '',
  headers: '{}',
  headersType: 'json' as 'json' | 'msg' | 'flow' | 'global' | 'jsonata',
  tags: '{}',
  tagsType: 'json' as 'json' | 'msg' | 'flow' | 'global' | 'jsonata',
}
export type Config = typeof defaults
