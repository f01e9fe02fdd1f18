export const defaults = {
  version: 1,
  name: '',
  call: 'call.id',
  callType: 'msg',
  waitFor: 'digit' as 'digit' | 'answer' | 'silence' | 'mediaEnd' | 'end',
  /** Only these digits count. Empty: all. */
  accept: '',
  /** Seconds of silence of the other side. */
  quiet: '2',
  /** Seconds. */
  limit: '30',
}
export type Config = typeof defaults
