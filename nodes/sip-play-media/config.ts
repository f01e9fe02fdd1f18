export const defaults = {
  version: 1,
  name: '',
  call: 'call.id',
  callType: 'msg',
  action: 'play' as 'play' | 'stop',
  source: 'file' as 'file' | 'tone',
  /** WAV below a media folder. */
  file: '',
  fileType: 'str' as 'str' | 'msg' | 'flow' | 'global' | 'jsonata' | 'env',
  /** One or more frequencies, separated by `+`: `425`, `350+440`. */
  hz: '425',
  /** Seconds; of a tone. */
  duration: '3',
  /** dBFS. */
  level: '-12',
  /** Times; 0 for ever. */
  repeat: '1',
  /** `blocking`: output 1 when the last packet has left. `background`: output 1 at once, with msg.media.id. */
  wait: 'blocking' as 'blocking' | 'background',
}
export type Config = typeof defaults
