export const defaults = {
  version: 1,
  name: '',
  account: '',
  /** `message`: what msg.payload says, 'register' or 'unregister'. */
  action: 'message' as 'message' | 'register' | 'unregister',
}
export type Config = typeof defaults
