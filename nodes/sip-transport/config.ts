export const defaults = {
  version: 2,
  name: '',
  protocol: 'udp' as 'udp' | 'tcp' | 'udp+tcp',
  /** Of an empty `bindAddress`; the preferred version falls back to the other one. */
  ipVersion: 'prefer-4' as 'prefer-4' | 'prefer-6' | '4' | '6',
  /** '' : the address this machine uses to reach the account's proxy or registrar. */
  bindAddress: '',
  bindPort: '5060',
  publicAddress: '',
  userAgent: '',
  rtpPortMin: '10000',
  rtpPortMax: '20000',
}
export type Config = typeof defaults
