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
  /** A signal of a telephone exchange. */
  signal: 'ringback' as 'dial' | 'ringback' | 'busy' | 'congestion',
  country: 'eu' as 'eu' | 'us' | 'uk' | 'cn' | 'fr' | 'it',
  /** Length of a tone or signal in seconds. */
  duration: '3',
  /** Level of a tone or signal in dBFS. */
  level: '-12',
  /** Gain of a file in dB. */
  gain: '0',
  /** How many times to play; 0 repeats without end. */
  repeat: '1',
  /** `blocking`: output 1 sends when the last packet was sent. `background`: output 1 sends at once, with msg.media.id. */
  wait: 'blocking' as 'blocking' | 'background',
}
export type Config = typeof defaults
