/** RFC 5118 4: IPv6 in SIP. */
import { request, type TortureCase } from './case.js'

const sdp = (...more: string[]): string =>
  [
    'v=0',
    'o=assistant 971731711378798081 0 IN IP6 2001:db8::20',
    's=-',
    'c=IN IP6 2001:db8::20',
    't=0 0',
    'm=audio 6000 RTP/AVP 0',
    ...more,
    '',
  ].join('\r\n')

export const IPV6: readonly TortureCase[] = [
  {
    name: 'ipv6-good',
    section: '4.1',
    about: 'an IPv6 reference in Request-URI, Via and Contact',
    text: request('INVITE sip:[2001:db8::10] SIP/2.0', {
      Via: 'Via: SIP/2.0/UDP [2001:db8::9:1]:PORT;branch=z9hG4bKUNIQUE',
      Contact: 'Contact: "Caller" <sip:caller@[2001:db8::1]>',
    }),
    outcome: 486,
  },
  {
    name: 'ipv6-bad',
    section: '4.2',
    about: 'no brackets in the Request-URI',
    text: request('INVITE sip:2001:db8::10 SIP/2.0'),
    outcome: 400,
  },
  {
    name: 'port-ambiguous',
    section: '4.3',
    about: 'what looks like a port is the end of the address',
    text: request('OPTIONS sip:[2001:db8::10:5070] SIP/2.0', { To: 'To: sip:user@[2001:db8::10:5070]' }),
    outcome: 200,
  },
  {
    name: 'port-unambiguous',
    section: '4.4',
    about: 'a port behind the brackets',
    text: request('OPTIONS sip:[2001:db8::10]:5070 SIP/2.0', { To: 'To: sip:user@[2001:db8::10]:5070' }),
    outcome: 200,
  },
  {
    name: 'via-received-param-with-delim',
    section: '4.5',
    about: 'received with brackets',
    text: request('OPTIONS sip:user@[2001:db8::10] SIP/2.0', {
      Via: 'Via: SIP/2.0/UDP [2001:db8::9:1]:PORT;received=[2001:db8::9:255];branch=z9hG4bKUNIQUE',
    }),
    outcome: 200,
  },
  {
    name: 'via-received-param-no-delim',
    section: '4.5',
    about: 'received without brackets',
    text: request('OPTIONS sip:user@[2001:db8::10] SIP/2.0', {
      Via: 'Via: SIP/2.0/UDP [2001:db8::9:1]:PORT;received=2001:db8::9:255;branch=z9hG4bKUNIQUE',
    }),
    outcome: 200,
  },
  {
    name: 'ipv6-in-sdp',
    section: '4.6',
    about: 'IPv6 in the session description',
    text: request('INVITE sip:user@[2001:db8::10] SIP/2.0', {}, sdp()),
    outcome: 486,
  },
  {
    name: 'mult-ip-in-header',
    section: '4.7',
    about: 'both families among the Vias',
    text: request('OPTIONS sip:user@[2001:db8::10] SIP/2.0', {
      Via: 'Via: SIP/2.0/UDP [2001:db8::9:1]:PORT;branch=z9hG4bKUNIQUE\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKjhja8781hjuaij65144',
    }),
    outcome: 200,
    says: /^Via: SIP\/2\.0\/UDP 192\.0\.2\.1;/m,
  },
  {
    name: 'mult-ip-in-sdp',
    section: '4.8',
    about: 'both families in the session description',
    text: request('INVITE sip:user@[2001:db8::10] SIP/2.0', {}, sdp('m=video 6024 RTP/AVP 107', 'c=IN IP4 192.0.2.1')),
    outcome: 486,
  },
  {
    name: 'ipv4-mapped-ipv6',
    section: '4.9',
    about: 'an IPv4 address dressed as IPv6',
    text: request(
      'INVITE sip:user@example.com SIP/2.0',
      {
        Via: 'Via: SIP/2.0/UDP [::ffff:192.0.2.10]:PORT;branch=z9hG4bKUNIQUE',
        Contact: 'Contact: "T. Watson" <sip:t.watson@[::ffff:192.0.2.10]:19823>',
      },
      sdp().replaceAll('2001:db8::20', '::ffff:192.0.2.2'),
    ),
    outcome: 486,
  },
  {
    name: 'ipv6-bug-abnf-3-colons',
    section: '4.10',
    about: 'three colons, as the grammar of RFC 3261 has them by mistake: tolerated',
    text: request('OPTIONS sip:user@[2001:db8:::192.0.2.1] SIP/2.0', { To: 'To: sip:user@[2001:db8:::192.0.2.1]' }),
    outcome: 200,
  },
  {
    name: 'ipv6-correct-abnf-2-colons',
    section: '4.10',
    about: 'two colons',
    text: request('OPTIONS sip:user@[2001:db8::192.0.2.1] SIP/2.0', { To: 'To: sip:user@[2001:db8::192.0.2.1]' }),
    outcome: 200,
  },
]
