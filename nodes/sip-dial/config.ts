export const defaults = {
  version: 1,
  name: '',
  account: '',
  target: 'payload',
  targetType: 'msg' as 'str' | 'msg' | 'flow' | 'global' | 'jsonata' | 'env',
  /** With several targets: all at once, or one after the other. */
  strategy: 'all' as 'all' | 'in-order',
  /** An answered call counts only when a key is pressed, so that a mailbox does not take it. */
  confirm: false,
  confirmDigit: '1',
  /** WAV file that asks for the key; empty: a tone. */
  confirmPrompt: '',
  /** Seconds for pressing the key. */
  confirmTime: '10',
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
