export const defaults = {
  version: 1,
  name: '',
  call: 'call.id',
  callType: 'msg',
  /** `early`: 183 with sound, unanswered; `redirect`: 302 to `target`. */
  action: 'answer' as 'answer' | 'ring' | 'early' | 'reject' | 'redirect',
  rejectStatus: '486',
  reason: '',
  reasonType: 'str' as 'str' | 'msg' | 'flow' | 'global' | 'jsonata' | 'env',
  /** The target of a redirection, or a list of targets. */
  target: '',
  targetType: 'str' as 'str' | 'msg' | 'flow' | 'global' | 'jsonata' | 'env',
  headers: '{}',
  headersType: 'json' as 'json' | 'msg' | 'flow' | 'global' | 'jsonata',
  /** Replaces the call's tags. Empty: the tags stay. */
  tags: '{}',
  tagsType: 'json' as 'json' | 'msg' | 'flow' | 'global' | 'jsonata',
}
export type Config = typeof defaults
