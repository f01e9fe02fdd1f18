/** Advice after a failure, for people who do not know SIP. */
import type { ErrorCode } from '../base/errors.js'

/** The cause is more precise than the status. */
const BY_CAUSE = new Map<string, string>([
  [
    'media-timeout',
    'No sound arrived for too long: a firewall or NAT may block RTP; see --rtp-ports and --public-address.',
  ],
  [
    'session-expired',
    'The other side did not keep the call up: it has vanished, or it does not handle session timers.',
  ],
  ['completed-elsewhere', 'Another telephone took the call.'],
  ['interrupted', 'The telephony engine stopped; --verbose shows why.'],
])

/** Statuses that a peer has sent. */
const BY_STATUS = new Map<number, string>([
  [400, 'The server did not understand the request; --trace shows it.'],
  [401, 'Check --user, --auth-user and the password.'],
  [
    403,
    'The server forbids the call or the registration: check user and password, whether calls need --register, and whether the number is allowed.',
  ],
  [404, 'The server does not know this number or user.'],
  [405, 'The server does not accept this kind of request.'],
  [406, 'The server cannot answer in a form that this program reads; --trace shows the request and the answer.'],
  [407, 'Check --user, --auth-user and the password.'],
  [408, 'The server got no answer from the other side in time.'],
  [416, 'The server does not accept this kind of address; try sip:.'],
  [
    420,
    'The server demands a SIP extension that this program does not have; its Unsupported header in --trace names it.',
  ],
  [421, 'The server demands a SIP extension that this program does not have; its Require header in --trace names it.'],
  [480, 'The other side cannot take the call now: it may not be registered.'],
  [484, 'The number is incomplete.'],
  [486, 'The other side is busy.'],
  [487, 'The call was cancelled before it was answered.'],
  [488, 'The two sides have no codec in common: try --codecs PCMU,PCMA.'],
  [503, 'The server is overloaded, or it cannot reach the other side.'],
  [600, 'The other side is busy.'],
  [603, 'The other side declined.'],
])

const BY_ERROR = new Map<ErrorCode, string>([
  ['TARGET_BLOCKED', 'If you really mean to call this number, add --allow-emergency.'],
  ['BAD_AUDIO', 'Use a WAV file: 8 to 32 bit PCM, A-law or mu-law.'],
  ['NO_PORTS', 'Choose another range with --rtp-ports.'],
])

/** By the code at the end of the reason. */
const BY_TLS = new Map<string, string>([
  ['CERTIFICATE_SELF_SIGNED', 'If you trust this certificate, give it with --tls-ca.'],
  ['CERTIFICATE_UNKNOWN_ISSUER', 'Give the certificate of its issuer with --tls-ca.'],
  ['CERTIFICATE_WRONG_NAME', 'Use one of these names in --server or in the target.'],
  ['CERTIFICATE_MISSING', 'Give your certificate with --tls-cert and --tls-key.'],
  ['CERTIFICATE_REFUSED', 'Give a certificate that the server trusts with --tls-cert and --tls-key.'],
  ['TLS_NOT_SPOKEN', 'Check the port: servers usually take TLS at port 5061.'],
])

/** '' for a reason that is not about TLS. */
export const adviceForTls = (reason: string): string => BY_TLS.get(/\((\w+)\)$/.exec(reason)?.[1] ?? '') ?? ''

const NOT_ANSWERED = 'The call was not answered in time; a larger --ring-timeout waits longer.'
export const UNSENT = 'Check host and port, and the network of this machine.'
export const UNREACHABLE =
  'Check host and port, that a SIP server or telephone listens there, and that no firewall blocks UDP.'
export const WITHOUT_PASSWORD =
  'No password was given: set RINGFLOW_PASSWORD, or use --password-file <path> or --password <text>.'

interface FailedCall {
  cause: string
  /** The status that the peer sent, if it sent one. */
  status: number | null
  /** Whether the peer showed that it is there. */
  reached: boolean
  /** Whether a request could not be sent. */
  unsent: boolean
  /** In words. */
  reason?: string
}

export function adviceFor({ cause, status, reached, unsent, reason = '' }: FailedCall): string {
  const known = BY_CAUSE.get(cause) ?? BY_STATUS.get(status ?? 0)
  if (known !== undefined) return known
  if (cause === 'no-answer') return reached ? NOT_ANSWERED : UNREACHABLE
  return unsent ? adviceForTls(reason) || UNSENT : ''
}

export const adviceForStatus = (status: number): string => BY_STATUS.get(status) ?? ''

export const adviceForError = (code: ErrorCode): string => BY_ERROR.get(code) ?? ''
