export const defaults = {
  version: 1,
  name: '',
  /** Id of the sip-transport. */
  transport: '',
  /** Id of the sip-proxy, '' for none. */
  proxy: '',
  /** `auto`: as the proxy or registrar names it, else UDP. */
  protocol: 'auto' as 'auto' | 'udp' | 'tcp',
  aor: '',
  displayName: '',
  /** '' : the user part of the AOR. */
  authUser: '',
  /** Who may ask for the password; '' : registrar and proxies, as they show themselves. */
  realm: '',
  /** '' : the domain of the AOR. */
  registrar: '',
  register: true,
  expires: '600',
  codecs: ['PCMA', 'PCMU'] as ('PCMA' | 'PCMU')[],
  ringTimeout: '30',
  dtmfTone: '160',
  maxCalls: '10',
  /** Calls placed within a minute; '0': no limit. */
  callsPerMinute: '0',
  /** Patterns such as `+49*`, separated by commas; '' : everybody. */
  allowedTargets: '',
  blockedTargets: '',
  allowEmergency: false,
  inboundFrom: 'known' as 'known' | 'anyone',
  /** Addresses or CIDR blocks, IPv4 and IPv6, separated by commas. */
  allowedSources: '',
  /** What everybody else gets. */
  strangers: 'silence' as 'silence' | '403',
  /** Header names, separated by commas. */
  exposeHeaders: '',
  mediaTimeout: '20',
  /** Seconds in which no node acts in an answered call; '0': it goes on. */
  abandonedAfter: '600',
  /** Dial plan, for numbers only. */
  stripPrefix: '',
  addPrefix: '',
  countryCode: '',
  followRedirects: true,
  mediaSource: 'auto' as 'auto' | 'latch',
  orphanedCalls: 'hangup' as 'hangup' | 'keep',
}
export type Config = typeof defaults
export interface Credentials {
  password?: string
}
