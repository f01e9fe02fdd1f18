export const defaults = {
  version: 1,
  name: '',
  account: '',
  /** `message`: msg.payload decides, with 'register' or 'unregister'. */
  action: 'message' as 'message' | 'register' | 'unregister',
}
export type Config = typeof defaults
