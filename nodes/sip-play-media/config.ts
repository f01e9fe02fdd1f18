export const defaults = {
  version: 1,
  name: '',
  call: 'call.id',
  callType: 'msg',
  action: 'play' as 'play' | 'stop',
  source: 'file' as 'file' | 'tone' | 'signal',
  /** WAV below a media folder, or a Buffer that holds one. */
  file: '',
  fileType: 'str' as 'str' | 'msg' | 'flow' | 'global' | 'jsonata' | 'env',
  /** One or more frequencies, separated by `+`: `425`, `350+440`. */
  hz: '425',
  /** What exchanges let callers hear. */
  signal: 'ringback' as 'dial' | 'ringback' | 'busy' | 'congestion',
  country: 'eu' as 'eu' | 'us' | 'uk' | 'cn' | 'fr' | 'it',
  /** Seconds; of a tone or signal. */
  duration: '3',
  /** dBFS. */
  level: '-12',
  /** dB; of a file. */
  gain: '0',
  /** Times; 0 for ever. */
  repeat: '1',
  /** `blocking`: output 1 when the last packet has left. `background`: output 1 at once, with msg.media.id. */
  wait: 'blocking' as 'blocking' | 'background',
}
export type Config = typeof defaults
