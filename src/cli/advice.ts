/** What to do about a final status, for somebody who does not know SIP. */
const BY_STATUS = new Map<number, string>([
  [400, 'The server did not understand the request; --trace shows what was sent.'],
  [401, 'Check --user, --auth-user and the password.'],
  [403, 'The server forbids it: check user and password, whether calls need --register, and what the number may be.'],
  [404, 'The server does not know this number or user.'],
  [405, 'The server does not take this kind of request.'],
  [407, 'Check --user, --auth-user and the password.'],
  [408, 'Nobody answered at that address: check host and port, and that no firewall blocks UDP.'],
  [416, 'The server does not take this kind of address; try sip:.'],
  [480, 'Nobody is there to take the call now: the other side may not be registered.'],
  [484, 'The number is incomplete.'],
  [486, 'The other side is busy.'],
  [487, 'The call was given up before it was answered.'],
  [488, 'Both sides share no codec: try --codecs PCMU,PCMA.'],
  [503, 'The address cannot be reached, or the server is overloaded: check host and port.'],
  [603, 'The other side declined.'],
])

const BY_CAUSE = new Map<string, string>([
  ['no-answer', 'Nobody answered in time; --ring-timeout gives more.'],
  [
    'media-timeout',
    'No sound came for too long: a firewall or NAT may block RTP; see --rtp-ports and --public-address.',
  ],
  ['completed-elsewhere', 'Another telephone took the call.'],
  ['interrupted', 'The telephony engine stopped; --verbose shows why.'],
])

const NOT_EVEN_RINGING = 'Check host and port, that something listens there, and that no firewall blocks UDP.'

/** `rang`: whether the other side said that it rings. */
export function adviceFor(end: { cause: string; sipCode: number | null }, rang = true): string {
  if (end.cause === 'no-answer' && !rang) return NOT_EVEN_RINGING
  return BY_STATUS.get(end.sipCode ?? 0) ?? BY_CAUSE.get(end.cause) ?? ''
}
