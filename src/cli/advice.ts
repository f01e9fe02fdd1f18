/** Advice after a failure, for people who do not know SIP. */
import type { ErrorCode } from '../base/errors.js'

/** The cause is more precise than the status: our own timeout differs from a server's 408. */
const BY_CAUSE = new Map<string, string>([
  [
    'media-timeout',
    'No sound arrived for too long: a firewall or NAT may block RTP; see --rtp-ports and --public-address.',
  ],
  ['completed-elsewhere', 'Another telephone took the call.'],
  ['interrupted', 'The telephony engine stopped; --verbose shows why.'],
])

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
  [408, 'The address did not answer: check host and port, and that no firewall blocks UDP.'],
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
  [503, 'The address cannot be reached, or the server is overloaded: check host and port.'],
  [600, 'The other side is busy.'],
  [603, 'The other side declined.'],
])

const BY_ERROR = new Map<ErrorCode, string>([
  ['TARGET_BLOCKED', 'If you really mean to call this number, add --allow-emergency.'],
  ['BAD_AUDIO', 'Use a WAV file: 8 to 32 bit PCM, A-law or mu-law.'],
  ['NO_PORTS', 'Choose another range with --rtp-ports.'],
])

const NOT_ANSWERED = 'The call was not answered in time; a larger --ring-timeout waits longer.'
const NOT_EVEN_RINGING =
  'Check host and port, that a SIP server or telephone listens there, and that no firewall blocks UDP.'

/** `rang`: whether the other side reported ringing. */
export function adviceFor(end: { cause: string; sipCode: number | null }, rang = true): string {
  // Only the other side sends 480. With another status the ring time was over, and 487 answers our CANCEL.
  if (end.cause === 'no-answer' && end.sipCode !== 480) return rang ? NOT_ANSWERED : NOT_EVEN_RINGING
  return BY_CAUSE.get(end.cause) ?? BY_STATUS.get(end.sipCode ?? 0) ?? ''
}

export const adviceForStatus = (status: number): string => BY_STATUS.get(status) ?? ''

export const adviceForError = (code: ErrorCode): string => BY_ERROR.get(code) ?? ''
