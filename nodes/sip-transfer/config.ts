export const defaults = {
  version: 1,
  name: '',
  call: 'call.id',
  callType: 'msg',
  /** `blind`: to a target; `attended`: to the other side of another call; `accept`, `decline`: the transfer that the other side asks for. */
  action: 'blind' as 'blind' | 'attended' | 'accept' | 'decline',
  target: 'payload',
  targetType: 'msg' as 'str' | 'msg' | 'flow' | 'global' | 'jsonata' | 'env',
  /** Id of the other call. */
  toCall: 'toCall.id',
  toCallType: 'msg' as 'msg' | 'flow' | 'global' | 'jsonata',
  /** Seconds until a result must have come. */
  limit: '180',
}
export type Config = typeof defaults
