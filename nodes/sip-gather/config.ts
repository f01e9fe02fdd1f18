export const defaults = {
  version: 1,
  name: '',
  call: 'call.id',
  callType: 'msg',
  /** WAV below a media folder; '' for no prompt. */
  prompt: '',
  promptType: 'str' as 'str' | 'msg' | 'flow' | 'global' | 'jsonata' | 'env',
  bargeIn: true,
  minDigits: '1',
  maxDigits: '1',
  terminators: '#',
  /** Only these digits count; '' for all. */
  accept: '',
  /** Seconds. */
  firstDigit: '8',
  interDigit: '3',
  /** Prompt and wait again that many times in all when nothing valid was pressed. */
  attempts: '1',
  clearBuffer: false,
}
export type Config = typeof defaults
