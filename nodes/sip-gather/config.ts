export const defaults = {
  version: 1,
  name: '',
  call: 'call.id',
  callType: 'msg',
  /** WAV below a media folder. Empty: no prompt. */
  prompt: '',
  promptType: 'str' as 'str' | 'msg' | 'flow' | 'global' | 'jsonata' | 'env',
  bargeIn: true,
  minDigits: '1',
  maxDigits: '1',
  terminators: '#',
  /** Only these digits count. Empty: all. */
  accept: '',
  /** Seconds. */
  firstDigit: '8',
  interDigit: '3',
  /** How many times in total to prompt and wait, as long as no valid input was pressed. */
  attempts: '1',
  clearBuffer: false,
}
export type Config = typeof defaults
