export const defaults = {
  version: 1,
  name: '',
  protocol: 'udp' as 'udp' | 'tcp' | 'udp+tcp',
  /** Which address an empty `bindAddress` means. */
  ipVersion: 'auto' as 'auto' | '4' | '6',
  /** '' : the address this machine uses to reach the account's proxy or registrar. */
  bindAddress: '',
  bindPort: '5060',
  publicAddress: '',
  userAgent: '',
  rtpPortMin: '10000',
  rtpPortMax: '20000',
}
export type Config = typeof defaults
