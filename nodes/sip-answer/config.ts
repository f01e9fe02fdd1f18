export const defaults = {
  version: 1,
  name: '',
  call: 'call.id',
  callType: 'msg',
  action: 'answer' as 'answer' | 'ring' | 'reject',
  rejectStatus: '486',
  reason: '',
  headers: '{}',
  headersType: 'json' as 'json' | 'msg' | 'flow' | 'global' | 'jsonata',
}
export type Config = typeof defaults
