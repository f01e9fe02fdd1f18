export const defaults = {
  version: 1,
  name: '',
  call: 'call.id',
  callType: 'msg',
  action: 'hold' as 'hold' | 'resume' | 'mute' | 'unmute' | 'codec',
  /** What the other side hears while this side holds the call. */
  music: 'silence' as 'silence' | 'file' | 'tone',
  /** WAV below a media folder, or a Buffer that holds one. */
  file: '',
  fileType: 'str' as 'str' | 'msg' | 'flow' | 'global' | 'jsonata' | 'env',
  /** One or more frequencies, separated by `+`. */
  hz: '425',
  /** Level of the tone in dBFS. */
  level: '-20',
  /** Offered in this order. */
  codecs: ['PCMU'] as ('PCMA' | 'PCMU')[],
}
export type Config = typeof defaults
